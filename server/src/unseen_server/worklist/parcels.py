"""A result in a sender's hands: the decision, the films that it rests on, and what it supersedes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from unseen_server.worklist.activation import entered_prevalence
from unseen_server.worklist.statements import rows_of
from unseen_server.worklist.stored_time import moment
from unseen_server.worklist.tables import decisions, films, findings, outbox, studies
from unseen_server.worklist.transactions import decision_of

if TYPE_CHECKING:
    from unseen.screening import Decision
    from unseen_server.worklist.site import Site
    from unseen_server.worklist.transactions import Found


@dataclass(frozen=True, kw_only=True)
class SentInstance:
    """One object that was sent: UIDs of its SOP class, instance and series."""

    sop_class: str
    instance: str
    series: str


@dataclass(frozen=True, kw_only=True)
class ParcelFilm:
    """A film of the study, with what decided on it.

    Args:
        path: of its bytes as they were received.
        box: top, left, bottom, right of the map on the film, in pixels.
        inner: top, left, height, width of that box on the map.
        map_path: float32 .npy; None without a map.
    """

    film: str
    path: Path
    score: float | None
    box: tuple[float, float, float, float] | None
    inner: tuple[int, int, int, int] | None
    map_path: Path | None


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """A result in a sender's hands.

    Args:
        number: its name.
        study: public id; `decision` the decision on it, number `decision_number`, made at `made` by `model`.
        replaces: objects that were sent to this destination on earlier decisions.
        awaiting: objects of this result that the destination has accepted and not confirmed; none: they are to be sent.
        lease: the proof of the claim.
    """

    number: int
    study: str
    destination: str
    decision: Decision
    decision_number: int
    model: str
    made: datetime
    films: tuple[ParcelFilm, ...] = field(repr=False)
    replaces: tuple[SentInstance, ...]
    awaiting: tuple[SentInstance, ...]
    tries: int
    lease: str


def parcel_of(site: Site, connection: Connection, row: Found, lease: str) -> Parcel:
    """Return the result that a row of the outbox stands for."""
    decided = rows_of(connection, decisions, id=row.decision_id).one()
    study = connection.execute(select(studies.c.public_id).where(studies.c.id == row.study_id)).scalar_one()
    before = connection.execute(
        select(outbox.c.instances)
        .where(
            outbox.c.study_id == row.study_id,
            outbox.c.destination == row.destination,
            outbox.c.id < row.id,
            outbox.c.instances != "[]",
        )
        .order_by(outbox.c.id)
    ).scalars()
    return Parcel(
        number=row.id,
        study=study,
        destination=row.destination,
        decision=_decision(connection, decided),
        decision_number=decided.id,
        model=decided.model,
        made=moment(decided.made_us),
        films=_films(site, connection, row.study_id, decided.model),
        replaces=tuple(one for earlier in before for one in instances_of(earlier)),
        awaiting=instances_of(row.instances) if row.state == "sent" else (),
        tries=row.tries,
        lease=lease,
    )


def _decision(connection: Connection, decided: Found) -> Decision:
    """Return the decision as it may be sent: with a probability only if its prevalence was entered.

    Before revision 0014, which added the model's digest, policies had a probability without an entered prevalence.
    """
    decision = decision_of(decided)
    if decision.probability is None or decided.model_digest is not None:
        return decision
    if entered_prevalence(connection, decision.policy_digest) is not None:
        return decision
    return replace(decision, probability=None)


def _films(site: Site, connection: Connection, study_id: int, model: str) -> tuple[ParcelFilm, ...]:
    rows = connection.execute(
        select(films, findings.c.score, findings.c.box, findings.c.inner, findings.c.map_sha256)
        .outerjoin(findings, (findings.c.film_id == films.c.id) & (findings.c.model == model))
        .where(films.c.study_id == study_id, films.c.aside.is_(None))
        .order_by(films.c.id)
    )
    return tuple(
        ParcelFilm(
            film=row.public_id,
            path=site.films.of(row.sha256),
            score=row.score,
            box=None if row.box is None else tuple(json.loads(row.box)),
            inner=None if row.inner is None else tuple(json.loads(row.inner)),
            map_path=None if row.map_sha256 is None else site.maps.of(row.map_sha256),
        )
        for row in rows
    )


def written(instances: Sequence[SentInstance]) -> str:
    """Return the instances as a row of the outbox stores them."""
    return json.dumps(
        [{"sop_class": one.sop_class, "instance": one.instance, "series": one.series} for one in instances]
    )


def instances_of(kept: str) -> tuple[SentInstance, ...]:
    """Return the instances that `written` stored."""
    return tuple(SentInstance(**one) for one in json.loads(kept))
