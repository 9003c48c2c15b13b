"""`unseen import FILE --folder worklist`: what other systems have reported leaves the list."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unseen.artifacts import number_of
from unseen.cli import console
from unseen_server.cli.worklist_options import Folder, Url

if TYPE_CHECKING:
    pass


@console.with_output_options
def import_(
    file: Annotated[
        Path, typer.Argument(help="a CSV with columns accession or film_sha256, and, where known, outcome and note")
    ],
    folder: Folder,
    url: Url = None,
) -> None:
    """Take studies off the list that were reported elsewhere, by accession number or by a film's SHA-256.

    Importing a file again changes nothing. A row with another outcome than the standing report is refused: undo that
    report first, if it is wrong. Rows that cannot be used are named with their line, the others count, and
    the exit status is then 1.

    Example:

      unseen import reported.csv --folder worklist
    """

    from unseen_server.worklist.report_import import import_elsewhere
    from unseen_server.worklist.store import Store

    with Store.open(url or folder, films_folder=folder, create=False, check="database") as store:
        done = import_elsewhere(store, file, actor=f"{getpass.getuser()} (shell)")
    for refusal in done.refused:
        console.note(f"{file}, line {refusal.line}: {refusal.reason}")
    console.result(
        f"{number_of(done.marked, 'study')} marked as reported elsewhere; "
        f"{number_of(done.already, 'row')} known already; {number_of(len(done.refused), 'row')} refused.",
        marked=done.marked,
        already=done.already,
        refused=[{"line": one.line, "reason": one.reason} for one in done.refused],
    )
    raise typer.Exit(1 if done.refused else 0)
