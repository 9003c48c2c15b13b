"""`unseen erase`: a patient, or a study. `unseen retire`: old studies, a film, what a model has found."""

import getpass
import sys
from typing import Annotated

import typer

from unseen.cli import UsageError
from unseen_server.cli.worklist_options import Folder, Url


def erase(
    folder: Folder,
    patient: Annotated[
        str | None, typer.Option(help="the patient's number; - reads it from the standard input, so no history has it")
    ] = None,
    issuer: Annotated[str | None, typer.Option(help="who gave out the number, where several hospitals use it")] = None,
    study: Annotated[str | None, typer.Option(help="one study, by its name in the list: s-…")] = None,
    url: Url = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
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
        typer.echo(
            f"Goes: {shown.studies} studies, {shown.films} films ({shown.bytes / 1e6:.1f} MB), {shown.maps} anomaly "
            f"maps, all thumbnails of the films, {shown.reports} reports, {shown.drafts} drafts."
        )
        for reader in shown.holders:
            typer.echo(f"In the hands of: {reader}")
        for sentence in STAYS:
            typer.echo(f"Stays: {sentence}")
        _confirm("Erase this for good?", yes)
        removed = store.removal.erase(
            patient=patient, issuer=issuer, study=study, actor=f"{getpass.getuser()} (shell)", as_shown=shown.digest
        )
    typer.echo(f"erased: {removed.studies} studies, {removed.films} films, {removed.maps} anomaly maps")


def retire(
    folder: Folder,
    older_than: Annotated[
        float | None, typer.Option(help="days: studies that were cleared or reported longer ago than this", min=1)
    ] = None,
    source: Annotated[str | None, typer.Option(help="with --older-than: of this source alone")] = None,
    film: Annotated[str | None, typer.Option(help="one film, by its name: f-…")] = None,
    model: Annotated[
        str | None, typer.Option(help="what a model has found, by the SHA-256 of its weights (`unseen info`)")
    ] = None,
    url: Url = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Retire what is no longer needed: old studies, one film, or all that a model has found. It cannot be undone.

    A study that waits for a reader is never removed by its age. A film is removed from a study that nobody has in hand
    or has reported. A model's decisions and the reports stay; its findings, anomaly maps and renditions go. Stop
    servers and workers that score with the model first.

    Examples:

      unseen retire --folder worklist --older-than 365

      unseen retire --folder worklist --film f-0123456789abcdef0123
    """
    from unseen_server.worklist.store import Store

    if sum(given is not None for given in (older_than, film, model)) != 1:
        raise UsageError("give one of --older-than, --film and --model")
    if source is not None and older_than is None:
        raise UsageError("--source goes with --older-than")
    actor = f"{getpass.getuser()} (shell)"
    with Store.open(url or folder, films_folder=folder, create=False, check="database") as store:
        if older_than is not None:
            count = store.removal.count_old(older_than_days=older_than, source=source)
            _confirm(f"Remove {count} studies that were cleared or reported more than {older_than:g} days ago?", yes)
            removed = store.removal.retire(older_than_days=older_than, source=source, actor=actor)
        elif film is not None:
            _confirm(f"Remove the film {film}?", yes)
            removed = store.removal.retire_film(film, actor=actor)
        else:
            assert model is not None, "one of three was given"
            count = sum(one.findings for one in store.findings.models() if one.model == model)
            _confirm(f"Remove {count} findings of this model, with their anomaly maps and renditions?", yes)
            removed = store.removal.retire_model(model, actor=actor)
    typer.echo(f"removed: {removed.studies} studies, {removed.films} films, {removed.maps} anomaly maps")


def _confirm(question: str, yes: bool) -> None:
    """Ask, unless `yes`; whoever does not agree, or cannot be asked, ends the command with status 1."""
    if not yes:
        typer.confirm(question, abort=True)
