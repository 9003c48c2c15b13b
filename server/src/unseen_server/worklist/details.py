"""Everything that is kept of one study: films, findings, decisions, reports, history, the patient's other studies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from sqlalchemy import ColumnElement, Connection, func, select

from unseen_server.worklist import audit, seeing
from unseen_server.worklist.comparable_films import blank_films
from unseen_server.worklist.listing import ListedStudy, entry_of
from unseen_server.worklist.lookup import find_film, find_study
from unseen_server.worklist.row_facts import row_facts
from unseen_server.worklist.statements import rows_among, rows_of
from unseen_server.worklist.states import NotFoundError
from unseen_server.worklist.stored_time import moment, moment_or_none
from unseen_server.worklist.tables import attachments, decisions, drafts, films, findings, merged, reports, studies
from unseen_server.worklist.transactions import Found, decision_of

if TYPE_CHECKING:
    from unseen.screening import Decision


@dataclass(frozen=True, kw_only=True)
class StoredFinding:
    """A model's finding on a film.

    >>> at = {"map_sha256": None, "box": None, "inner": None, "made": datetime(2026, 1, 1)}
    >>> StoredFinding(model="ab" * 32, score=0.5, parts={}, **at).score
    0.5

    Args:
        parts: the score's ingredients, by name.
        made: when.
        score: None where the film could not be scored, and on a blind page (`parts` is empty there).
    """

    model: Annotated[str, Field(description="SHA-256 of its weights")]
    score: float | None
    parts: Mapping[str, float]
    map_sha256: Annotated[str | None, Field(description="of the anomaly map; null without one")]
    box: Annotated[
        tuple[float, float, float, float] | None,
        Field(description="top, left, bottom, right: the part of the film, in its pixels, that the map shows"),
    ]
    inner: Annotated[
        tuple[int, int, int, int] | None,
        Field(description="top, left, height, width: where on the map that part lies; the rest is padding"),
    ]
    made: datetime


@dataclass(frozen=True, kw_only=True)
class StoredCopy:
    """The same film, received again with another transfer syntax or another header."""

    film: str
    bytes: int
    source: str
    received: datetime
    changed: Annotated[
        tuple[str, ...], Field(description="keywords of the attributes that differ; none: the syntax alone does")
    ]


@dataclass(frozen=True, kw_only=True)
class StoredFilm:
    """A film of a study.

    Args:
        aside: returned or discarded, since it cannot be shown; else None.
        findings: by model, oldest first.
        decision: the latest on this film; None before it was judged, and on a blind page.
        copies: the same film again in other bytes, oldest first.
    """

    film: str
    sha256: str
    bytes: int
    name: Annotated[str, Field(description="as it was given, or its pseudonym")] = field(repr=False)
    source: str
    received: datetime
    judged: bool
    view_position: str | None
    file_format: str | None
    tags: Mapping[str, str]
    seen: Annotated[bool, Field(description="its pixels were painted for the asker")]
    needed: Annotated[bool, Field(description="a report of the study speaks of it: it must be seen first")]
    aside: str | None
    findings: tuple[StoredFinding, ...]
    decision: Decision | None
    copies: tuple[StoredCopy, ...] = ()
    version_of: Annotated[
        str | None, Field(description="the film that came first under the same SOP Instance UID with other pixels")
    ] = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """A reader's report.

    Args:
        reader: the account, or who marked it.
        elsewhere: whether it was reported in another system.
        outcome: None where it was reported elsewhere and the outcome is not known, and where films were set aside.
        note: the reader's words.
        made: when.
        undone: when it was taken back; None: it stands.
        how: how it came about, see `tables.HOW`.

    >>> made = datetime(2026, 1, 1)
    >>> Report(reader="reader-1", elsewhere=False, outcome="normal", note="", made=made, undone=None).outcome
    'normal'
    """

    reader: str
    elsewhere: bool
    outcome: str | None
    note: str = field(repr=False)
    made: datetime
    undone: datetime | None
    how: str = "unrecorded"
    dwell_ms: Annotated[
        int | None,
        Field(
            description="milliseconds from the first display of a film of the study to the report; null: not measured"
        ),
    ] = None
    confirmed_by: Annotated[
        str | None,
        Field(description="of another system's report: who has seen the films here and agrees; null: nobody"),
    ] = None


@dataclass(frozen=True, kw_only=True)
class StudyDetails:
    """One study, whole.

    Args:
        entry: as the list shows it.
        decision: the latest on the study; None before there was one, and on a blind page.
        history: its audit events, oldest first; none on a blind page.
    """

    entry: ListedStudy
    accession: Annotated[str | None, Field(description="as in the films' headers, or its pseudonym")] = field(
        repr=False
    )
    patient: Annotated[str | None, Field(description="likewise")] = field(repr=False)
    films: tuple[StoredFilm, ...]
    reports: tuple[Report, ...]
    decision: Decision | None
    audit_sample: Annotated[bool | None, Field(description="cleared, and read all the same; null where not to be seen")]
    history: tuple[audit.Event, ...]
    draft: Annotated[str, Field(description="what the asker has written of it and not reported")] = field(
        default="", repr=False
    )

    def film(self, name: str) -> StoredFilm:
        """Return the film with this name, or the film of which the name is a copy.

        Raises:
            NotFoundError: the study has no such film, or has it no longer.
        """
        for one in self.films:
            if name == one.film or any(name == copy.film for copy in one.copies):
                return one
        raise NotFoundError(f"There is no film {name[:40]!r} here. It may have been erased.")


@dataclass(frozen=True, kw_only=True)
class PriorStudy:
    """An earlier or later study of the same patient.

    Args:
        films: by name and view position, without those that were refused as blank.
        film: one to look at, frontal where there is one; None before a worker has read one, and where all are blank.
        outcome: of the report that stands; None without one.
    """

    study: str
    received: datetime
    films: tuple[tuple[str, str | None], ...]
    film: str | None
    outcome: str | None


MOST_PRIORS = 20
"""Priors of one answer: the file of each is opened for its date."""


def count_priors(connection: Connection, public_id: str) -> int:
    """See `Studies.count_priors`."""
    own = find_study(connection, public_id)
    return 0 if own.patient is None else connection.execute(select(func.count()).where(*_others(own))).scalar_one()


def _others(own: Found) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of a patient's other studies."""
    return studies.c.patient == own.patient, studies.c.issuer.is_not_distinct_from(own.issuer), studies.c.id != own.id


