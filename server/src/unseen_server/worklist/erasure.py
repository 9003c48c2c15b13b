"""Erasure of a patient, or of one study, on request: its preview, and the erasure itself.

`study_removal` removes the rows and files; `retention` removes studies by age.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field
from sqlalchemy import Connection, func, select

from unseen_server.worklist.lookup import find_study
from unseen_server.worklist.outside_reports import of_patient as early_of
from unseen_server.worklist.patient_merging import patient_of
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.stored_text import checked_text
from unseen_server.worklist.study_removal import Removed, remove_attachments, remove_rows, unlink
from unseen_server.worklist.tables import (
    attachments,
    drafts,
    films,
    findings,
    merged_patients,
    outside_reports,
    reports,
    studies,
)

if TYPE_CHECKING:
    from unseen_server.worklist.pseudonyms import Pseudonyms
    from unseen_server.worklist.site import Site
    from unseen_server.worklist.transactions import Found

MOST_NUMBER: Final = 20_000
"""Most characters of a patient's number or its issuer. Films have longer ones than the 64 that DICOM allows."""
STAYS = (
    "The audit trail stays: it records that studies were erased, by whom and when, but not whose.",
    "Copies outside the worklist stay: backups, exported tables, and .done in a watched folder. Remove them as well.",
    "A film that is sent again later is received as a new one.",
)
"""Copies that an erasure does not reach, shown to the person who confirms one."""


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """Preview of an erasure.

    Args:
        bytes: of the films as they were received.
        reports: that readers made, and `drafts` that they have not finished.
        digest: of the studies and films: given to `erase`, nothing else is erased than what was shown.
    """

    studies: int
    films: int
    bytes: int
    maps: int
    reports: int
    drafts: int
    holders: Annotated[tuple[str, ...], Field(description="readers who have one of the studies in hand")]
    digest: str


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
            gone = replace(gone, attached=[*gone.attached, *remove_attachments(writing, own)])
            writing.connection.execute(
                outside_reports.delete().where(early_of(writing.connection, writing.names, patient))
            )
            writing.connection.execute(merged_patients.delete().where(merged_patients.c.patient == called))
    removed = unlink(site, gone, len(found))
    site.database.forget_overwritten()
    return removed


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
        checked_text(text, "The patient's number or its issuer", most=MOST_NUMBER)
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
