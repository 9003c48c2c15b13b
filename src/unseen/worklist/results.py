"""What a worker found goes into the database: findings, decision, state, audit events and the job's end, all together.

A film has one finding a model. Where two workers scored the same film, the second one's result changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import func, select

from unseen.data.film import Film
from unseen.screening.monitoring import is_sampled
from unseen.screening.policy import FIRST, Decision, is_lateral
from unseen.screening.screened import Screened
from unseen.worklist import clearing, completeness, disagreement, jobs, monitoring, outbox
from unseen.worklist.instances import TWO_VERSIONS, become_copy, has_versions, original_of
from unseen.worklist.ordering import BY_PRIORITY
from unseen.worklist.receiving import join, take_in
from unseen.worklist.refusals import parted
from unseen.worklist.states import after, standing_of
from unseen.worklist.tables import LEAST_SCORE, decisions, films, findings, reports, studies
from unseen.worklist.transactions import Found, Writing, clean, decision_of

if TYPE_CHECKING:
    from unseen.detectors.detector import Finding
    from unseen.screening.monitoring import DriftReference
    from unseen.worklist.jobs import Job
    from unseen.worklist.similar_films import Appearance

JudgeStudy = Callable[[Sequence[Screened]], Decision]
"""From all films of a study to the decision on the study: `Screener.study`."""

_LONGEST_VIEW = 16  # characters of a CS value
_AMONG = 1000  # waiting studies from which a sampled one takes its place in the list


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A further model's finding on the film, for comparison only: it decides nothing."""

    finding: Finding
    model: str
    map_sha256: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of one film.

    model       SHA-256 of the weights of the detector that decides
    map_sha256  of the anomaly map's file, placed already; None without a map
    compared    findings of further models
    appearance  how the film looks; None where it was not read
    """

    screened: Screened
    model: str
    map_sha256: str | None
    compared: Sequence[Compared] = ()
    appearance: Appearance | None = None


def record(
    writing: Writing,
    job: Job,
    result: Result,
    *,
    judge: JudgeStudy,
    worker: str,
    audit_share: float = 0.0,
    drift: DriftReference | None = None,
) -> bool:
    """Enter a result; False where there is one already, or the film was erased meanwhile.

    judge        decides about the study from all its films
    audit_share  of cleared studies, read all the same
    drift        what scores and refusals are watched against; None: nothing is watched
    """
    connection = writing.connection
    film = _film_of_job(writing, job)
    if film is None:
        return False
    known = select(findings.c.id).where(findings.c.film_id == film.id, findings.c.model == result.model)
    if connection.execute(known).first() is not None:
        jobs.close(connection, film.id, state="done")
        return False
    read, decision = result.screened.film, result.screened.decision
    if isinstance(read, Film) and (original := original_of(writing, film, read)) is not None:
        own, target = (_study(writing, one.study_id) for one in (film, original))
        if own.id != target.id and own.films == 1:  # all that its own study had goes with it
            take_in(writing, target, own, film, actor=worker)
            film, own = _film_of_job(writing, job), target
            assert film is not None
        become_copy(writing, film, original, read, actor=worker)
        for number in dict.fromkeys((target.id, own.id)):
            study = _study(writing, number)
            _judge_rest(writing, study, result.model, judge=judge, audit_share=audit_share, worker=worker)
        return False
    known_of = select(findings.c.model).where(findings.c.film_id == film.id)
    scored_by = {*connection.execute(known_of).scalars(), result.model}
    for one in result.compared:
        if one.model not in scored_by:  # it may have decided earlier
            _enter_finding(writing, film, one.finding, model=one.model, map_sha256=one.map_sha256)
            writing.log(
                worker, "film.compared", film.public_id, model=one.model, score=one.finding.score, map=one.map_sha256
            )
    _enter_finding(writing, film, result.screened.finding, model=result.model, map_sha256=result.map_sha256)
    values: dict[str, object] = {"judged": True}
    if isinstance(read, Film):
        values |= {
            "view_position": None if read.view_position is None else clean(read.view_position),
            "file_format": read.file_format,
            "pixel_sha256": read.pixel_sha256,
            "tags": json.dumps(dict(read.tags), sort_keys=True),
        }
    if result.appearance is not None:
        values |= {
            "look": result.appearance.look,
            "statistics": json.dumps(result.appearance.statistics, sort_keys=True),
        }
    connection.execute(films.update().where(films.c.id == film.id).values(**values))
    study = join(writing, film, read.identifiers if isinstance(read, Film) else {}, actor=worker)
    if isinstance(read, Film) and film.instance is None and read.identifiers.get("StudyInstanceUID"):
        seconds = completeness.settle_s(connection, film.source)  # else its door has said for how long
        study = completeness.wait(writing, study, since_us=film.received_us, seconds=seconds)
    writing.log(
        worker,
        "film.scored",
        film.public_id,
        model=result.model,
        score=decision.score,
        action=decision.action,
        policy=decision.policy_digest,
        map=result.map_sha256,
    )
    frontals = _judge(writing, film, study, decision, result.model, judge=judge, audit_share=audit_share, worker=worker)
    if drift is not None and not film.judged and not result.screened.lateral and frontals == 1:  # once a study
        monitoring.observe(writing, decision.policy_digest, decision.score, drift)
    jobs.close(connection, film.id, state="done")
    return True


def bury(writing: Writing, job: Job, reason: str, *, model: str, judge: JudgeStudy, worker: str) -> None:
    """A film that cannot be scored: it is tried no more, and stands on top of the list with the reason."""
    connection = writing.connection
    film = _film_of_job(writing, job)
    if film is None:
        return
    decision = Decision(
        action="not_scored", score=None, probability=None, p_value=None, priority=FIRST, reason=reason, policy_digest=""
    )
    connection.execute(films.update().where(films.c.id == film.id).values(judged=True))
    study = _study(writing, film.study_id)
    writing.log(worker, "film.given_up", film.public_id, tries=job.tries, reason=reason)
    _judge(writing, film, study, decision, model, judge=judge, audit_share=0.0, worker=worker)
    jobs.close(connection, film.id, state="dead", reason=reason)


def _film_of_job(writing: Writing, job: Job) -> Found | None:
    """The film's row; None where it was erased meanwhile. SQLite may have given its number to another film since."""
    same = (films.c.id == job.number, films.c.sha256 == job.sha256)
    return writing.connection.execute(select(films).where(*same)).one_or_none()


