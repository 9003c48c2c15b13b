"""`unseen restore FROM --folder worklist`: a backup becomes a worklist again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def restore(
    backup: Annotated[Path, typer.Argument(help="the folder that `unseen backup` wrote")],
    folder: Annotated[Path, typer.Option(help="where the worklist is to be: an empty folder, or a new one")],
    url: Annotated[
        str | None,
        typer.Option(help="an empty PostgreSQL database for it: postgresql://user@host/name", envvar="UNSEEN_URL"),
    ] = None,
) -> None:
    """Bring a backup back into an empty place; from SQLite to PostgreSQL too, or the other way.

    Every table and file is checked by its hash. What is damaged is named, and the exit status is then 1.

    Example:

      unseen restore backups/monday --folder worklist
    """
    from unseen.cli.backup import tell
    from unseen.worklist.restoring import restore as bring_back

    tell(bring_back(backup, url or folder, films_folder=folder), f"restored into {folder}")
