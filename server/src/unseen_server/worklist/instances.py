"""Identity of a film: its SOP Instance UID with the digest of its pixels. Copies and versions.

Copies, versions, and what is no film at all.

The same instance in another transfer syntax, or with a corrected header, is the same film: its bytes are kept as an
attachment of the film, and the attributes that differ are on record. Other pixels under the same instance are a
*version*: both are films of the study, which is then not cleared, for a person decides which of them counts.

A DICOM object that is not a CR or DX For Presentation (a report, a twin For Processing) is kept with its study, and
never listed.

DICOM PS3.5 section 9 (a UID is given to one instance alone), PS3.3 C.12.1.1.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from unseen.data import IDENTIFYING_KEYWORDS
from unseen_server.worklist.patient_merging import patient_of
from unseen_server.worklist.sources import first_source
from unseen_server.worklist.statements import rows_of, update_row
from unseen_server.worklist.states import standing_of
from unseen_server.worklist.stored_text import clean
from unseen_server.worklist.tables import attachments, decisions, films, findings, jobs, seen, studies
from unseen_server.worklist.transactions import Found, Writing

if TYPE_CHECKING:
    from unseen.data import Film
TWO_VERSIONS: Final = (
    "two versions of a film: the same SOP Instance UID came with other pixels. A person decides which of them counts"
)
"""Reason for reading a study in which a film has two versions."""


def original_of(writing: Writing, film: Found, read: Film) -> Found | None:
    """Return the film of which this one is a copy: the same instance with the same pixels, received before."""
    uid = read.identifiers.get("SOPInstanceUID", "").strip()
    if not uid:
        return None
    same = (
        films.c.instance == writing.names.of("instance", clean(uid)),
        films.c.pixel_sha256 == read.pixel_sha256,
        films.c.id != film.id,
    )
    return writing.connection.execute(select(films).where(*same).order_by(films.c.id).limit(1)).one_or_none()


def become_copy(writing: Writing, film: Found, original: Found, read: Film, *, actor: str) -> None:
    """Turn a film into an attachment of `original`, whose film its name finds from then on.

    The study that it stood in has a film less; both studies are to be decided on again.
    """
    connection = writing.connection
    own = rows_of(connection, studies, id=film.study_id).one()
    target = rows_of(connection, studies, id=original.study_id).one()
    changed = changed_attributes(writing, original, target, read)
    claimed = _claimed(writing, target, read)
    for table in (jobs, seen, decisions, findings):
        connection.execute(table.delete().where(table.c.film_id == film.id))
    connection.execute(films.delete().where(films.c.id == film.id))
    connection.execute(
        attachments.insert().values(
            public_id=film.public_id,
            uid=target.uid or target.disputed_uid,
            patient=claimed.get("patient", target.patient),
            issuer=claimed.get("issuer", target.issuer),
            instance=original.instance,
            film_id=original.id,
            sop_class="",
            sha256=film.sha256,
            bytes=film.bytes,
            source=film.source,
            changed=json.dumps(changed),
            received_us=film.received_us,
        )
    )
    source = first_source(connection, own.id) or own.source
    update_row(connection, studies, own.id, {"films": own.films - 1, "source": source})
    writing.log(
        actor, "film.copy", original.public_id, copy=film.public_id, study=target.public_id, changed=",".join(changed)
    )


def _claimed(writing: Writing, target: Found, read: Film) -> dict[str, str]:
    """Return the patient number and issuer, as pseudonyms, that a copy names for the study.

    Returns None where it names another study.
    """
    names = writing.names

    def said(keyword: str) -> str:
        return clean(read.identifiers.get(keyword, "")).strip()

    if names.of("study", said("StudyInstanceUID")) != (target.uid or target.disputed_uid):
        return {}
    claimed = {}
    if said("PatientID"):
        claimed["patient"] = patient_of(writing.connection, names.of("patient", said("PatientID")))
    if said("IssuerOfPatientID"):
        claimed["issuer"] = names.of("issuer", said("IssuerOfPatientID"))
    return claimed


def changed_attributes(writing: Writing, original: Found, study: Found, read: Film) -> list[str]:
    """Return the keywords of header attributes in which a copy differs from what is known of the film and its study."""
    known_tags = json.loads(original.tags)
    changed = {keyword for keyword in {*known_tags, *read.tags} if known_tags.get(keyword) != read.tags.get(keyword)}
    if (original.view_position or "") != clean(read.view_position or ""):
        changed.add("ViewPosition")
    for keyword, kind, column in (
        ("PatientID", "patient", study.patient),
        ("IssuerOfPatientID", "issuer", study.issuer),
        ("AccessionNumber", "accession", study.accession),
        ("StudyInstanceUID", "study", study.uid),
    ):
        said = clean(read.identifiers.get(keyword, "")).strip()
        if said and column is not None and writing.names.of(kind, said) != column:  # type: ignore[arg-type]  # a kind
            changed.add(keyword)
    return sorted(changed, key=lambda keyword: (keyword not in IDENTIFYING_KEYWORDS, keyword))


def reopen(writing: Writing, study: Found, *, actor: str) -> Found:
    """Reopen a cleared study to which a film came: the clearing is taken back at once, until all of it is judged."""
    if study.standing == "cleared":
        standing = standing_of("clear", unjudged=1)
        writing.move(
            study,
            standing if study.state == "cleared" else study.state,
            actor=actor,
            action="study.reopened",
            standing=standing,
        )
        study = rows_of(writing.connection, studies, id=study.id).one()
    return study
