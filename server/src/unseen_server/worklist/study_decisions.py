"""The decision on a study from its films, and where the study then stands.

`settled` decides from rows that are at hand; `enter_study` reads them and writes for one study. `result_batch` has its
own rows, of many studies.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection, func, select

from unseen.data import Film
from unseen.screening import Decision, Screened, is_sampled
from unseen_server.worklist import clearing, completeness, disagreement, outbox
from unseen_server.worklist.bulk import among
from unseen_server.worklist.identity_conflicts import in_conflict
from unseen_server.worklist.instances import TWO_VERSIONS
from unseen_server.worklist.reading_order import BY_PRIORITY
from unseen_server.worklist.refusals import parted
from unseen_server.worklist.row_facts import are_versions
from unseen_server.worklist.states import Act, State, after, standing_of
from unseen_server.worklist.stored_text import clean
from unseen_server.worklist.tables import LEAST_SCORE, decisions, films, findings, studies
from unseen_server.worklist.transactions import Found, Writing, decision_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

JudgeStudy = Callable[[Sequence[Screened]], Decision]
"""From all films of a study to the decision on the study: `Screener.study`."""

REOPENED = "two people have reopened it after a drift alarm, since its films were among those that raised it"
"""Reason of a study that no policy clears any more."""
_LONGEST_VIEW = 16  # characters of a CS value
_AMONG = 1000  # waiting studies from which a sampled one takes its place in the list


@dataclass(frozen=True, kw_only=True)
class Settled:
    """Consequence of a decision on a study.

    Args:
        whole: the decision, which clears no study with two versions of a film or a disputed identity.
        standing: of the study.
        columns: of the study's row, but for its place in the list.
        final: the study is complete and all its films are judged: its result may be sent.
    """

    whole: Decision
    standing: State
    columns: dict[str, Any]  # Any: values of whatever column
    final: bool


def settled(
    writing: Writing,
    study: Found,
    whole: Decision,
    model: str,
    *,
    of_study: Sequence[Found],
    apart: float | None,
    audit_share: float,
) -> Settled:
    """Return the consequence of the decision `whole` on a study.

    Args:
        of_study: its films in their order: view_position, projection, judged, instance, pixel_sha256.
        apart: how far models lie apart on it (`disagreement`).
    """
    if whole.action == "clear" and are_versions(of_study):
        whole = replace(whole, action="read", reason=TWO_VERSIONS)
    if whole.action == "clear" and study.reopened_us is not None:
        whole = replace(whole, action="read", reason=REOPENED)
    if study.disputed_uid is not None:
        whole = in_conflict(whole)
    unjudged = sum(not film.judged for film in of_study)
    standing = standing_of(whole.action, unjudged=unjudged)
    columns = columns_of(whole)
    del columns["policy_digest"]
    columns["refusal"] = parted(whole.reason)[0] if whole.action == "not_scored" else None
    columns |= {"model": model, "policy": whole.policy_digest, "apart": apart}
    columns["view"] = _view(of_study)
    columns["score_rank"] = LEAST_SCORE if whole.score is None else whole.score
    columns["audit_sample"] = standing == "cleared" and is_sampled(
        study.public_id, share=audit_share, key=writing.names.key
    )
    complete = completeness.is_complete(study, now_us=writing.now_us)
    if columns["audit_sample"]:
        standing = "to_read"
        columns["priority"] = _ordinary_priority(writing, study)
    elif standing == "cleared" and not complete:
        standing = "scored"  # `completeness.settle` clears it
    return Settled(whole=whole, standing=standing, columns=columns, final=complete and not unjudged)


def enter_study(
    writing: Writing,
    study: Found,
    whole: Decision,
    model: str,
    *,
    model_digest: str | None,
    audit_share: float,
    actor: str,
    act: Act = "judge",
) -> None:
    """Enter the decision on a study, and bring the study to its place; "reopen" also opens a reported one."""
    connection = writing.connection
    of_study = connection.execute(select(films).where(films.c.study_id == study.id).order_by(films.c.id)).all()
    apart = disagreement.apart(connection, study.id)
    found = settled(writing, study, whole, model, of_study=of_study, apart=apart, audit_share=audit_share)
    entry = {"study_id": study.id, "film_id": None, "model": model, "made_us": writing.now_us}
    entry["model_digest"] = model_digest
    entered = decisions.insert().values(**entry, **columns_of(found.whole)).returning(*decisions.c)
    decided = connection.execute(entered).one()
    writing.move(
        study,
        after(study.state, act, standing=found.standing),
        actor=actor,
        action="study.judged",
        standing=found.standing,
        columns=found.columns,
        **said_of(found),
    )
    if found.final:
        outbox.enter(writing, study, decided)


def _digest_of(connection: Connection, study_id: int, model: str) -> str | None:
    """Return the digest of the whole model that scored the study's films last; None before revision 0014."""
    query = select(findings.c.model_digest).join(films, films.c.id == findings.c.film_id)
    query = query.where(films.c.study_id == study_id, findings.c.model == model)
    found: str | None = connection.execute(query.order_by(findings.c.id.desc()).limit(1)).scalar()
    return found


