"""`unseen erase`: remove a patient or a study on request, for good."""

import getpass
import sys
from typing import Annotated

import typer

from unseen.artifacts import number_of
from unseen.cli import UsageError, console
from unseen_server.cli.worklist_options import Folder, Url, Yes, confirm


def erase(
    folder: Folder,
    patient: Annotated[
        str | None, typer.Option(help="the patient's number; - reads it from the standard input, so no history has it")
    ] = None,
    issuer: Annotated[str | None, typer.Option(help="who gave out the number, where several hospitals use it")] = None,
    study: Annotated[str | None, typer.Option(help="one study, by its name in the list: s-…")] = None,
    url: Url = None,
    yes: Yes = False,
) -> None:
    """Erase a patient, or one study: films, anomaly maps, thumbnails, reports, drafts. It cannot be undone.

    The command prints what goes and what stays, and asks. The audit trail records that something was erased, by whom
    and when, but not whose.

    Examples:

      unseen erase --folder worklist --patient -

      unseen erase --folder worklist --study s-0123456789abcdef0123
    """
    from unseen_server.worklist.erasure import STAYS
    from unseen_server.worklist.store import Store

    if (patient is None) == (study is None):
        raise UsageError("give either --patient or --study")
    if patient == "-":
        patient = sys.stdin.readline().strip()
    with Store.open(url or folder, films_folder=folder, create=False, check="database") as store:
        shown = store.removal.foresee(patient=patient, issuer=issuer, study=study)
        console.result(
            f"Goes: {number_of(shown.studies, 'study')}, {number_of(shown.films, 'film')} ({shown.bytes / 1e6:.1f} "
            f"MB), {number_of(shown.maps, 'anomaly map')}, all thumbnails of the films, "
            f"{number_of(shown.reports, 'report')}, {number_of(shown.drafts, 'draft')}."
        )
        for reader in shown.holders:
            console.result(f"In the hands of: {reader}")
        for sentence in STAYS:
            console.result(f"Stays: {sentence}")
        confirm("Erase this for good?", yes)
        removed = store.removal.erase(
            patient=patient, issuer=issuer, study=study, actor=f"{getpass.getuser()} (shell)", as_shown=shown.digest
        )
    console.result(
        f"erased: {number_of(removed.studies, 'study')}, {number_of(removed.films, 'film')}, "
        f"{number_of(removed.maps, 'anomaly map')}"
    )