def _study(writing: Writing, number: int) -> Found:
    return writing.connection.execute(select(studies).where(studies.c.id == number)).one()


def _enter_finding(
    writing: Writing, film: Found, finding: Finding | None, *, model: str, map_sha256: str | None
) -> None:
    viewed = None if finding is None else finding.viewed
    writing.connection.execute(
        findings.insert().values(
            film_id=film.id,
            model=model,
            score=None if finding is None else finding.score,
            parts=json.dumps({} if finding is None else dict(finding.parts), sort_keys=True),
            box=None if viewed is None else json.dumps(viewed.box),
            inner=None if viewed is None else json.dumps(viewed.inner),
            map_sha256=map_sha256,
            made_us=writing.now_us,
        )
    )


def _judge(
    writing: Writing,
    film: Found,
    study: Found,
    decision: Decision,
    model: str,
    *,
    judge: JudgeStudy,
    audit_share: float,
    worker: str,
) -> int:
    """Enter the decision on the film, decide on the study again, and bring it to its place. Returns how many frontal
    films of the study were judged by now."""
    connection = writing.connection
    entry = {"study_id": study.id, "model": model, "made_us": writing.now_us}
    decision = _unless_stopped(writing, decision)
    connection.execute(decisions.insert().values(film_id=film.id, **entry, **_columns(decision)))
    all_films = latest(writing, study.id)
    whole = _unless_stopped(writing, judge(all_films))
    reported = connection.execute(
        select(func.max(reports.c.made_us)).where(reports.c.study_id == study.id, reports.c.undone_us.is_(None))
    ).scalar_one()
    came_later = reported is not None and film.received_us > reported
    enter_study(writing, study, whole, model, audit_share=audit_share, actor=worker, reopen=came_later)
    return sum(not one.lateral for one in all_films)


def _judge_rest(
    writing: Writing, study: Found, model: str, *, judge: JudgeStudy, audit_share: float, worker: str
) -> None:
    """Decide on the study again by the films that it has; a worker will where none of them was judged yet."""
    if judged := latest(writing, study.id):
        whole = _unless_stopped(writing, judge(judged))
        enter_study(writing, study, whole, model, audit_share=audit_share, actor=worker)


