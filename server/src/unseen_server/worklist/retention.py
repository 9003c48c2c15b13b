"""Retention: studies removed by age, and a patient erased.

`film_removal` and `model_retirement` remove films and models.

Rows, films, maps and renditions go; the audit events stay, for they hold nothing of the patient and the chain must go
on. Files are removed after the transaction that removed their rows: a process killed in between leaves strangers, which
the next start removes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from sqlalchemy import ColumnElement, Connection, func, select

from unseen_server.worklist import site_settings
from unseen_server.worklist.lookup import find_study
from unseen_server.worklist.outside_reports import forget_early
from unseen_server.worklist.outside_reports import of_patient as early_of
from unseen_server.worklist.patient_merging import patient_of
from unseen_server.worklist.states import DONE, NotAllowedError, NotFoundError, State, WorklistError
from unseen_server.worklist.stored_text import checked_text
from unseen_server.worklist.tables import (
    attachments,
    decisions,
    drafts,
    films,
    findings,
    jobs,
    merged,
    merged_patients,
    outbox,
    outside_reports,
    reports,
    seen,
    studies,
    terms,
)
from unseen_server.worklist.transactions import Found, Writing

if TYPE_CHECKING:
    from unseen_server.worklist.pseudonyms import Pseudonyms
    from unseen_server.worklist.site import Site

_DAY_US = 86_400 * 1_000_000
_AT_ONCE = 200  # studies of a transaction: other writers get their turn


STAYS = (
    "The audit trail stays: it records that studies were erased, by whom and when, but not whose.",
    "Copies outside the worklist stay: backups, exported tables, and .done in a watched folder. Remove them as well.",
    "A film that is sent again later is received as a new one.",
)
"""Copies that an erasure does not reach, shown to the person who confirms one."""


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """Preview of an erasure.

    bytes    of the films as they were received
    reports  that readers made, and `drafts` that they have not finished
    digest   of the studies and films: given to `erase`, nothing else is erased than what was shown
    """

    studies: int
    films: int
    bytes: int
    maps: int
    reports: int
    drafts: int
    holders: Annotated[tuple[str, ...], Field(description="readers who have one of the studies in hand")]
    digest: str


@dataclass(frozen=True, kw_only=True)
class Removed:
    """Numbers of removed studies, films and maps.

    Args:
        studies: how many.
        films: how many.
        maps: how many.

    >>> Removed(studies=1, films=2, maps=2).studies
    1
    """

    studies: int
    films: int
    maps: int


def foresee(site: Site, *, patient: str | None, issuer: str | None, study: str | None) -> Foreseen:
    """Preview an erasure; see `Removal.foresee`."""
    with site.database.reading() as connection:
        found = _meant(connection, site.names, patient=patient, issuer=issuer, study=study)
        return _foreseen(connection, found)


def erase(
    site: Site, *, patient: str | None, issuer: str | None, study: str | None, actor: str, as_shown: str | None = None
) -> Removed:
    """Erase a patient, or one study; see `Removal.erase`."""
    with site.writing() as writing:
        found = _meant(writing.connection, writing.names, patient=patient, issuer=issuer, study=study)
        if as_shown is not None and as_shown != _foreseen(writing.connection, found).digest:
            raise NotAllowedError("The studies have changed since they were shown. Nothing was erased; look again.")
        gone = remove_rows(writing, found, actor=actor, action="study.erased")
        if patient is not None:  # what came of the patient without any film
            called = patient_of(writing.connection, writing.names.of("patient", patient))
            own = attachments.c.patient == called
            if issuer is not None:
                own &= attachments.c.issuer == writing.names.of("issuer", issuer)
            gone = ([*gone[0], *remove_attachments(writing, own)], gone[1])
            writing.connection.execute(
                outside_reports.delete().where(early_of(writing.connection, writing.names, patient))
            )
            writing.connection.execute(merged_patients.delete().where(merged_patients.c.patient == called))
    removed = unlink(site, gone, len(found))
    site.database.forget_overwritten()
    return removed


def retire(
    site: Site,
    *,
    older_than_days: float,
    states: Sequence[State] = DONE,
    actor: str,
    source: str | None = None,
    but: Collection[str] = (),
) -> Removed:
    """Remove studies that have been in one of `states` for so long; see `Removal.retire`."""
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
                .where(*_old(before, states, source=source, but=but))
                .order_by(studies.c.changed_us)
                .limit(_AT_ONCE)
            ).all()
            gone = remove_rows(writing, list(found), actor=actor, action="study.retired")
        part = unlink(site, gone, len(found))
        total = Removed(
            studies=total.studies + part.studies, films=total.films + part.films, maps=total.maps + part.maps
        )
        if len(found) < _AT_ONCE:
            if total.studies:
                site.database.forget_overwritten()
            return total


def count_old(site: Site, *, older_than_days: float, source: str | None = None) -> int:
    """Return the number of studies that `retire` would remove."""
    before = site.now_us() - int(older_than_days * _DAY_US)
    with site.database.reading() as connection:
        query = select(func.count()).select_from(studies).where(*_old(before, DONE, source=source, but=()))
        return int(connection.execute(query).scalar_one())


def retire_by_age(site: Site) -> int:
    """Remove what the site's settings no longer keep; returns how many studies. For a server, once in a while."""
    with site.database.reading() as connection:
        kept = site_settings.read(connection)
    with site.writing() as writing:
        forget_early(writing)
    periods: list[tuple[float | None, str | None]] = [(days, source) for source, days in kept.kept_of.items()]
    periods.append((kept.kept_days, None))
    return sum(
        retire(
            site, older_than_days=days, actor="unseen", source=source, but=() if source is not None else kept.kept_of
        ).studies
        for days, source in periods
        if days is not None
    )


