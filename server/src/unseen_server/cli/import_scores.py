"""`unseen import-scores PARTS --data MANIFEST --folder worklist`: an archive's scores become a ranked list."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unseen.artifacts import number_of
from unseen.cli import console
from unseen_server.cli.worklist_options import NewFolder, Url

if TYPE_CHECKING:
    pass


@console.with_output_options
def import_scores(
    parts: Annotated[Path, typer.Argument(help="the folder that `unseen score --out PARTS/` wrote")],
    data: Annotated[Path, typer.Option(help="the manifest that was scored, with its files")],
    folder: NewFolder,
    url: Url = None,
) -> None:
    """Bring the scores of an archive into a worklist, as a list ranked by score. Nothing is cleared.

    Each part is entered whole or not at all. Importing again enters only films that the worklist does not hold.
    Each film's file is read once: its SHA-256 must be that of the bytes that were scored. Films stay where they are,
    and the worklist's folder gets links to them: do not move or change the files.

    Films that the run could not score stand on top of the list with the reason. Films that cannot be entered are
    named, and the exit status is then 1; it is 1, too, where the run has not written all its parts yet.

    Example:

      unseen import-scores parts/ --data manifest.csv --folder archive-list
    """
    from unseen_server.worklist.score_import import import_scores as bring_in
    from unseen_server.worklist.store import Store

    with Store.open(url or folder, films_folder=folder, check="database") as store:
        done = bring_in(
            store, parts, data, actor=f"{getpass.getuser()} (shell)", progress=console.rate_progress("imported")
        )
    for refusal in done.named:
        console.note(f"{refusal.name}: {refusal.reason}")
    refused = done.refused.total()
    if refused > len(done.named):
        for reason, count in done.refused.most_common():
            console.note(f"{number_of(count, 'film')}: {reason}")
    if done.contradictions.films:
        console.warn(done.contradictions.sentence)
    if done.missing:
        console.note(
            f"{number_of(done.missing, 'part', 'is')} not there yet. Run `unseen score` with --resume, then this again"
        )
    console.result(
        f"{number_of(done.films, 'film')} in {number_of(done.parts, 'part')} imported, "
        f"{done.not_scored:,} of them not scored; {done.already:,} known already; {refused:,} refused.",
        films=done.films,
        parts=done.parts,
        not_scored=done.not_scored,
        already=done.already,
        refused=refused,
        missing_parts=done.missing,
    )
    console.limits()
    raise typer.Exit(1 if refused or done.missing else 0)