def priors(connection: Connection, public_id: str, *, skip: int = 0) -> list[PriorStudy]:
    """See `Studies.priors`."""
    own = find_study(connection, public_id)
    if own.patient is None:
        return []
    latest = select(studies).where(*_others(own)).order_by(studies.c.received_us.desc(), studies.c.id.desc())
    rows = connection.execute(latest.offset(skip).limit(MOST_PRIORS)).all()
    beside = row_facts(connection, rows)
    of_studies = connection.execute(
        select(films).where(films.c.study_id.in_([row.id for row in rows]), films.c.file_format.is_not(None))
    ).all()
    blank = blank_films(connection, [film.id for film in of_studies])
    found = []
    for row in rows:
        shown = sorted((one for one in of_studies if one.study_id == row.id and one.id not in blank), key=_order)
        names = [film.public_id for film in shown if film.look is not None]
        first = beside[row.id].film
        found.append(
            PriorStudy(
                study=row.public_id,
                received=moment(row.received_us),
                films=tuple((film.public_id, film.view_position) for film in shown),
                film=first if first in names else next(iter(names), None),
                outcome=beside[row.id].outcome,
            )
        )
    return found


def _order(film: Found) -> tuple[bool, float, float, int]:
    """Return the sort key: frontal films before laterals, then by series and instance, then by arrival."""
    tags = json.loads(film.tags)

    def number(keyword: str) -> float:
        try:
            return float(tags.get(keyword, "inf"))
        except ValueError:
            return float("inf")

    return film.projection == "lateral", number("SeriesNumber"), number("InstanceNumber"), film.id


