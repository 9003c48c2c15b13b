"""Entry of results into the database: findings, decision, state, audit entries and the end of the job, all together.

A film has one finding per model. If two workers scored the same film, the second result changes nothing; nor does the
result of a worker whose lease was lost to another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unseen.data import Film
from unseen.screening import FIRST_PRIORITY, Decision
from unseen_server.worklist import completeness, jobs, settle_time
from unseen_server.worklist.identity_review import review
from unseen_server.worklist.instances import become_copy, original_of
from unseen_server.worklist.joining import take_in
from unseen_server.worklist.receiving import join
from unseen_server.worklist.result_batch import Batch, EntryRules
from unseen_server.worklist.statements import rows_of
from unseen_server.worklist.study_decisions import JudgeStudy, judge_rest
from unseen_server.worklist.tables import findings, studies
from unseen_server.worklist.transactions import Found, Writing

if TYPE_CHECKING:
    from unseen_server.worklist.film_result import FilmScreening
    from unseen_server.worklist.jobs import Job


@dataclass(frozen=True, kw_only=True)
class RecordedResults:
    """Outcome of some results, by the films' numbers.

    Args:
        entered: are in the database.
        alone: were not entered yet: `record_alone` has to.
    """

    entered: frozenset[int]
    alone: tuple[tuple[Job, FilmScreening], ...]


def record_together(
    writing: Writing, results: Sequence[tuple[Job, FilmScreening]], rules: EntryRules
) -> RecordedResults:
    """Enter results of ordinary films (`identities`), in their order; the transaction may be one next to others.

    A result of a film that has one, was erased, or is another worker's by now, is dropped. Raises OvertakenError.
    """
    batch = Batch(writing, [job for job, _ in results], rules)
    new = [(job, result) for job, result in results if batch.holds(job) and not batch.knows(job, result.model)]
    batch.identify(new)
    entered, alone = [], []
    for job, result in new:
        if batch.joins(job, result):
            batch.enter(job, result)
            entered.append(job.number)
        else:
            alone.append((job, result))
    batch.write()
    return RecordedResults(entered=frozenset(entered), alone=tuple(alone))


def record_alone(writing: Writing, job: Job, result: FilmScreening, rules: EntryRules) -> bool:
    """Enter a result of any film. The transaction must be alone.

    Returns:
        False if there is a result already, the film is a copy of another or was erased meanwhile, or another worker has
        it by now.
    """
    film = _held_film(writing, job)
    if film is None:
        return False
    if rows_of(writing.connection, findings, film_id=film.id, model=result.model).first() is not None:
        jobs.close(writing.connection, [film.id], state="done")
        return False
    read = result.screened.film
    if isinstance(read, Film) and (original := original_of(writing, film, read)) is not None:
        _record_copy(writing, job, film, original, read, model=result.model, rules=rules)
        return False
    study = join(writing, film, read.identifiers if isinstance(read, Film) else {}, actor=rules.worker)
    if isinstance(read, Film) and film.instance is None and read.identifiers.get("StudyInstanceUID"):
        seconds = settle_time.settle_s(writing.connection, film.source)  # else the time was set on arrival
        completeness.wait(writing, study, since_us=film.received_us, seconds=seconds)
    batch = Batch(writing, [job], rules)
    batch.enter(job, result)
    batch.write()
    return True


def _record_copy(
    writing: Writing, job: Job, film: Found, original: Found, read: Film, *, model: str, rules: EntryRules
) -> None:
    """Enter a film as a copy of another one, and decide on the studies of both again."""
    own, target = (_study(writing, one.study_id) for one in (film, original))
    if own.id != target.id and own.films == 1:  # all that its own study had goes with it
        take_in(writing, target, own, actor=rules.worker)
        moved, own = _held_film(writing, job), target
        assert moved is not None
        film = moved
    become_copy(writing, film, original, read, actor=rules.worker)
    if (uid := target.uid or target.disputed_uid) is not None:
        review(writing, uid, actor=rules.worker)
    for number in dict.fromkeys((target.id, own.id)):
        study = _study(writing, number)
        judge_rest(writing, study, model, judge=rules.judge, audit_share=rules.audit_share, worker=rules.worker)


def bury(writing: Writing, job: Job, reason: str, *, model: str, judge: JudgeStudy, worker: str) -> None:
    """Give up a film that cannot be scored: it is tried no more, and stands on top of the list with the reason."""
    batch = Batch(writing, [job], EntryRules(judge=judge, worker=worker))
    if not batch.holds(job):
        return
    decision = Decision(
        action="not_scored",
        score=None,
        probability=None,
        p_value=None,
        priority=FIRST_PRIORITY,
        reason=reason,
        policy_digest="",
    )
    writing.log(worker, "film.given_up", job.film, tries=job.tries, reason=reason)
    batch.decide(job, decision, model)
    batch.write()
    jobs.close(writing.connection, [job.number], state="dead", reason=reason)


def _held_film(writing: Writing, job: Job) -> Found | None:
    """Return the film's row; None where it was erased meanwhile, or its lease lost."""
    return jobs.held_films(writing.connection, [job]).get(job.number)


def _study(writing: Writing, number: int) -> Found:
    return rows_of(writing.connection, studies, id=number).one()
