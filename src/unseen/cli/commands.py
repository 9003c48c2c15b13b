"""Commands of other packages: entry points of the group `unseen.commands`.

The name of an entry point is the command's name; its object is the function of a command, or a `typer.Typer` with
commands of its own. `unseen-server` adds `serve`, `worker`, `demo` and others. Where it is not installed, the program
has these names all the same: each ends with a sentence that names what to install.
"""

from importlib import metadata
from typing import Final, NoReturn

import typer

from unseen.artifacts.installing import install_command
from unseen.cli.console import UsageError

GROUP: Final = "unseen.commands"
SERVER: Final = (
    "demo", "serve", "worker", "pacs", "audit", "export", "import", "import-scores", "backup", "restore", "invite",
    "erase", "retire",
)  # fmt: skip
"""Commands of `unseen-server`, in the order of their use."""


def add_commands(app: typer.Typer) -> None:
    """Add the commands of all installed packages to `app`, and a remedy for those of the server where it is missing.

    Args:
        app: the program; a command that it has already is kept, whatever another package calls its own.

    Example:
        >>> app = typer.Typer()
        >>> add_commands(app)
        >>> "serve" in names_of(app)
        True
    """
    for entry in sorted(metadata.entry_points(group=GROUP), key=_place):
        if entry.name in names_of(app):
            continue
        panel = "Commands for the worklist server" if entry.name in SERVER else "Commands of other packages"
        try:
            command = entry.load()
        except (Exception, SystemExit) as error:  # whatever another package does as it is imported
            package = "another package" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"
            _add_failing(
                app,
                entry.name,
                f"{entry.name} cannot be loaded from {package} ({str(error) or type(error).__name__}). "
                "Install the package again, in a version that fits this one",
            )
            continue
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=entry.name, rich_help_panel=panel)
        else:
            app.command(entry.name, rich_help_panel=panel)(command)
    for name in SERVER:
        if name not in names_of(app):
            _add_failing(
                app,
                name,
                f"{name} is a command of the worklist server, which is not installed: "
                f"{install_command('unseen-server')}",
            )


def names_of(app: typer.Typer) -> set[str]:
    """Return the names of the commands and groups of `app`.

    Example:
        >>> names_of(typer.Typer())
        set()
    """
    named = {one.name or (one.callback.__name__ if one.callback else None) for one in app.registered_commands}
    return {name for name in named | {one.name for one in app.registered_groups} if isinstance(name, str)}


def _place(entry: metadata.EntryPoint) -> tuple[int, str]:
    """Return the place of a command in the list: those of the server in their order, then others by name."""
    return (SERVER.index(entry.name) if entry.name in SERVER else len(SERVER), entry.name)


def _add_failing(app: typer.Typer, name: str, sentence: str) -> None:
    """Add a hidden command that takes any words and ends with this sentence."""

    @app.command(name, hidden=True, context_settings=_ANYTHING, add_help_option=False)
    def fail() -> NoReturn:
        raise UsageError(sentence)


_ANYTHING: Final = {"allow_extra_args": True, "ignore_unknown_options": True}