def study(
    connection: Connection, public_id: str, *, now_us: int, blind: bool, reader: str | None = None
) -> StudyDetails:
    """Return one study; see `Studies.details`."""
    row = find_study(connection, public_id)
    made = rows_among(connection, decisions.c.study_id, [row.id]).all()
    latest = {} if blind else {decision.film_id: decision_of(decision) for decision in made}
    of_study = sorted(rows_of(connection, films, study_id=row.id).all(), key=_order)
    found = rows_among(connection, findings.c.film_id, [film.id for film in of_study]).all()
    copies, first = _copies(connection, of_study), _first_versions(of_study)
    needed = {film.id for film in seeing.to_be_seen(connection, row.id)}
    shown = seeing.seen_by(connection, [film.id for film in of_study], reader or "")
    said = rows_among(connection, reports.c.study_id, [row.id]).all()
    names = [one.public_id for one in rows_of(connection, merged, study_id=row.id)]
    own_draft = rows_of(connection, drafts, study_id=row.id, account=reader or "").one_or_none()
    subjects = [row.public_id, *names, *(film.public_id for film in of_study)]
    return StudyDetails(
        entry=entry_of(row, row_facts(connection, [row], reader=reader)[row.id], now_us=now_us, blind=blind),
        accession=row.accession,
        patient=row.patient,
        films=tuple(
            StoredFilm(
                film=film.public_id,
                sha256=film.sha256,
                bytes=film.bytes,
                name=film.name,
                source=film.source,
                received=moment(film.received_us),
                judged=film.judged,
                view_position=film.view_position,
                file_format=film.file_format,
                tags=json.loads(film.tags),
                seen=film.id in shown,
                needed=film.id in needed,
                aside=film.aside,
                findings=tuple(
                    StoredFinding(
                        model=finding.model,
                        score=None if blind else finding.score,
                        parts={} if blind else json.loads(finding.parts),
                        map_sha256=finding.map_sha256,
                        box=None if finding.box is None else tuple(json.loads(finding.box)),
                        inner=None if finding.inner is None else tuple(json.loads(finding.inner)),
                        made=moment(finding.made_us),
                    )
                    for finding in found
                    if finding.film_id == film.id
                ),
                decision=latest.get(film.id),
                copies=tuple(copies.get(film.id, ())),
                version_of=first.get(film.id),
            )
            for film in of_study
        ),
        reports=tuple(
            Report(
                reader=report.reader,
                elsewhere=report.elsewhere,
                outcome=report.outcome,
                note=report.note,
                made=moment(report.made_us),
                undone=moment_or_none(report.undone_us),
                how=report.how,
                dwell_ms=report.dwell_ms,
                confirmed_by=report.confirmed_by,
            )
            for report in said
        ),
        decision=latest.get(None),
        audit_sample=None if blind else row.audit_sample,
        history=() if blind else tuple(audit.history(connection, subjects)),
        draft="" if own_draft is None else own_draft.note,
    )


def _copies(connection: Connection, of_study: list[Found]) -> dict[int, list[StoredCopy]]:
    """Return the copies of each film in other bytes."""
    rows = rows_among(connection, attachments.c.film_id, [film.id for film in of_study])
    found: dict[int, list[StoredCopy]] = {}
    for row in sorted(rows, key=lambda row: (row.received_us, row.id)):
        copy = StoredCopy(
            film=row.public_id,
            bytes=row.bytes,
            source=row.source,
            received=moment(row.received_us),
            changed=tuple(json.loads(row.changed)),
        )
        found.setdefault(row.film_id, []).append(copy)
    return found


def _first_versions(of_study: list[Found]) -> dict[int, str]:
    """Return for each film the one that came first as the same instance with other pixels."""
    known: dict[str, Found] = {}
    found = {}
    for film in sorted(of_study, key=lambda film: film.id):
        if film.instance and film.pixel_sha256:
            first = known.setdefault(film.instance, film)
            if first.pixel_sha256 != film.pixel_sha256:
                found[film.id] = first.public_id
    return found


def map_of(connection: Connection, film: str, model: str | None) -> str:
    """Return the digest of a film's anomaly map; see `Findings.map_path`."""
    number = find_film(connection, film).id
    query = select(findings.c.map_sha256).where(findings.c.film_id == number, findings.c.map_sha256.is_not(None))
    decided = select(decisions.c.model).where(decisions.c.film_id == number)
    query = query.where(findings.c.model.in_(decided) if model is None else findings.c.model == model)
    digest = connection.execute(query.order_by(findings.c.id.desc()).limit(1)).scalar_one_or_none()
    if digest is None:
        raise NotFoundError(f"There is no anomaly map of {film[:40]!r}: it was not scored, or not by this model.")
    return str(digest)
