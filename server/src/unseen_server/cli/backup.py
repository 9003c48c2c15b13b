"""`unseen backup` and `unseen restore`: copy a worklist in use to a new folder, and restore a copy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unseen.artifacts import number_of
from unseen.cli import console
from unseen_server.cli.worklist_options import Folder, Url

if TYPE_CHECKING:
    from unseen_server.worklist.backup import Saved


@console.with_output_options
def backup(
    to: Annotated[Path, typer.Argument(help="a new folder; with --keep, the folder that holds the backups")],
    folder: Folder,
    url: Url = None,
    keep: Annotated[
        int | None,
        typer.Option(min=1, help="name the backup in TO by date and time, keep this many, and remove older ones"),
    ] = None,
) -> None:
    """Save a worklist while it is in use: its tables as they are at one moment, every film and map, and its key.

    The command names files that are missing or have changed since they were received; the exit status is then 1, and
    the rest is saved. It fails if most films in the folder are unknown to the tables. The backup is as secret as the
    worklist: it contains the films.

    Examples:

      unseen backup backups/monday --folder worklist

      unseen backup backups --folder worklist --keep 14
    """
    from unseen_server.worklist.backup import back_up, back_up_dated
    from unseen_server.worklist.store import Store

    with Store.open(url or folder, films_folder=folder, create=False, check="database") as store:
        if keep is None:
            saved = back_up(store, to)
        else:
            done = back_up_dated(store, to, keep=keep)
            saved, to = done.saved, done.path
            for old in done.removed:
                console.note(f"removed: {old.name}")
    tell(saved, "saved in", to)


def tell(saved: Saved, what: str, place: Path) -> None:
    """Print the numbers of studies and files, and any damage; exit with status 1 if there is damage."""
    console.result(
        f"{number_of(saved.studies, 'study')}, {number_of(saved.films, 'film')}, {number_of(saved.maps, 'map')} "
        f"{what} {place}",
        studies=saved.studies,
        films=saved.films,
        maps=saved.maps,
        place=place,
        damaged=list(saved.damaged),
        audit=saved.audit,
    )
    for digest in saved.damaged:
        console.error(f"missing, or changed since it was received: {digest}")
    if saved.audit is not None:
        console.error(saved.audit)
    raise typer.Exit(1 if saved.damaged or saved.audit else 0)


@console.with_output_options
def restore(
    backup: Annotated[Path, typer.Argument(help="the folder that `unseen backup` wrote")],
    folder: Annotated[Path, typer.Option(help="folder of the restored worklist: an empty or a new one")],
    url: Annotated[
        str | None,
        typer.Option(help="an empty PostgreSQL database for it: postgresql://user@host/name", envvar="UNSEEN_URL"),
    ] = None,
) -> None:
    """Restore a backup into an empty folder or database, also from SQLite to PostgreSQL or the other way.

    Every table and file is checked by its hash. The command names the damaged ones; the exit status is then 1.

    Example:

      unseen restore backups/monday --folder worklist
    """
    from unseen_server.worklist.backup import restore as bring_back

    tell(bring_back(backup, url or folder, films_folder=folder), "restored into", folder)
