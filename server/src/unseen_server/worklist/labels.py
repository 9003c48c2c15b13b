"""Labels from readers' reports: outcomes, the labelled set, reference scores, disagreement of two models.

The standing report on each study. Labels are taken from this report, and from nothing else; and only where it speaks
of films that were shown to its reader (`SEEN`), unless others are asked for: those of other systems, and those of a
release that did not record what was shown.

A film that came after the report is not spoken of by it. A report within `HASTY_MS` of the film's display is no label:
nobody reads a film so fast. A report without a time, as by another program, counts.

What a model's scores usually are here: those of films that readers reported normal. A score is placed among them.

Films on which two models disagree most: high among the one's scores, low among the other's.

rank = (films that score lower + half of those that score the same) / films,   among the films that both scored
"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Select, exists, func, select

from unseen.artifacts import ReferenceNormals
from unseen_server.worklist.references import is_reference
from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.tables import films, findings, reports, studies

Origin = Literal["seen", "simulated", "elsewhere", "unrecorded"]
SEEN: Final[tuple[Origin, ...]] = ("seen", "simulated")
"""How reports came to be that count: films were painted for the reader; or a demonstration's reader knows the truth."""
EVERY: Final[tuple[Origin, ...]] = get_args(Origin)
HASTY_MS: Final = 2000
"""A film that was shown for less was not read, whatever its report."""
CONFIRMATIONS: Final = 50
"""Reports of other systems that persons of the site must have confirmed before such reports count in a calibration."""
LATEST = 2000
"""Normal studies that others are compared with: enough for a percentile, and of the site as it is now."""


def standing(  # Any: report_id, study_id, outcome, …
    *outcomes: str, origins: Collection[Origin] = SEEN, hasty: bool = False
) -> Select[Any]:
    """Select the standing report on each study, where it has one of `outcomes` and one of `origins`; latest first.

    A report stands if it was not undone and no later report exists. Those under `HASTY_MS` are left out unless `hasty`.
    """
    later = reports.alias("later")
    overruled = exists().where(
        later.c.study_id == reports.c.study_id, later.c.id > reports.c.id, later.c.undone_us.is_(None)
    )
    found = (
        select(reports.c.id.label("report_id"), reports.c.study_id, reports.c.outcome, reports.c.made_us, reports.c.how)
        .where(reports.c.outcome.in_(outcomes), reports.c.how.in_(origins), reports.c.undone_us.is_(None), ~overruled)
        .order_by(reports.c.id.desc())
    )
    return found if hasty else found.where(~is_hasty())


def is_hasty() -> ColumnElement[bool]:
    """Return the condition that a film of the report was shown for less than `HASTY_MS`."""
    return func.coalesce(reports.c.dwell_ms, HASTY_MS) < HASTY_MS


def hasty_labels(connection: Connection, *, origins: Collection[Origin] = SEEN) -> int:
    """Return how many studies have a standing report, normal or abnormal, that is no label since it took no time."""
    found = standing("normal", "abnormal", origins=origins, hasty=True).where(is_hasty()).order_by(None).subquery()
    return int(connection.execute(select(func.count()).select_from(found)).scalar_one())


def normal_films(*columns: Any) -> Select[Any]:  # Any: columns of whatever type
    """Select `columns` of the films of the `LATEST` studies that readers reported normal, without refused films."""
    normal = standing("normal").limit(LATEST).subquery()
    return (
        select(*columns)
        .select_from(normal)
        .join(films, films.c.study_id == normal.c.study_id)
        .where(films.c.received_us <= normal.c.made_us, is_reference())
    )


@dataclass(frozen=True, kw_only=True)
class LabelledFilm:
    """A film whose study was reported.

    patient       pseudonym, with the issuer's where it is known; the study where no film names a patient
    source        the film's
    origin        how the report came to be
    abnormal      from the study's standing report; a single film of it may look otherwise
    scores        by model (SHA-256 of its weights), each in its own unit; none for a film that was not scored
    statistics    by name, see `evaluation.shortcuts`; none where the film was not read
    pixel_sha256  as in the cards of models that learnt from it; None where the film was not read
    """

    film: str
    study: str
    patient: str = field(repr=False)
    source: str
    abnormal: bool
    scores: Mapping[str, float]
    statistics: Mapping[str, float] = field(repr=False)
    pixel_sha256: str | None
    origin: Origin = "seen"


def unseen_labels(connection: Connection) -> dict[Origin, int]:
    """How many studies have a standing report, normal or abnormal, that does not count by itself; by its origin."""
    others: tuple[Origin, ...] = ("elsewhere", "unrecorded")
    found = standing("normal", "abnormal", origins=others).order_by(None).subquery()
    rows = connection.execute(select(found.c.how, func.count().label("studies")).group_by(found.c.how))
    counts: dict[Origin, int] = {row.how: row.studies for row in rows}
    return {origin: counts.get(origin, 0) for origin in others}


def confirmed(connection: Connection) -> int:
    """Count the standing reports of other systems, normal or abnormal, that a person here has confirmed.

    Their outcomes are read from texts by rules, which make mistakes: while there are fewer than `CONFIRMATIONS`,
    reports of other systems count in no calibration.
    """
    of_others: tuple[Origin, ...] = ("elsewhere",)
    found = standing("normal", "abnormal", origins=of_others).where(reports.c.confirmed_us.is_not(None))
    return int(connection.execute(select(func.count()).select_from(found.order_by(None).subquery())).scalar_one())


