"""`unseen backup TO --folder worklist`: everything in a worklist, of one moment, into a new folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from unseen.worklist.backup import Saved


def backup(
    to: Annotated[Path, typer.Argument(help="a new folder")],
    folder: Annotated[Path, typer.Option(help="the worklist's folder")],
    url: Annotated[
        str | None, typer.Option(help="its PostgreSQL database: postgresql://user@host/name", envvar="UNSEEN_URL")
    ] = None,
) -> None:
    """Save a worklist while it is in use: its tables as they are at one moment, every film and map, and its key.

    Files that are missing or no longer what was received are named, and the exit status is then 1; the rest is saved.
    The backup is as secret as the worklist: it holds the films.

    Example:

      unseen backup backups/monday --folder worklist
    """
    from unseen.worklist.backup import back_up
    from unseen.worklist.store import Store

    with Store.open(url or folder, films_folder=folder, create=False) as store:
        saved = back_up(store, to)
    tell(saved, f"saved in {to}")


def tell(saved: Saved, what: str) -> None:
    """Say what was saved or restored, and what is wrong with it: then the exit status is 1."""
    typer.echo(f"{saved.studies} studies, {saved.films} films, {saved.maps} maps {what}")
    for digest in saved.damaged:
        typer.secho(f"missing, or not what was received: {digest}", err=True, fg=typer.colors.RED)
    if saved.audit is not None:
        typer.secho(saved.audit, err=True, fg=typer.colors.RED)
    raise typer.Exit(1 if saved.damaged or saved.audit else 0)