def enter_study(
    writing: Writing,
    study: Found,
    whole: Decision,
    model: str,
    *,
    audit_share: float,
    actor: str,
    reopen: bool = False,
) -> None:
    """Enter the decision on a study, and bring the study to its place; `reopen`: a report does not speak of it all."""
    connection = writing.connection
    entry = {"study_id": study.id, "model": model, "made_us": writing.now_us}
    if whole.action == "clear" and has_versions(writing, study.id):
        whole = replace(whole, action="read", reason=TWO_VERSIONS)
    decided = connection.execute(
        decisions.insert().values(film_id=None, **entry, **_columns(whole)).returning(*decisions.c)
    ).one()
    of_study = films.c.study_id == study.id
    unjudged = connection.execute(
        select(func.count()).select_from(films).where(of_study, films.c.judged.is_(False))
    ).scalar_one()
    standing = standing_of(whole.action, unjudged=unjudged)
    columns = _columns(whole)
    del columns["policy_digest"]
    columns["refusal"] = parted(whole.reason)[0] if whole.action == "not_scored" else None
    columns |= {"model": model, "policy": whole.policy_digest, "view": _view(writing, study.id)}
    columns["score_rank"] = LEAST_SCORE if whole.score is None else whole.score
    columns["apart"] = disagreement.apart(connection, study.id)
    columns["audit_sample"] = standing == "cleared" and is_sampled(
        study.public_id, share=audit_share, key=writing.names.key
    )
    complete = completeness.is_complete(study, now_us=writing.now_us)
    if columns["audit_sample"]:
        standing = "to_read"
        columns["priority"] = _ordinary_priority(writing, study)
    elif standing == "cleared" and not complete:
        standing = "scored"  # `completeness.settle` clears it
    writing.move(
        study,
        after(study.state, "reopen" if reopen else "judge", standing=standing),
        actor=actor,
        action="study.judged",
        standing=standing,
        columns=columns,
        decision=whole.action,
        priority=whole.priority,
        policy=whole.policy_digest,
        audit_sample=bool(columns["audit_sample"]),
    )
    if complete and not unjudged:
        outbox.enter(writing, study, decided)


def _view(writing: Writing, study_id: int) -> str | None:
    """The ViewPosition by which a study is found: of its first frontal film that has one, else of the first that
    does."""
    rows = writing.connection.execute(
        select(films.c.view_position).where(films.c.study_id == study_id).order_by(films.c.id)
    ).scalars()
    said = [view.strip().upper()[:_LONGEST_VIEW] for view in rows if view is not None and view.strip()]
    return next((view for view in said if not is_lateral(view)), next(iter(said), None))


def _unless_stopped(writing: Writing, decision: Decision) -> Decision:
    """The decision, which clears nothing where clearing has stopped since the worker took the film."""
    if decision.action != "clear" or not (why := clearing.stopped(writing.connection, decision.policy_digest)):
        return decision
    return replace(decision, action="read", reason=f"clearing is stopped: {why}")


def latest(writing: Writing, study_id: int) -> list[Screened]:
    """A study's films without their pixels, each with the latest decision on it, in the order of their coming."""
    newest = (
        select(func.max(decisions.c.id))
        .where(decisions.c.study_id == study_id, decisions.c.film_id.is_not(None))
        .group_by(decisions.c.film_id)
    )
    rows = writing.connection.execute(
        select(decisions, films.c.public_id, films.c.source, films.c.view_position)
        .join(films, films.c.id == decisions.c.film_id)
        .where(decisions.c.id.in_(newest))
        .order_by(films.c.id)
    )
    return [Screened(film=_film_of(row), decision=decision_of(row)) for row in rows]


def _film_of(row: Found) -> Film:
    """What deciding about a study has to know of a film that was judged earlier: its view, and no pixels."""
    return Film(
        name=row.public_id,
        pixels=np.zeros((0, 0), np.float32),
        source=row.source,
        patient=row.public_id,
        study=row.public_id,
        bits=8,
        view_position=row.view_position,
        file_sha256="",
        pixel_sha256="",
        file_bytes=0,
        file_format="",
    )


def _columns(decision: Decision) -> dict[str, Any]:  # Any: numbers and text
    """A decision's row; its reason may repeat a file's content."""
    return asdict(decision) | {"reason": clean(decision.reason)}


def _ordinary_priority(writing: Writing, study: Found) -> float:
    """The priority of some waiting study: so the rank of a sampled study does not reveal that it was cleared."""
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