def labelled(connection: Connection, *, most: int, origins: Collection[Origin] = SEEN) -> list[LabelledFilm]:
    """See `Store.labelled`."""
    if most < 1:
        raise WorklistError(f"{most} films cannot be had. Ask for 1 or more.")
    said = standing("normal", "abnormal", origins=origins).limit(most).subquery()  # a study has a film at least
    known = (
        select(
            films.c.id,
            films.c.public_id,
            films.c.source,
            films.c.statistics,
            films.c.pixel_sha256,
            said.c.outcome,
            said.c.how,
            said.c.report_id,
            studies.c.public_id.label("study"),
            studies.c.patient,
            studies.c.issuer,
        )
        .select_from(said)
        .join(studies, studies.c.id == said.c.study_id)
        .join(films, films.c.study_id == said.c.study_id)
        .where(films.c.received_us <= said.c.made_us)
        .order_by(said.c.report_id.desc(), films.c.id)
        .limit(most)
    )
    rows = connection.execute(known).all()
    wanted = known.subquery()
    scores: dict[int, dict[str, float]] = defaultdict(dict)
    found = (
        select(findings.c.film_id, findings.c.model, findings.c.score)
        .select_from(wanted)
        .join(findings, findings.c.film_id == wanted.c.id)
        .where(findings.c.score.is_not(None))
    )
    for one in connection.execute(found):
        scores[one.film_id][one.model] = one.score
    return [
        LabelledFilm(
            film=row.public_id,
            study=row.study,
            patient=row.study if row.patient is None else "/".join(filter(None, (row.issuer, row.patient))),
            source=row.source,
            abnormal=row.outcome == "abnormal",
            scores=scores.get(row.id, {}),
            statistics={} if row.statistics is None else json.loads(row.statistics),
            pixel_sha256=row.pixel_sha256,
            origin=row.how,
        )
        for row in rows
    ]


_AMONG = 5000  # films among which two models are compared


def reference(connection: Connection, model: str, *, source: str | None) -> ReferenceNormals:
    """See `Store.reference`."""
    whose = "normals of this site" if source is None else f"normals of {source}"
    query = normal_films(findings.c.score).join(
        findings, (findings.c.film_id == films.c.id) & (findings.c.model == model)
    )
    query = query.where(findings.c.score.is_not(None))
    if source is not None:
        query = query.where(films.c.source == source)
    return ReferenceNormals.of(list(connection.execute(query).scalars()), whose)


MOST = 500


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """A film and what two models say of it.

    >>> scores = {"first_score": 0.2, "second_score": 0.9, "first_rank": 0.1, "second_rank": 0.95}
    >>> Disagreement(film="film-1", study="study-1", source="ward", **scores).first_rank
    0.1

    film                       its name
    study                      its study
    source                     where it comes from
    first_score, second_score  each in its model's own unit
    first_rank, second_rank    0 to 1: the share of films that this model finds less unusual
    """

    film: str
    study: str
    source: str
    first_score: float
    second_score: float
    first_rank: float
    second_rank: float

    @property
    def difference(self) -> float:
        """first_rank − second_rank, −1 to 1; above 0 where the first model finds the film more unusual."""
        return self.first_rank - self.second_rank


def disagreements(connection: Connection, first: str, second: str, *, limit: int) -> list[Disagreement]:
    """See `Store.disagreements`."""
    if not 1 <= limit <= MOST:
        raise WorklistError(f"{limit} films cannot be had. Ask for 1 to {MOST}.")
    if first == second:
        raise WorklistError("A model does not disagree with itself. Name two models.")
    one, other = findings.alias("one"), findings.alias("other")
    both = (
        select(one.c.film_id, one.c.score, other.c.score.label("other_score"))
        .join(other, (other.c.film_id == one.c.film_id) & (other.c.model == second))
        .where(one.c.model == first, one.c.score.is_not(None), other.c.score.is_not(None))
        .order_by(one.c.id.desc())
        .limit(_AMONG)
    )
    rows = connection.execute(both).all()
    if not rows:
        return []
    scores = np.array([(row.score, row.other_score) for row in rows])  # (films, 2)
    ranks = np.stack([_ranks(scores[:, 0]), _ranks(scores[:, 1])], axis=1)  # (films, 2)
    order = np.argsort(-np.abs(ranks[:, 0] - ranks[:, 1]), kind="stable")[:limit]
    numbers = [rows[int(place)].film_id for place in order]
    named = select(films.c.id, films.c.public_id, films.c.source, studies.c.public_id.label("study")).join(
        studies, studies.c.id == films.c.study_id
    )
    names = {row.id: row for row in connection.execute(named.where(films.c.id.in_(numbers)))}
    return [
        Disagreement(
            film=names[number].public_id,
            study=names[number].study,
            source=names[number].source,
            first_score=float(scores[place, 0]),
            second_score=float(scores[place, 1]),
            first_rank=float(ranks[place, 0]),
            second_rank=float(ranks[place, 1]),
        )
        for number, place in zip(numbers, order, strict=True)
    ]


def _ranks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of scores below each, ties by half: within (0, 1).

    >>> _ranks(np.array([3.0, 1.0, 1.0, 2.0])).tolist()
    [0.875, 0.25, 0.25, 0.625]
    """
    rising = np.sort(scores)
    below, not_above = np.searchsorted(rising, scores, "left"), np.searchsorted(rising, scores, "right")
    return np.asarray((below + not_above) / (2 * len(scores)), dtype=np.float64)
