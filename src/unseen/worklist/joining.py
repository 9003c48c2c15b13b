"""A film that was read joins its study: by StudyInstanceUID, whatever the order in which a study's films arrive.

Until it is read a film stands as a study of its own. The study that is there already takes it in, and keeps its state;
the film's own study is gone, but is still found under its name. Films of two patients are never joined.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import select

from unseen.worklist.tables import decisions, films, merged, reports, studies, terms
from unseen.worklist.writing import Found, Writing, clean

_IDENTITY = {"patient": "PatientID", "issuer": "IssuerOfPatientID", "accession": "AccessionNumber"}


def join(writing: Writing, film: Found, identifiers: Mapping[str, str], *, actor: str) -> Found:
    """The study that the film belongs to from now on."""
    connection, names = writing.connection, writing.names
    own = connection.execute(select(studies).where(studies.c.id == film.study_id)).one()
    given = {key: clean(identifiers.get(keyword, "")).strip() for key, keyword in _IDENTITY.items()}
    identity = {
        key: names.of(key, value)  # type: ignore[arg-type]  # the keys are kinds
        for key, value in given.items()
        if value
    }
    uid = clean(identifiers.get("StudyInstanceUID", "")).strip()
    study = own
    if uid:
        identity["uid"] = names.of("study", uid)
        target = connection.execute(select(studies).where(studies.c.uid == identity["uid"])).one_or_none()
        if target is not None and target.id != own.id:
            if _same_patient(target, identity):
                _take_in(writing, target, own, film, actor=actor)
                study = target
            else:
                del identity["uid"]  # it stays on its own; a person has to look
                writing.log(actor, "study.not_joined", own.public_id, other=target.public_id, why="another patient")
    missing = {key: value for key, value in identity.items() if getattr(study, key) is None}
    if missing:
        connection.execute(studies.update().where(studies.c.id == study.id).values(**missing))
    kinds = {"patient": "patient", "accession": "accession"}
    found = [names.sealed(kinds[key], given[key]) for key in kinds if given[key]]  # type: ignore[arg-type]
    add_terms(writing, study.id, [*found, *([names.sealed("study", uid)] if uid else [])])
    return connection.execute(select(studies).where(studies.c.id == study.id)).one()


def add_terms(writing: Writing, study_id: int, wanted: Iterable[str]) -> None:
    """Let a study be found by these too."""
    there = writing.connection.execute(select(terms.c.term).where(terms.c.study_id == study_id)).scalars().all()
    for term in sorted(set(wanted) - set(there)):
        writing.connection.execute(terms.insert().values(term=term, study_id=study_id))


def _same_patient(study: Found, identity: Mapping[str, str]) -> bool:
    """Whether nothing speaks against it: a film without a PatientID joins."""
    return all(
        getattr(study, key) is None or key not in identity or getattr(study, key) == identity[key]
        for key in ("patient", "issuer")
    )


def _take_in(writing: Writing, target: Found, own: Found, film: Found, *, actor: str) -> None:
    """Move the film, and everything that its own study had, to `target`."""
    connection = writing.connection
    connection.execute(films.update().where(films.c.id == film.id).values(study_id=target.id))
    for table in (decisions, reports, merged):
        connection.execute(table.update().where(table.c.study_id == own.id).values(study_id=target.id))
    moved = connection.execute(select(terms.c.term).where(terms.c.study_id == own.id)).scalars().all()
    connection.execute(terms.delete().where(terms.c.study_id == own.id))
    connection.execute(studies.delete().where(studies.c.id == own.id))
    connection.execute(merged.insert().values(public_id=own.public_id, study_id=target.id))
    add_terms(writing, target.id, moved)
    connection.execute(
        studies.update()
        .where(studies.c.id == target.id)
        .values(films=target.films + 1, received_us=min(target.received_us, own.received_us))
    )
    writing.log(actor, "study.joined", target.public_id, film=film.public_id, was=own.public_id, held_by=own.claimed_by)
