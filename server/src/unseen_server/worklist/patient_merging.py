"""Two numbers of one patient become one: what stands under the number that is given up moves to the one that stays.

A modality still sends the old number for a while, so it stays known as another name of the patient: films that
come under it later join the patient's studies.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from unseen_server.worklist.bulk import among
from unseen_server.worklist.statements import rows_of, update_row
from unseen_server.worklist.states import NotAllowedError, WorklistError
from unseen_server.worklist.stored_text import checked_text
from unseen_server.worklist.tables import attachments, merged_patients, outside_reports, studies, terms
from unseen_server.worklist.transactions import Found, Writing

if TYPE_CHECKING:
    from collections.abc import Collection

    from unseen_server.worklist.pseudonyms import Pseudonyms


@dataclass(frozen=True, kw_only=True)
class Merged:
    """Result of a merge; `already`: the same merge was made before, and nothing came under the old number since.

    `uids` are the StudyInstanceUIDs, as pseudonyms, whose identity may be another one now: `identity_review.review`.
    """

    studies: int
    attachments: int
    already: bool
    uids: tuple[str, ...] = field(default=(), repr=False)


def patient_of(connection: Connection, patient: str) -> str:
    """Return the pseudonym that stands for `patient`, itself one, since patients were merged."""
    merged = rows_of(connection, merged_patients, prior=patient).one_or_none()
    return patient if merged is None else str(merged.patient)


def patients_of(connection: Connection, patients: Collection[str]) -> dict[str, str]:
    """`patient_of` of those of `patients` that were merged into another."""
    if not patients:
        return {}
    found = select(merged_patients.c.prior, merged_patients.c.patient).where(
        among(connection, merged_patients.c.prior, patients)
    )
    return {row.prior: row.patient for row in connection.execute(found)}


def term_of(names: Pseudonyms, patient: str) -> str:
    """Return the search term for the studies of a patient, as `studies` stores it."""
    return names.sealed("patient", patient) if names.plain else patient


def merge_patients(writing: Writing, *, prior: str, surviving: str, issuer: str | None = None, actor: str) -> Merged:
    """Move what stands under the number `prior` to `surviving`.

    Args:
        issuer: whose numbers both are; None: it does not matter, unless several issuers use the number.

    Raises WorklistError where a number is missing or both are the same, NotAllowedError where several issuers have
    given out the number and none was given.
    """
    for number in (prior, surviving):
        if not checked_text(number, "The patient's number", most=200).strip():
            raise WorklistError("A merge of patients needs both numbers: the one given up, and the one that stays.")
    connection, names = writing.connection, writing.names
    old, new = names.of("patient", prior), names.of("patient", surviving)
    if old == new:
        raise WorklistError("The two numbers of this merge are the same. Nothing was changed.")
    if (since := patient_of(connection, new)) != old:  # it was itself given up before, unless just for `prior`
        new = since
    query = select(studies).where(studies.c.patient == old).order_by(studies.c.id)
    kept = attachments.c.patient == old
    if issuer is not None:
        of_issuer = names.of("issuer", issuer)
        query = query.where(studies.c.issuer.is_(None) | (studies.c.issuer == of_issuer))
        kept &= attachments.c.issuer.is_(None) | (attachments.c.issuer == of_issuer)
    found = connection.execute(query).all()
    copied = set(connection.execute(select(attachments.c.uid).where(kept, attachments.c.uid.is_not(None))).scalars())
    if issuer is None and len({study.issuer for study in found}) > 1:
        raise NotAllowedError("Several issuers have given out the number that is given up. Say whose it is.")
    for study in found:
        values = {"patient": new} | ({} if issuer is not None else _surviving_issuer(connection, study, new))
        update_row(connection, studies, study.id, values)
        _found_by(writing, study.id, term_of(names, old), term_of(names, new))
        writing.log(actor, "study.patient_merged", study.public_id)
    moved = connection.execute(attachments.update().where(kept).values(patient=new)).rowcount
    _reports_follow(connection, old, new)
    known = connection.execute(
        select(merged_patients.c.patient).where(merged_patients.c.prior == old)
    ).scalar_one_or_none()
    already = known == new and not found and not moved
    if not already:
        connection.execute(merged_patients.delete().where(merged_patients.c.prior.in_((old, new))))
        connection.execute(merged_patients.update().where(merged_patients.c.patient == old).values(patient=new))
        connection.execute(merged_patients.insert().values(prior=old, patient=new, made_us=writing.now_us))
        writing.log(actor, "patient.merged", "patient", studies=len(found), attachments=moved)
    of_studies = {study.disputed_uid or study.uid for study in found}
    uids = tuple(sorted((copied | of_studies) - {None}))
    return Merged(studies=len(found), attachments=moved, already=already, uids=uids)


def _surviving_issuer(connection: Connection, study: Found, patient: str) -> dict[str, str]:
    """Return the issuer of the number that stays, for a study whose identity is disputed: the merge says that it
    counts.
    """
    if study.disputed_uid is None:
        return {}
    other = select(studies.c.issuer).where(
        studies.c.disputed_uid == study.disputed_uid, studies.c.patient == patient, studies.c.issuer.is_not(None)
    )
    issuer = connection.execute(other.limit(1)).scalar_one_or_none()
    return {} if issuer is None else {"issuer": issuer}


def _found_by(writing: Writing, study_id: int, old: str, new: str) -> None:
    """Let a search for the number that stays find the study, and one for the other no more."""
    connection = writing.connection
    connection.execute(terms.delete().where(terms.c.study_id == study_id, terms.c.term.in_((old, new))))
    connection.execute(terms.insert().values(term=new, study_id=study_id))


def _reports_follow(connection: Connection, old: str, new: str) -> None:
    """Replace the old pseudonym in reports that wait for films of the patient."""
    called = json.dumps(old, ensure_ascii=False)
    waiting = select(outside_reports.c.id, outside_reports.c.patients).where(
        outside_reports.c.patients.contains(called, autoescape=True)
    )
    for row in connection.execute(waiting).all():
        patients = sorted({new if one == old else one for one in json.loads(row.patients)})
        connection.execute(
            outside_reports.update()
            .where(outside_reports.c.id == row.id)
            .values(patients=json.dumps(patients, ensure_ascii=False))
        )
