"""Films come in: bytes to disk, then one transaction; and a film joins its study.

Films come in: bytes to a temporary file, hashed, flushed, renamed to their digest, then one transaction; only then
is the film acknowledged. Whatever fails before leaves nothing behind.

A film that was read joins its study: by StudyInstanceUID, whatever the order in which a study's films arrive.

Until it is read a film stands as a study of its own. The study that is there already takes it in, and keeps its state;
the film's own study is gone, but is still found under its name. Films of two patients are never joined: see
`identity_conflicts`.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from unseen_server.worklist import (
    arrivals,
    completeness,
    identity_review,
    outside_reports,
    patient_merging,
    settle_time,
)
from unseen_server.worklist.bulk import insert_rows
from unseen_server.worklist.identities import FilmIdentity
from unseen_server.worklist.instances import reopen
from unseen_server.worklist.joining import add_terms, take_in
from unseen_server.worklist.reading_order import order_of
from unseen_server.worklist.received_header import ReceivedHeader, attach
from unseen_server.worklist.statements import insert_row, rows_of, update_row
from unseen_server.worklist.states import TooLargeError, WorklistError
from unseen_server.worklist.stored_files import room, write_flushed
from unseen_server.worklist.stored_text import checked_text, clean
from unseen_server.worklist.tables import attachments, films, jobs, studies, terms
from unseen_server.worklist.transactions import Found, Writing

if TYPE_CHECKING:
    from unseen_server.worklist.site import Site

_SAME_NAME = (
    select(films.c.public_id)
    .where(films.c.source == bindparam("source"), films.c.name == bindparam("name"))
    .order_by(films.c.id.desc())
    .limit(1)
)
_STUDY_OF_FILM = select(studies).where(
    studies.c.id == select(films.c.study_id).where(films.c.id == bindparam("film")).scalar_subquery()
)


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The acknowledgement: from here on the film is not lost.

    >>> Receipt(sha256="ab" * 32, study="study-1", film_id="film-1", already=False).already
    False

    Args:
        sha256: of the bytes.
        film_id: the film's name from now on; the same bytes always get the same.
        study: the study that it stands under now. Before it was read that is its own; the film may then join another,
            and the store still finds that under this name.
        already: the same bytes had been received before.
    """

    sha256: str
    study: str
    film_id: str
    already: bool


def receive(
    site: Site,
    chunks: Iterable[bytes] | bytes,
    *,
    name: str,
    source: str = "unknown",
    actor: str = "unseen",
    header: ReceivedHeader | None = None,
    settle_s: float | None = None,
) -> Receipt:
    """Store one film; see `WorklistFilms.receive`."""
    checked_text(source, "The source", most=200)
    temporary = site.films.temporary()
    digest = hashlib.sha256()
    size = 0

    def counted() -> Iterator[bytes]:
        nonlocal size
        for chunk in [chunks] if isinstance(chunks, bytes) else chunks:
            size += len(chunk)
            if size > site.max_film_bytes:
                raise TooLargeError(
                    f"The film has more than {site.max_film_bytes} bytes, which is the limit. Nothing was stored. "
                    "Export it in its ordinary size."
                )
            digest.update(chunk)
            yield chunk

    try:
        with room(site.films):
            write_flushed(temporary, counted())
        if not size:
            raise WorklistError("The film has no bytes. Nothing was stored. Send it again.")
        sha256 = digest.hexdigest()
        try:
            with site.writing() as writing, room(site.films):
                known = rows_of(writing.connection, films, sha256=sha256).one_or_none()
                attached = rows_of(writing.connection, attachments, sha256=sha256).one_or_none()
                if (known is None and attached is None) or not site.films.of(sha256).exists():
                    site.films.place(temporary, sha256)
                if known is not None:
                    return _receipt(writing, known, already=True)
                if attached is not None:
                    return _receipt_of(writing, attached, already=True)
                if header is not None and not header.is_film:
                    kept = attach(writing, header, sha256, size, source=source, actor=actor)
                    return _receipt_of(writing, kept, already=False)
                receipt = _enter(writing, sha256, size, name=name, source=source, actor=actor)
                return receipt if header is None else _join_at_once(writing, receipt, header, settle_s, actor=actor)
        except BaseException:
            with contextlib.suppress(WorklistError, OSError):
                site.remove_unknown(site.films, [sha256])
            raise
    finally:
        temporary.unlink(missing_ok=True)


def _receipt(writing: Writing, film: Found, *, already: bool) -> Receipt:
    study = select(studies.c.public_id).where(studies.c.id == film.study_id)
    public_id = writing.connection.execute(study).scalar_one()
    return Receipt(sha256=film.sha256, study=public_id, film_id=film.public_id, already=already)


def _receipt_of(writing: Writing, attachment: Found, *, already: bool) -> Receipt:
    """Return the receipt of an object that is kept with a study; `study` is "" if no film of it has come yet."""
    of_film = select(films.c.study_id).where(films.c.id == attachment.film_id).scalar_subquery()
    study = select(studies.c.public_id).where(
        studies.c.uid == attachment.uid if attachment.film_id is None else studies.c.id == of_film
    )
    public_id = writing.connection.execute(study).scalar_one_or_none() or ""
    return Receipt(sha256=attachment.sha256, study=public_id, film_id=attachment.public_id, already=already)