def said_of(found: Settled) -> dict[str, Any]:  # Any: numbers and text
    """Return what the audit trail records of a decision on a study."""
    whole = found.whole
    return {
        "decision": whole.action,
        "priority": whole.priority,
        "policy": whole.policy_digest,
        "audit_sample": bool(found.columns["audit_sample"]),
    }


def judge_rest(
    writing: Writing, study: Found, model: str, *, judge: JudgeStudy, audit_share: float, worker: str
) -> None:
    """Decide on the study again by the films that it has; a worker will where none of them was judged yet."""
    if judged := latest(writing, study.id):
        whole = judge(judged)
        whole = unless_stopped(whole, clearing.stopped(writing.connection, whole.policy_digest))
        digest = _digest_of(writing.connection, study.id, model)
        enter_study(writing, study, whole, model, model_digest=digest, audit_share=audit_share, actor=worker)


def unless_stopped(decision: Decision, why: str) -> Decision:
    """Return the decision, which clears nothing where clearing has stopped (`clearing.stopped`) since the worker took
    it.
    """
    if decision.action != "clear" or not why:
        return decision
    return replace(decision, action="read", reason=f"clearing is stopped: {why}")


def _view(of_study: Iterable[Found]) -> str | None:
    """Return the ViewPosition by which a study is found: of its first frontal film that has one, else of the first that
    does.
    """
    said = [film for film in of_study if film.view_position is not None and film.view_position.strip()]
    said.sort(key=lambda film: film.projection == "lateral")
    return said[0].view_position.strip().upper()[:_LONGEST_VIEW] if said else None


def latest(writing: Writing, study_id: int) -> list[Screened]:
    """Return a study's films without their pixels, each with the latest decision on it, in the order of their
    coming.
    """
    return list(latest_of(writing, [study_id]).get(study_id, {}).values())


def latest_of(writing: Writing, numbers: Collection[int]) -> dict[int, dict[int, Screened]]:
    """`latest` of several studies: by study, by film."""
    newest = (
        select(func.max(decisions.c.id))
        .where(among(writing.connection, decisions.c.study_id, numbers), decisions.c.film_id.is_not(None))
        .group_by(decisions.c.study_id, decisions.c.film_id)
    )
    rows = writing.connection.execute(
        select(
            decisions,
            films.c.public_id,
            films.c.source,
            films.c.view_position,
            films.c.projection,
            films.c.origin,
            films.c.related,
        )
        .join(films, films.c.id == decisions.c.film_id)
        .where(decisions.c.id.in_(newest))
        .order_by(films.c.id)
    )
    found: dict[int, dict[int, Screened]] = {}
    for row in rows:
        screened = Screened(film=film_of(row), decision=decision_of(row))
        found.setdefault(row.study_id, {})[row.film_id] = screened
    return found


def film_of(row: Found) -> Film:
    """Return what a decision on a study needs of a film that was judged earlier: its view, and no pixels."""
    return Film(
        name=row.public_id,
        pixels=np.zeros((0, 0), np.float32),
        source=row.source,
        patient=row.public_id,
        study=row.public_id,
        bits=8,
        view_position=row.view_position,
        projection=row.projection,
        origin=row.origin or "original",
        related=tuple(json.loads(row.related or "[]")),
        file_sha256="",
        pixel_sha256="",
        file_bytes=0,
        file_format="",
    )


def columns_of(decision: Decision) -> dict[str, Any]:  # Any: numbers and text
    """Return a decision's row; its reason may repeat a file's content."""
    return vars(decision) | {"reason": clean(decision.reason)}


def _ordinary_priority(writing: Writing, study: Found) -> float:
    """Return the priority of some waiting study: so the rank of a sampled study does not reveal that it was cleared."""
    waiting = (
        select(studies.c.priority)
        .where(
            studies.c.shelf == "to_read",
            studies.c.band == BY_PRIORITY,
            studies.c.audit_sample.is_(False),
            studies.c.priority.is_not(None),
            studies.c.id != study.id,
        )
        .order_by(studies.c.rank)
        .limit(_AMONG)
    )
    found = writing.connection.execute(waiting).scalars().all()
    drawn = int(writing.names.sealed("film", f"place of {study.public_id}")[:12], 16) / 16**12
    if not found:
        return drawn
    place = int(drawn * len(found))
    here, there = float(found[place]), float(found[min(place + 1, len(found) - 1)])
    within = int(writing.names.sealed("film", f"between {study.public_id}")[:12], 16) / 16**12
    return here + (there - here) * within  # a copy of another's would tell that one of both is sampled
