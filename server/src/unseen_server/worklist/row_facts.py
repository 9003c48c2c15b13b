"""Facts in a row of the list next to the study's own columns: a film to look at, and the report.

Asked for a page of studies at once, each from an index.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from unseen.screening import deciding
from unseen_server.worklist.bulk import among
from unseen_server.worklist.patient_identities import IdentityClaim, claims_of
from unseen_server.worklist.statements import among_parameter
from unseen_server.worklist.tables import films, findings, reports, seen
from unseen_server.worklist.transactions import Found


@dataclass(frozen=True, kw_only=True)
class RowFacts:
    """Facts of one study's row.

    Args:
        film: the first frontal film that a worker could read, else the first it could read; None before there is one.
        outcome: of the report that stands; None without one, and where it was reported elsewhere and not how.
        reported_by: whose report that is, and `how` it came to be.
        seen: the one who asks was shown every frontal film.
        versions: two of its films are one instance with different pixels.
        claims: films that disagree about the patient, its own first; none where nothing is disputed.
        scores: by model, the highest of the films that decide about the study.
    """

    film: str | None = None
    outcome: str | None = None
    reported_by: str | None = None
    how: str | None = None
    seen: bool = False
    versions: bool = False
    claims: tuple[IdentityClaim, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)


def row_facts(
    connection: Connection, rows: Sequence[Found], *, reader: str | None = None, blind: bool = False
) -> dict[int, RowFacts]:
    """Return the facts by study, for studies as they are stored; `seen` is by `reader`; no scores for the `blind`."""
    numbers = [row.id for row in rows]
    if not numbers:
        return {}
    of_studies = _films(connection, numbers, reader)
    said = _reports(connection, [row.id for row in rows if row.shelf == "reported"])
    claims = claims_of(connection, rows)
    scored = {} if blind else _scores(connection, numbers)
    found = {}
    for number in numbers:
        of_study = of_studies.get(number, [])
        frontal = [film for film in of_study if film.projection != "lateral"]
        readable = [film for film in (*frontal, *of_study) if film.has_look]
        wanted = [film for film in (frontal or of_study) if film.aside is None]
        report = said.get(number)
        found[number] = RowFacts(
            film=readable[0].public_id if readable else None,
            outcome=None if report is None else report.outcome,
            reported_by=None if report is None else report.reader,
            how=None if report is None else report.how,
            seen=bool(wanted) and all(film.seen_us is not None for film in wanted),
            versions=are_versions(of_study),
            claims=claims.get(number, ()),
            scores=_highest([scored.get(film.id, {}) for film in _decide(frontal)]),
        )
    return found


def are_versions(of_study: Iterable[Found]) -> bool:
    """Return True if two films, by `instance` and `pixel_sha256`, are one instance with different pixels."""
    known = [(one.instance, one.pixel_sha256) for one in of_study if one.instance and one.pixel_sha256]
    return len({instance for instance, _ in known}) < len(set(known))


def _films(connection: Connection, numbers: list[int], reader: str | None) -> dict[int, list[Found]]:
    """Return the films of each study in their order, with the time when `reader` was shown each for the first time."""
    found: dict[int, list[Found]] = {}
    given = {"studies": numbers, "reader": reader or ""}
    for film in connection.execute(_films_of(connection.dialect.name == "sqlite"), given):
        found.setdefault(film.study_id, []).append(film)
    return found


@functools.cache
def _films_of(sqlite: bool) -> Select[Any]:
    """Return the statement of `_films`."""
    mine = (seen.c.film_id == films.c.id) & (seen.c.account == bindparam("reader"))
    return (
        select(
            films.c.id,
            films.c.study_id,
            films.c.public_id,
            films.c.origin,
            films.c.related,
            films.c.projection,
            films.c.look.is_not(None).label("has_look"),
            films.c.aside,
            films.c.instance,
            films.c.pixel_sha256,
            seen.c.seen_us,
        )
        .outerjoin(seen, mine)
        .where(among_parameter(sqlite, films.c.study_id, "studies"))
        .order_by(films.c.id)
    )


def _decide(frontal: Sequence[Found]) -> list[Found]:
    """Return the frontal films without companion images."""
    images: list[tuple[Any, list[str]]] = [
        (film.origin or "original", json.loads(film.related or "[]")) for film in frontal
    ]
    return [film for film, counts in zip(frontal, deciding(images), strict=True) if counts]


def _scores(connection: Connection, numbers: list[int]) -> dict[int, dict[str, float]]:
    """Return the scores of all models for each film."""
    found: dict[int, dict[str, float]] = {}
    for row in connection.execute(_scores_of(connection.dialect.name == "sqlite"), {"studies": numbers}):
        found.setdefault(row.film_id, {})[row.model] = row.score
    return found


@functools.cache
def _scores_of(sqlite: bool) -> Select[Any]:
    """Return the statement of `_scores`."""
    return (
        select(findings.c.film_id, findings.c.model, findings.c.score)
        .join(films, films.c.id == findings.c.film_id)
        .where(among_parameter(sqlite, films.c.study_id, "studies"), findings.c.score.is_not(None))
    )


def _highest(of_films: Iterable[Mapping[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for scores in of_films:
        for model, score in scores.items():
            found[model] = max(score, found.get(model, score))
    return found


def _reports(connection: Connection, numbers: list[int]) -> dict[int, Found]:
    if not numbers:
        return {}
    query = (
        select(reports.c.study_id, reports.c.reader, reports.c.outcome, reports.c.how)
        .where(among(connection, reports.c.study_id, numbers), reports.c.undone_us.is_(None))
        .order_by(reports.c.id)
    )
    rows: Iterable[Found] = connection.execute(query)
    return {said.study_id: said for said in rows}  # the last of each stands
