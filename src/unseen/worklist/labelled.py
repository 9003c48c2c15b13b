"""The labelled set of a site: films of studies that readers reported normal or abnormal, with every model's score."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from unseen.worklist.errors import WorklistError
from unseen.worklist.outcomes import standing
from unseen.worklist.tables import films, findings, studies


@dataclass(frozen=True, kw_only=True)
class LabelledFilm:
    """A film whose study was reported.

    patient       pseudonym, with the issuer's where it is known; the study where no film says whose it is
    source        the film's
    abnormal      what the report that stands says of the study; a film by itself may look otherwise
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


def labelled(connection: Connection, *, most: int) -> list[LabelledFilm]:
    """See `Store.labelled`."""
    if most < 1:
        raise WorklistError(f"{most} films cannot be had. Ask for 1 or more.")
    said = standing("normal", "abnormal").limit(most).subquery()  # a study has a film at least
    known = (
        select(
            films.c.id,
            films.c.public_id,
            films.c.source,
            films.c.statistics,
            films.c.pixel_sha256,
            said.c.outcome,
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
        )
        for row in rows
    ]
