"""Options that commands on a worklist share: its folder, its database, and the question before a removal."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Option(help="the worklist's folder")]
NewFolder = Annotated[Path, typer.Option(help="the worklist's folder; made where it is missing")]
Url = Annotated[
    str | None, typer.Option(help="its PostgreSQL database: postgresql://user@host/name", envvar="UNSEEN_URL")
]
Yes = Annotated[bool, typer.Option("--yes", help="do not ask")]


def confirm(question: str, yes: bool) -> None:
    """Ask, unless `yes`; whoever does not agree, or cannot be asked, ends the command with status 1."""
    if not yes:
        typer.confirm(question, abort=True)
