"""Labels of films from readers' reports.

A label is the standing report on a study, and nothing else. It counts only for films that were shown to its reader
(`SEEN`), unless others are asked for: those of other systems, and those of a release that did not record what was
shown.

A report does not count for a film that it does not cover (`report_coverage`). A report within `HASTY_MS` of the film's
display is no label: nobody reads a film so fast. A report without a time, as by another program, counts.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from sqlalchemy import ColumnElement, Connection, Select, exists, func, select

from unseen_server.worklist.report_coverage import covers
from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.tables import films, findings, reports, studies
from unseen_server.worklist.training_patients import patient_name

Origin = Literal["seen", "simulated", "elsewhere", "unrecorded"]
SEEN: Final[tuple[Origin, ...]] = ("seen", "simulated")
"""Origins of the reports that count: films were painted for the reader, or a demonstration's reader knows the truth."""
EVERY: Final[tuple[Origin, ...]] = get_args(Origin)
HASTY_MS: Final = 2000
"""A film that was shown for less was not read, whatever its report."""
CONFIRMATIONS: Final = 50
"""Reports of other systems that persons of the site must have confirmed before such reports count in a calibration."""


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
        select(
            reports.c.id.label("report_id"), reports.c.study_id, reports.c.outcome, reports.c.made_us, reports.c.how,
            reports.c.reader,
        )
        .where(reports.c.outcome.in_(outcomes), reports.c.how.in_(origins), reports.c.undone_us.is_(None), ~overruled)
        .order_by(reports.c.id.desc())
    )  # fmt: skip
    return found if hasty else found.where(~is_hasty())


def is_hasty() -> ColumnElement[bool]:
    """Return the condition that a film of the report was shown for less than `HASTY_MS`."""
    return func.coalesce(reports.c.dwell_ms, HASTY_MS) < HASTY_MS


@dataclass(frozen=True, kw_only=True)
class LabelledFilm:
    """A film whose study was reported.

    Args:
        patient: as `training_patients.patient_name` names it.
        source: the film's.
        origin: how the report came to be.
        abnormal: from the study's standing report; a single film of it may look otherwise.
        scores: by model (SHA-256 of its weights), each in its own unit; none for a film that was not scored.
        statistics: by name, see `evaluation.STATISTIC_NAMES`; none where the film was not read.
        pixel_sha256: as in the cards of models that learnt from it; None where the film was not read.
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
    """Count the studies whose standing report, normal or abnormal, does not count by itself; by its origin."""
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
    """See `Reports.labelled`."""
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
        .where(covers(said))
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
            patient=patient_name(row.study, row.patient, row.issuer),
            source=row.source,
            abnormal=row.outcome == "abnormal",
            scores=scores.get(row.id, {}),
            statistics={} if row.statistics is None else json.loads(row.statistics),
            pixel_sha256=row.pixel_sha256,
            origin=row.how,
        )
        for row in rows
    ]
