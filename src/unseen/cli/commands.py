"""Commands of other packages: entry points of the group `unseen.commands`.

The name of an entry point is the command's name; its object is the function of a command, or a `typer.Typer` with
commands of its own. `unseen-server` adds `serve`, `worker`, `demo` and others. Where it is not installed, the program
has these names all the same: each says in one sentence what to install.
"""

from collections.abc import Callable
from importlib import metadata
from typing import Final, NoReturn

import typer

from unseen.cli.console import UsageError

GROUP: Final = "unseen.commands"
SERVER: Final = (
    "demo", "serve", "worker", "pacs", "audit", "export", "import", "import-scores", "backup", "restore", "invite",
    "erase", "retire",
)  # fmt: skip
"""Commands of `unseen-server`."""


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
    for entry in metadata.entry_points(group=GROUP):
        if entry.name in names_of(app):
            continue
        command = _loaded(entry)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=entry.name)
        else:
            app.command(entry.name)(command)
    for name in SERVER:
        if name not in names_of(app):
            app.command(name, hidden=True, context_settings=_ANYTHING, add_help_option=False)(_missing(name))


def names_of(app: typer.Typer) -> set[str]:
    """Return the names of the commands and groups of `app`.

    Example:
        >>> names_of(typer.Typer())
        set()
    """
    named = {one.name or (one.callback.__name__ if one.callback else None) for one in app.registered_commands}
    return {name for name in named | {one.name for one in app.registered_groups} if isinstance(name, str)}


_ANYTHING: Final = {"allow_extra_args": True, "ignore_unknown_options": True}


def _loaded(entry: metadata.EntryPoint) -> Callable[..., object] | typer.Typer:
    """Load the object of an entry point; where that fails, a command that reports why."""
    try:
        found: Callable[..., object] | typer.Typer = entry.load()
    except (ImportError, AttributeError) as error:
        package = "another package" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"
        return _failing(
            f"unseen {entry.name}: {package} brings this command and it cannot be loaded ({error}). "
            "Install the package again, in a version that fits this one"
        )
    return found


def _missing(name: str) -> Callable[[], NoReturn]:
    return _failing(f"unseen {name} is a command of the worklist server, which is not installed: {INSTALL_SERVER}")


INSTALL_SERVER: Final = "pip install unseen-server"


def _failing(sentence: str) -> Callable[[], NoReturn]:
    """Return a command that ends with this sentence."""

    def fail() -> NoReturn:
        raise UsageError(sentence)

    return fail