def _join_at_once(
    writing: Writing, receipt: Receipt, header: ReceivedHeader, settle_s: float | None, *, actor: str
) -> Receipt:
    """Join the film to its study before it is read: what was cleared without it is cleared no more."""
    film = rows_of(writing.connection, films, public_id=receipt.film_id).one()
    study = join(writing, film, header.identifiers, actor=actor)
    if header.study:
        seconds = settle_time.settle_s(writing.connection, film.source) if settle_s is None else settle_s
        study = completeness.wait(writing, study, since_us=film.received_us, seconds=seconds)
    reopen(writing, study, actor=actor)
    return replace(receipt, study=study.public_id)


def _enter(writing: Writing, sha256: str, size: int, *, name: str, source: str, actor: str) -> Receipt:
    """Enter the rows of a new film: itself, a study of its own until it is read, its job, and the audit event."""
    connection, now = writing.connection, writing.now_us
    called = writing.names.sealed("film", sha256)[:20]
    film_id, study_id = f"f-{called}", f"s-{called}"
    kept_name = writing.names.of("name", name)
    checked_text(kept_name, "The film's name", most=1000)
    same_name = connection.execute(_SAME_NAME, {"source": source, "name": kept_name}).scalar_one_or_none()
    order = order_of(
        "received",
        standing="received",
        priority=None,
        received_us=now,
        changed_us=now,
        overdue_before_us=now - writing.cap_us,
    )
    new_study = {
        "public_id": study_id,
        "source": source,
        "state": "received",
        "standing": "received",
        "received_us": now,
        "changed_us": now,
        "films": 1,
        "audit_sample": False,
        "reason": "",
        **order._asdict(),
    }
    study = insert_row(connection, studies, new_study)
    new_film = {
        "public_id": film_id,
        "study_id": study,
        "sha256": sha256,
        "bytes": size,
        "name": kept_name,
        "source": source,
        "received_us": now,
        "judged": False,
        "tags": "{}",
    }
    film = insert_row(connection, films, new_film)
    insert_rows(connection, jobs, [{"film_id": film, "state": "open", "tries": 0, "due_us": now, "reason": ""}])
    arrivals.announce(connection)
    found_by = sorted({writing.names.sealed("name", name), film_id, study_id})
    insert_rows(connection, terms, [{"term": term, "study_id": study} for term in found_by])
    writing.log(actor, "film.received", film_id, bytes=size, source=source, study=study_id, same_name_as=same_name)
    return Receipt(sha256=sha256, study=study_id, film_id=film_id, already=False)


def holds(site: Site, instance: str) -> bool:
    """See `WorklistFilms.holds`."""
    named = site.names.of("instance", clean(instance))
    with site.database.reading() as connection:
        digests = [
            *connection.execute(select(films.c.sha256).where(films.c.instance == named)).scalars(),
            *connection.execute(select(attachments.c.sha256).where(attachments.c.instance == named)).scalars(),
        ]
    return any(site.films.of(digest).is_file() for digest in digests)


def join(writing: Writing, film: Found, identifiers: Mapping[str, str], *, actor: str) -> Found:
    """Return the study that the film belongs to from now on."""
    connection, names = writing.connection, writing.names
    own = rows_of(connection, studies, id=film.study_id).one()
    found = FilmIdentity.of(names, identifiers)
    identity, wanted = dict(found.columns), list(found.terms)
    if "patient" in identity:
        identity["patient"] = patient_merging.patient_of(connection, identity["patient"])
        wanted.append(patient_merging.term_of(names, identity["patient"]))
    study, disputed = own, None
    if "uid" in identity:
        target = rows_of(connection, studies, uid=identity["uid"]).one_or_none()
        if target is not None and target.id != own.id:
            if _same_patient(target, identity):
                take_in(writing, target, own, actor=actor)
                study = target
            else:
                disputed = identity.pop("uid")  # it stays on its own; a person has to look
                study = _disputing(writing, own, target, identity, disputed, actor=actor)
    disputed = disputed or own.disputed_uid or study.disputed_uid
    if found.instance is not None and film.instance is None:
        update_row(connection, films, film.id, {"instance": found.instance})
    missing = {key: value for key, value in identity.items() if getattr(study, key) is None}
    if missing:
        update_row(connection, studies, study.id, missing)
    add_terms(writing, study.id, wanted)
    if disputed is not None:
        identity_review.review(writing, disputed, actor=actor)
    study = connection.execute(_STUDY_OF_FILM, {"film": film.id}).one()  # a review may join studies
    return outside_reports.close_early(writing, study, new_film=film.instance is None)


def _disputing(
    writing: Writing, own: Found, target: Found, identity: Mapping[str, str], uid: str, *, actor: str
) -> Found:
    """Return the study of a film that names another patient than the study with its UID: one that does so already, or
    its own.
    """
    connection = writing.connection
    patient, issuer = identity.get("patient"), identity.get("issuer")
    known = identity_review.agreeing_study(connection, uid, but=own.id, patient=patient, issuer=issuer)
    if known is not None:
        take_in(writing, known, own, actor=actor)
        return known
    if own.disputed_uid is None:
        update_row(connection, studies, own.id, {"disputed_uid": uid})
        writing.log(actor, "study.not_joined", own.public_id, other=target.public_id, why="another patient")
    return own


def _same_patient(study: Found, identity: Mapping[str, str]) -> bool:
    """Return True if the patient can be the same: a film without a PatientID joins."""
    return all(
        getattr(study, key) is None or key not in identity or getattr(study, key) == identity[key]
        for key in ("patient", "issuer")
    )
