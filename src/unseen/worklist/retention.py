"""What is kept, and for how long: studies removed by age, and a patient erased.

Rows, films, maps and renditions go; the audit events stay, for they hold nothing of the patient and the chain must go
on. Files are removed after the transaction that removed their rows: a process killed in between leaves strangers, which
the next start removes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from unseen.worklist.states import DONE, NotAllowedError, NotFoundError, State, WorklistError
from unseen.worklist.tables import decisions, drafts, films, findings, jobs, merged, reports, seen, studies, terms
from unseen.worklist.transactions import Found, Writing, checked_text, find_study

if TYPE_CHECKING:
    from unseen.worklist.site import Site

_DAY_US = 86_400 * 1_000_000
_AT_ONCE = 200  # studies of a transaction: other writers get their turn


@dataclass(frozen=True, kw_only=True)
class Removed:
    """How much was removed."""

    studies: int
    films: int
    maps: int


def erase(site: Site, *, patient: str | None, issuer: str | None, study: str | None, actor: str) -> Removed:
    """Erase a patient, or one study; see `Store.erase`."""
    if (patient is None) == (study is None):
        raise WorklistError("Say either the patient, or the study.")
    with site.writing() as writing:
        if study is not None:
            found = [find_study(writing.connection, study)]
        else:
            found = _of_patient(writing, str(patient), issuer)
        gone = _remove(writing, found, actor=actor, action="study.erased")
    removed = _unlink(site, gone, len(found))
    site.database.forget_overwritten()
    return removed


def retire(site: Site, *, older_than_days: float, states: Sequence[State], actor: str) -> Removed:
    """Remove studies that have been in one of `states` for so long; see `Store.retire`."""
    if unfinished := [state for state in states if state not in DONE]:
        raise NotAllowedError(
            f"Studies that are {str(unfinished[0]).replace('_', ' ')} still wait for somebody and are not removed by "
            f"age. States that may be: {', '.join(DONE)}."
        )
    if not older_than_days > 0:
        raise WorklistError(f"{older_than_days} days: the age must be above 0.")
    total = Removed(studies=0, films=0, maps=0)
    while True:
        with site.writing() as writing:
            before = writing.now_us - int(older_than_days * _DAY_US)
            found = writing.connection.execute(
                select(studies)
                .where(studies.c.state.in_(states), studies.c.changed_us < before)
                .order_by(studies.c.changed_us)
                .limit(_AT_ONCE)
            ).all()
            gone = _remove(writing, list(found), actor=actor, action="study.retired")
        part = _unlink(site, gone, len(found))
        total = Removed(
            studies=total.studies + part.studies, films=total.films + part.films, maps=total.maps + part.maps
        )
        if len(found) < _AT_ONCE:
            return total


def _of_patient(writing: Writing, patient: str, issuer: str | None) -> list[Found]:
    for text in (patient, issuer or ""):
        checked_text(text, "The patient's number or its issuer", most=200)
    query = select(studies).where(studies.c.patient == writing.names.of("patient", patient))
    found = list(writing.connection.execute(query.order_by(studies.c.id)).all())
    if issuer is not None:
        found = [study for study in found if study.issuer == writing.names.of("issuer", issuer)]
    elif len({study.issuer for study in found}) > 1:
        raise NotAllowedError("Several issuers have given out this patient's number. Say whose it is (the issuer).")
    if not found:
        raise NotFoundError("There is no study of this patient here. Films are known by patient once they were scored.")
    return found


def _remove(writing: Writing, found: list[Found], *, actor: str, action: str) -> tuple[list[str], list[str]]:
    """Remove the studies' rows; returns the digests of their films and of their maps."""
    connection = writing.connection
    numbers = [study.id for study in found]
    rows = connection.execute(select(films.c.id, films.c.sha256).where(films.c.study_id.in_(numbers))).all()
    film_numbers = [row.id for row in rows]
    of_films = findings.c.film_id.in_(film_numbers)
    maps = connection.execute(select(findings.c.map_sha256).where(of_films)).scalars().all()
    connection.execute(findings.delete().where(of_films))
    for table in (jobs, seen):
        connection.execute(table.delete().where(table.c.film_id.in_(film_numbers)))
    for table in (decisions, drafts, reports, terms, merged, films):
        connection.execute(table.delete().where(table.c.study_id.in_(numbers)))
    connection.execute(studies.delete().where(studies.c.id.in_(numbers)))
    for study in found:
        writing.log(actor, action, study.public_id, was=study.state, films=study.films)
    return [row.sha256 for row in rows], [digest for digest in maps if digest is not None]


def _unlink(site: Site, gone: tuple[list[str], list[str]], count: int) -> Removed:
    """Remove the files; `remove_unknown` asks again, since the same bytes may have come back meanwhile."""
    site.remove_unknown(site.renditions, gone[0])
    return Removed(
        studies=count,
        films=site.remove_unknown(site.films, gone[0]),
        maps=site.remove_unknown(site.maps, gone[1]),
    )
