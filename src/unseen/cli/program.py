"""Program `unseen`: its commands, options and exit statuses; prints a mistake of the user as one sentence.

`EXIT_STATUS` defines the exit statuses.
"""

import atexit
import functools
import gc
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from unseen import __version__
from unseen.artifacts.research_only import LIMITS
from unseen.cli import (
    adapt,
    calibrate,
    commands,
    console,
    evaluate,
    gate,
    identify,
    info,
    manifest,
    onnx,
    pilot,
    prior,
    reconstruct,
    score,
    suspect_films,
    train,
)
from unseen.cli.filled_help import fill_help
from unseen.cli.other_options import FilesCommand, Program, TrainCommand

EXIT_STATUS = (
    "Exit status: 0 done, 1 some inputs were not read, 2 the command cannot be carried out as given, 130 stopped by "
    "Ctrl-C. With 1, the output is made from the other inputs."
)
"""Exit statuses of every command that reads films; commands that check something end with 1 if they find a fault."""
CLOSED_PIPE = 141
"""Exit status where the reader of a pipe has ended, as of programs that the signal SIGPIPE ends (128 + 13)."""

app = typer.Typer(
    name="unseen",
    cls=Program,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Train anomaly detectors on normal chest X-rays, score films, and check the scores for shortcuts. "
    "Reconstruct images from measurements alone."
    f"\n\n[bold]{LIMITS}[/bold]"
    "\n\nBegin with [bold]unseen demo[/bold]: simulated films, two detectors trained live, a report, a worklist "
    "to read, in some minutes. It needs the extra [bold]train[/bold] and the packages [bold]unseen-server[/bold] and "
    "[bold]unseen-models[/bold] (docs/get-started/install.md)."
    "\n\nThen: [bold]unseen train[/bold] RECIPE --data normals/ → [bold]unseen score[/bold] MODEL film.png → "
    "[bold]unseen evaluate[/bold] MODEL --data labelled.csv --out report/ → "
    "[bold]unseen calibrate[/bold] MODEL --data labelled.csv --out policy.json",
    epilog=EXIT_STATUS,
)
for panel, members in {
    "Commands for films": (manifest.manifest, suspect_films.suspects),
    "Commands for models": (
        train.train,
        score.score,
        evaluate.evaluate,
        evaluate.compare,
        adapt.adapt,
        gate.gate,
        info.recipes,
        info.info,
        onnx.onnx,
    ),
    "Commands for decisions": (calibrate.calibrate, pilot.pilot),
    "Commands for imaging": (reconstruct.reconstruct, identify.identify),
}.items():
    for command in members:
        kind = TrainCommand if command is train.train else FilesCommand
        app.command(command.__name__, cls=kind, rich_help_panel=panel)(console.with_output_options(command))
app.add_typer(prior.prior, name="prior", rich_help_panel="Commands for imaging")
commands.add_commands(app)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"unseen {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version and end")
    ] = False,
) -> None:
    """Typer puts the options of the program itself here."""


_PACKAGE = Path(__file__).parents[1]


def main() -> None:
    """Run the command `unseen`."""
    run(app)


@functools.cache
def built(program: typer.Typer) -> Callable[..., object]:
    """Return the command of a program, with those below it, which takes 0.05 s to make."""
    command = typer.main.get_command(program)
    fill_help(command)
    return command


def run(program: typer.Typer) -> None:
    """Run a program; a user's mistakes end in one sentence and status 2, not in a traceback.

    With UNSEEN_TRACEBACK=1 they end in their traceback, for authors of plug-ins.
    """
    _limit_busy_waiting()
    warnings.showwarning = functools.partial(_show_warning, warnings.showwarning)
    atexit.register(gc.freeze)  # else the interpreter looks for cycles in all of torch as it ends: half a second
    try:
        built(program)()
    except SystemExit as ended:  # of Typer, or of Rich for the help, where the reader has closed the pipe: `| head`
        if isinstance(ended.__context__, BrokenPipeError):
            sys.exit(CLOSED_PIPE)
        raise
    except Exception as error:
        said = console.error_sentence(error)
        if said is None or os.environ.get("UNSEEN_TRACEBACK") == "1":
            raise
        console.error(said)
        sys.exit(2)


def _show_warning(
    otherwise: Callable[..., None],
    message: Warning | str,
    category: type[Warning],
    filename: str,
    *place: Any,  # Any: line number, file and source line, as `warnings` gives them
) -> None:
    """Print a warning of this package as a sentence, without the place in its code."""
    if issubclass(category, UserWarning | RuntimeWarning) and Path(filename).is_relative_to(_PACKAGE):
        console.warn(str(message))
    else:
        otherwise(message, category, filename, *place)


def _limit_busy_waiting() -> None:
    """Let torch's threads sleep soon when they wait for each other; a setting of the user remains in force.

    GNU OpenMP tests 300,000 times whether the other thread has finished before it sleeps. On cores that other programs
    use, that thread does not run meanwhile, and the tests only delay it. With 1,000 tests an idle machine is somewhat
    slower. Scores are the same. OpenMP reads the variable when torch is imported.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