def _old(
    before_us: int, states: Sequence[State], *, source: str | None, but: Collection[str]
) -> list[ColumnElement[bool]]:
    """Return the studies that have been in one of `states` since before then; of this source, or of all `but` these."""
    wanted = [studies.c.state.in_(states), studies.c.changed_us < before_us]
    if source is not None:
        wanted.append(studies.c.source == source)
    if but:
        wanted.append(studies.c.source.not_in(but))
    return wanted


def _meant(
    connection: Connection, names: Pseudonyms, *, patient: str | None, issuer: str | None, study: str | None
) -> list[Found]:
    """Return the studies of the patient, or the one study."""
    if (patient is None) == (study is None):
        raise WorklistError("Say either the patient, or the study.")
    if study is not None:
        return [find_study(connection, study)]
    return _of_patient(connection, names, str(patient), issuer)


def _of_patient(connection: Connection, names: Pseudonyms, patient: str, issuer: str | None) -> list[Found]:
    for text in (patient, issuer or ""):
        checked_text(text, "The patient's number or its issuer", most=200)
    query = select(studies).where(studies.c.patient == patient_of(connection, names.of("patient", patient)))
    found = list(connection.execute(query.order_by(studies.c.id)).all())
    if issuer is not None:
        found = [study for study in found if study.issuer == names.of("issuer", issuer)]
    elif len({study.issuer for study in found}) > 1:
        raise NotAllowedError("Several issuers have given out this patient's number. Say whose it is (the issuer).")
    early = select(outside_reports.c.id).where(early_of(connection, names, patient))
    if not found and connection.execute(early).first() is None:
        raise NotFoundError("There is no study of this patient here. Films are known by patient once they were scored.")
    return found


def _foreseen(connection: Connection, found: list[Found]) -> Foreseen:
    numbers = [study.id for study in found]
    rows = connection.execute(
        select(films.c.id, films.c.sha256, films.c.bytes).where(films.c.study_id.in_(numbers)).order_by(films.c.sha256)
    ).all()
    of_films = findings.c.film_id.in_([row.id for row in rows])
    maps = select(func.count()).select_from(findings).where(of_films, findings.c.map_sha256.is_not(None))
    counts = [
        connection.execute(select(func.count()).select_from(table).where(table.c.study_id.in_(numbers))).scalar_one()
        for table in (reports, drafts)
    ]
    shown = sorted(study.public_id for study in found) + [row.sha256 for row in rows]
    return Foreseen(
        studies=len(found),
        films=len(rows),
        bytes=sum(row.bytes for row in rows),
        maps=connection.execute(maps).scalar_one(),
        reports=counts[0],
        drafts=counts[1],
        holders=tuple(sorted({study.claimed_by for study in found if study.claimed_by})),
        digest=hashlib.sha256(" ".join(shown).encode()).hexdigest(),
    )


def remove_rows(writing: Writing, found: list[Found], *, actor: str, action: str) -> tuple[list[str], list[str]]:
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
    connection.execute(outbox.delete().where(outbox.c.study_id.in_(numbers)))
    uids = [study.uid for study in found if study.uid is not None]
    kept = attachments.c.film_id.in_(film_numbers) | attachments.c.uid.in_(uids)
    attached = remove_attachments(writing, kept)
    for table in (decisions, drafts, outside_reports, reports, terms, merged, films):
        connection.execute(table.delete().where(table.c.study_id.in_(numbers)))
    connection.execute(studies.delete().where(studies.c.id.in_(numbers)))
    for study in found:
        writing.log(actor, action, study.public_id, was=study.state, films=study.films)
    return [row.sha256 for row in rows] + attached, [digest for digest in maps if digest is not None]


def remove_attachments(writing: Writing, which: ColumnElement[bool]) -> list[str]:
    """Remove rows of attachments; returns the digests of their files."""
    digests = list(writing.connection.execute(select(attachments.c.sha256).where(which)).scalars())
    writing.connection.execute(attachments.delete().where(which))
    return digests


def unlink(site: Site, gone: tuple[list[str], list[str]], count: int) -> Removed:
    """Remove the files; `remove_unknown` asks again, since the same bytes may have come back meanwhile."""
    site.remove_unknown(site.renditions, gone[0])
    return Removed(
        studies=count,
        films=site.remove_unknown(site.films, gone[0]),
        maps=site.remove_unknown(site.maps, gone[1]),
    )
