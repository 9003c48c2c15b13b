"""`Batch`: the results of some films, entered together: rows are read at once, decided on in order, written at once.

It costs as many statements for fifty films as for one. The transaction may run next to those of other workers
(`Site.writing_together`): the films' leases and their studies' rows are locked, each in the order of its numbers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from unseen.data import Film, projection_of
from unseen.screening import Screened, without_companions
from unseen_server.worklist import (
    clearing,
    completeness,
    disagreement,
    drift_counting,
    jobs,
    outbox,
    report_coverage,
    settle_time,
    study_decisions,
)
from unseen_server.worklist.bulk import among, insert_rows, update_rows
from unseen_server.worklist.database import be_alone_with
from unseen_server.worklist.identities import FilmIdentity, Identities
from unseen_server.worklist.statements import rows_among
from unseen_server.worklist.states import WorklistError, after
from unseen_server.worklist.stored_text import clean
from unseen_server.worklist.tables import decisions, films, findings, studies, terms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unseen.detectors import Finding
    from unseen.screening import Decision, DriftReference
    from unseen_server.worklist.film_result import FilmScreening
    from unseen_server.worklist.jobs import Job
    from unseen_server.worklist.transactions import Writing

Kept = Any  # a row whose values change while the batch is decided on


class OvertakenError(WorklistError):
    """Clearing was stopped while this transaction cleared: nothing was written. Enter the results one by one."""


@dataclass(frozen=True, kw_only=True)
class EntryRules:
    """Rules by which a worker's results are entered.

    Args:
        judge: decides about a study from all its films.
        worker: its name, for the audit trail.
        audit_share: of cleared studies, read all the same.
        drift: what scores and refusals are watched against; None: nothing is watched.
        digests: of the worker's models, by the SHA-256 of their weights.
    """

    judge: study_decisions.JudgeStudy
    worker: str
    audit_share: float = 0.0
    drift: DriftReference | None = None
    digests: Mapping[str, str] = field(default_factory=dict)


class Batch:
    """The films that a worker still holds, their studies, and what is to be written of them."""

    def __init__(self, writing: Writing, held: Sequence[Job], rules: EntryRules) -> None:
        self._writing, self._rules = writing, rules
        connection = writing.connection
        rows = jobs.held_films(connection, held)
        self._films: dict[int, Kept] = {number: _kept(row) for number, row in rows.items()}
        numbers = sorted({film.study_id for film in self._films.values()})
        locked = rows_among(connection, studies.c.id, numbers, lock=True)
        self._studies: dict[int, Kept] = {row.id: _kept(row) for row in locked}
        self._of_study: dict[int, list[Kept]] = {}
        for row in rows_among(connection, films.c.study_id, numbers):
            self._of_study.setdefault(row.study_id, []).append(self._films.get(row.id) or _kept(row))
        self._scores: dict[int, dict[str, float | None]] = {}
        self._latest: dict[int, dict[int, Screened]] = {}
        self._not_covered: dict[int, dict[int, bool]] = {}  # by study, by film (`report_coverage`)
        if begun := [study.id for study in self._studies.values() if not self._is_new(study)]:
            self._read(begun)
        self._identities: Identities | None = None
        self._stopped: dict[str, str] = {}  # by policy
        self._settle_s: dict[str, float] = {}  # by source
        self._among: dict[str, list[float]] = {}  # a model's latest scores
        self._cleared: dict[str, int] = {}  # by policy, how many studies were observed when it cleared the last time
        self._observed: dict[str, list[drift_counting.WatchedFilm]] = {}  # by policy
        self._findings: list[dict[str, Any]] = []  # Any: values of whatever column
        self._decisions: list[dict[str, Any]] = []
        self._final: list[tuple[Kept, dict[str, Any]]] = []
        self._judged: dict[int, Kept] = {}
        self._done: set[int] = set()

    def _is_new(self, study: Kept) -> bool:
        """Return True if the study has no finding, decision or report yet."""
        unread = all(not film.judged and film.pixel_sha256 is None for film in self._of_study[study.id])
        return study.state == "received" and study.action is None and unread

    def _read(self, numbers: list[int]) -> None:
        """Read what was found, decided and reported of these studies."""
        connection = self._writing.connection
        of_films = [film.id for number in numbers for film in self._of_study[number]]
        scored = select(findings.c.film_id, findings.c.model, findings.c.score)
        for row in connection.execute(scored.where(among(connection, findings.c.film_id, of_films))):
            self._scores.setdefault(row.film_id, {})[row.model] = row.score
        self._latest = study_decisions.latest_of(self._writing, numbers)
        self._not_covered = report_coverage.not_covered(connection, numbers)

    def holds(self, job: Job) -> bool:
        """Return True if the worker still has the film: its lease was not lost, and it was not erased."""
        return job.number in self._films

    def knows(self, job: Job, model: str) -> bool:
        """Return True if the film has a finding of this model; then it needs no worker any more."""
        if known := model in self._scores.get(job.number, {}):
            self._done.add(job.number)
        return known

    def identify(self, results: Sequence[tuple[Job, FilmScreening]]) -> None:
        """Read what the database holds of what these films' headers name; before `joins`."""
        names = self._writing.names
        named = {job.number: FilmIdentity.of_film(names, result.screened.film) for job, result in results}
        of_films = {number: self._studies[self._films[number].study_id] for number in named}
        self._identities = Identities(self._writing, named, of_films)

    def joins(self, job: Job, result: FilmScreening) -> bool:
        """Let the film's study have what its header names; False where that touches more than the study itself."""
        assert self._identities is not None
        film, read = self._films[job.number], result.screened.film
        study = self._studies[film.study_id]
        if not self._identities.is_ordinary(film, study, read):
            return False
        new = film.instance is None
        self._identities.enter(film, study, read)
        if isinstance(read, Film) and new and read.identifiers.get("StudyInstanceUID"):
            if film.source not in self._settle_s:  # else the time was set on arrival
                self._settle_s[film.source] = settle_time.settle_s(self._writing.connection, film.source)
            seconds, now_us = self._settle_s[film.source], self._writing.now_us
            study.settles_us = completeness.settles_us(study, since_us=film.received_us, seconds=seconds, now_us=now_us)
        return True

    def enter(self, job: Job, result: FilmScreening) -> None:
        """Enter a result: findings, the decision on the film, the decision on its study."""
        film, worker = self._films[job.number], self._rules.worker
        read, decision, model = result.screened.film, result.screened.decision, result.model
        known = self._scores.setdefault(film.id, {})
        for one in result.compared:
            if one.model not in {*known, model}:  # it may have decided earlier
                self._enter_finding(film, one.finding, model=one.model, map_sha256=one.map_sha256)
                self._writing.log(
                    worker,
                    "film.compared",
                    film.public_id,
                    model=one.model,
                    score=one.finding.score,
                    map=one.map_sha256,
                )
        self._enter_finding(film, result.screened.finding, model=model, map_sha256=result.map_sha256)
        before, film.judged = film.judged or self._observed_before(film, decision.policy_digest), True
        if isinstance(read, Film):
            film.view_position = None if read.view_position is None else clean(read.view_position)
            film.projection, film.origin = projection_of(read), read.origin
            film.related = _pseudonyms(self._writing, read)
            film.file_format, film.pixel_sha256 = read.file_format, read.pixel_sha256
            film.tags = json.dumps(dict(read.tags), sort_keys=True)
        if result.appearance is not None:
            film.look = result.appearance.look
            film.statistics = json.dumps(result.appearance.statistics, sort_keys=True)
        self._writing.log(
            worker,
            "film.scored",
            film.public_id,
            model=model,
            score=decision.score,
            action=decision.action,
            policy=decision.policy_digest,
            map=result.map_sha256,
            **({"digest": digest} if (digest := self._rules.digests.get(model)) else {}),
        )
        frontals = self.decide(job, decision, model)
        decides = not result.screened.lateral and film.origin != "processed"
        if self._rules.drift is not None and not before and decides:
            study = self._studies[film.study_id].public_id
            scored = drift_counting.WatchedFilm(study=study, score=decision.score, further=frontals > 1)
            self._observed.setdefault(decision.policy_digest, []).append(scored)
        self._done.add(film.id)

    def _observed_before(self, film: Kept, policy: str) -> bool:
        """Return True for a film that the policy has decided on, such as a refused one that is scored again."""
        earlier = self._latest.get(film.study_id, {}).get(film.id)
        return earlier is not None and earlier.decision.policy_digest == policy

    def decide(self, job: Job, decision: Decision, model: str) -> int:
        """Enter the decision on a film, decide on its study again, and bring it to its place. Returns how many
        frontal films that decide about the study were judged by now."""
        writing, rules = self._writing, self._rules
        film = self._films[job.number]
        film.judged = True
        study = self._studies[film.study_id]
        digest = rules.digests.get(model)
        entry = {"study_id": study.id, "model": model, "made_us": writing.now_us, "model_digest": digest}
        decision = self._unless_stopped(decision)
        self._decisions.append({"film_id": film.id, **entry, **study_decisions.columns_of(decision)})
        latest = self._latest.setdefault(study.id, {})
        latest[film.id] = Screened(film=study_decisions.film_of(film), decision=decision)
        all_films = [latest[number] for number in sorted(latest)]
        found = study_decisions.settled(
            writing,
            study,
            self._unless_stopped(rules.judge(all_films)),
            model,
            of_study=self._of_study[study.id],
            apart=self._apart(study.id),
            audit_share=rules.audit_share,
        )
        whole = {"film_id": None, **entry, **study_decisions.columns_of(found.whole)}
        self._decisions.append(whole)
        state = after(study.state, "reopen" if self._came_later(study) else "judge", standing=found.standing)
        change = {"from": study.state, "to": state} | study_decisions.said_of(found)
        values = writing.placed(study, state, standing=found.standing, columns=found.columns)
        for name, value in values.items():
            setattr(study, name, value)
        writing.log(rules.worker, "study.judged", study.public_id, **change)
        if found.final:
            self._final.append((SimpleNamespace(**vars(study)), whole))
        self._judged[film.id] = film
        return len(without_companions([one for one in all_films if not one.lateral]))

    def _came_later(self, study: Kept) -> bool:
        """Return True if the study has a film that its standing report does not cover."""
        late = self._not_covered.get(study.id, {})
        return any(
            late[film.id] or film.projection != "lateral" for film in self._of_study[study.id] if film.id in late
        )

    def write(self) -> None:
        """Write all of it. Raises OvertakenError where an alarm stood before a study was cleared here."""
        writing = self._writing
        connection = writing.connection
        insert_rows(connection, findings, self._findings)
        update_rows(connection, films, [_columns(film, _OF_FILM) for film in self._judged.values()])
        touched = sorted({film.study_id for film in self._judged.values()})
        update_rows(connection, studies, [_columns(self._studies[number], _OF_STUDY) for number in touched])
        if self._identities is not None:
            insert_rows(connection, terms, self._identities.terms)
        if self._final and outbox.destinations(connection):
            entered = insert(decisions).returning(decisions.c.id, sort_by_parameter_order=True)
            numbers = connection.execute(entered, self._decisions).scalars().all()
            ids = {id(row): number for row, number in zip(self._decisions, numbers, strict=True)}
            for study, whole in self._final:
                decided: Kept = SimpleNamespace(id=ids[id(whole)], **whole)
                outbox.enter(writing, study, decided)
        else:
            insert_rows(connection, decisions, self._decisions)
        if self._done:
            jobs.close(connection, self._done, state="done")
        self._observe()

    def _observe(self) -> None:
        """Count the studies into the drift watch of their policy. Another worker's may have raised an alarm meanwhile,
        or one of this batch: what was cleared in spite of it must not be kept."""
        if self._rules.drift is None:
            return
        for policy, scored in sorted(self._observed.items()):
            be_alone_with(self._writing.connection, [f"watch {policy}"], late=True)
            stood = drift_counting.observe_all(self._writing, policy, scored, self._rules.drift)
            if stood is not None and self._cleared.get(policy, -1) >= stood:
                raise OvertakenError("A drift alarm was raised while films were cleared. Nothing was changed.")

    def _enter_finding(self, film: Kept, finding: Finding | None, *, model: str, map_sha256: str | None) -> None:
        viewed = None if finding is None else finding.viewed
        score = None if finding is None else finding.score
        self._findings.append(
            {
                "film_id": film.id,
                "model": model,
                "score": score,
                "parts": json.dumps({} if finding is None else dict(finding.parts), sort_keys=True),
                "box": None if viewed is None else json.dumps(viewed.box),
                "inner": None if viewed is None else json.dumps(viewed.inner),
                "map_sha256": map_sha256,
                "made_us": self._writing.now_us,
                "model_digest": self._rules.digests.get(model),
            }
        )
        self._scores.setdefault(film.id, {})[model] = score
        if score is not None and model in self._among:
            self._among[model].insert(0, score)

    def _apart(self, study: int) -> float | None:
        frontal = [film for film in self._of_study[study] if film.projection != "lateral"]
        scored = [self._scores.get(film.id, {}) for film in frontal]
        return disagreement.largest(
            [{model: score for model, score in one.items() if score is not None} for one in scored], self._latest_scores
        )

    def _latest_scores(self, model: str) -> list[float]:
        if model not in self._among:
            entered = [row["score"] for row in self._findings if row["model"] == model and row["score"] is not None]
            self._among[model] = entered[::-1] + disagreement.latest_scores(self._writing.connection, model)
        return self._among[model][: disagreement.AMONG]

    def _unless_stopped(self, decision: Decision) -> Decision:
        policy = decision.policy_digest
        if decision.action != "clear":
            return decision
        if policy not in self._stopped:
            self._stopped[policy] = clearing.stopped(self._writing.connection, policy)
        decision = study_decisions.unless_stopped(decision, self._stopped[policy])
        if decision.action == "clear":
            self._cleared[policy] = len(self._observed.get(policy, ()))
        return decision


_OF_FILM = (
    "id", "judged", "view_position", "projection", "origin", "related", "file_format", "pixel_sha256", "tags",
    "look", "statistics", "instance",
)  # fmt: skip
_OF_STUDY = (
    "id", "uid", "patient", "issuer", "accession", "state", "standing", "shelf", "band", "rank", "changed_us",
    "audit_sample", "action", "priority", "score", "probability", "p_value", "reason", "refusal", "score_rank", "model",
    "policy", "view", "apart", "settles_us",
)  # fmt: skip


def _pseudonyms(writing: Writing, read: Film) -> str:
    """Return the UIDs of a film that relate it to others, in JSON, as the database may hold them."""
    return json.dumps([writing.names.of("instance", clean(uid)) for uid in read.related])


def _kept(row: Any) -> SimpleNamespace:  # Any: SQLAlchemy knows a row's columns by name only when it runs
    return SimpleNamespace(**row._mapping)


def _columns(row: Kept, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}
