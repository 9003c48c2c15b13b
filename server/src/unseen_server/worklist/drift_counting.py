"""Counts of the drift watch: studies are counted into the watch of the policy by which they were scored.

The rule by which studies raise an alarm is `unseen.screening.DriftWatch`; `drift_alarms` ends an alarm.

Tables: watches, alarms.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from unseen.screening import DriftReference, DriftWatch
from unseen_server.worklist.statements import rows_of
from unseen_server.worklist.tables import alarms as raised_alarms
from unseen_server.worklist.tables import watches

if TYPE_CHECKING:
    from unseen_server.worklist.database import Database
    from unseen_server.worklist.transactions import Writing


@dataclass(frozen=True, kw_only=True)
class WatchedFilm:
    """A frontal film that the policy has decided on.

    Args:
        study: public id of its study; None: it is not known.
        score: None: it was not scored.
        further: the policy has decided on another film of the study before.
    """

    study: str | None
    score: float | None
    further: bool = False


def observe_all(writing: Writing, policy: str, scored: Sequence[WatchedFilm], reference: DriftReference) -> int | None:
    """Count studies in, each once, with its score as in a calibration: the highest of its frontal films, or none where
    one of them was not scored. A further film changes its study's score until the window is complete.

    Args:
        writing: the transaction.
        policy: digest of the policy by which they were scored.
        scored: the films, in their order.
        reference: what the watch compares with.

    Returns:
        After how many of them an alarm stood: 0 where it did before, None where none does.
    """
    row = rows_of(writing.connection, watches, policy=policy).one_or_none()
    watch = DriftWatch() if row is None else DriftWatch.model_validate_json(row.state)
    window = {} if row is None else _window(row.studies)
    raised: list[str] = []
    recorded = False
    stood = alarm = watch.alarm
    after = None if stood is None else 0
    for number, film in enumerate(scored, start=1):
        if film.further:
            _revise(watch, window, film)
            continue
        counted, windows = len(watch.scores) + watch.refused + 1, watch.windows
        if film.study is not None:
            window[film.study] = [film.score]
        alarm = watch.observe(film.score, reference)
        if alarm is not None and after is None:
            after, raised, recorded = number, list(window), len(window) == counted
        if watch.windows > windows:
            window = {}
    values = {"state": watch.model_dump_json(), "studies": json.dumps(window)}
    if alarm is not None and stood is None:
        values["reason"], values["kind"] = alarm.reason, alarm.kind
        writing.log("unseen", "drift.alarm", policy, kind=alarm.kind, p_value=alarm.p_value, reason=alarm.reason)
        of_it = {"policy": policy, "kind": alarm.kind, "reason": alarm.reason, "raised_us": writing.now_us}
        writing.connection.execute(
            raised_alarms.insert().values(**of_it, studies=json.dumps(raised), recorded=recorded)
        )
    if row is None:
        writing.connection.execute(watches.insert().values(policy=policy, since_us=writing.now_us, **values))
    else:
        since = {"since_us": writing.now_us} if "reason" in values else {}
        writing.connection.execute(watches.update().where(watches.c.policy == policy).values(**values, **since))
    return after


def _window(studies: str) -> dict[str, list[float | None]]:
    """Return the studies of the current window, each with a list of its one score, the highest so far; the list is
    empty where an earlier release counted the study, which kept the names alone."""
    kept = json.loads(studies)
    return {study: [] for study in kept} if isinstance(kept, list) else dict(kept)


def _revise(watch: DriftWatch, window: dict[str, list[float | None]], film: WatchedFilm) -> None:
    """Let a further film change the score of its study, if the study is in the current window."""
    if film.study is None:
        return
    for counted in window.get(film.study, []):
        known = [score for score in (counted, film.score) if score is not None]
        score = max(known) if len(known) == 2 else None
        watch.revise(counted, score)
        window[film.study] = [score]


@dataclass(frozen=True, kw_only=True)
class WatchProgress:
    """Progress of a policy's drift watch: complete windows, and studies in the one that is not complete."""

    windows: int
    studies: int


def watched(database: Database, policy: str) -> WatchProgress:
    """Return the progress of the drift watch of the policy with this digest."""
    with database.reading() as connection:
        state = connection.execute(select(watches.c.state).where(watches.c.policy == policy)).scalar_one_or_none()
    watch = DriftWatch() if state is None else DriftWatch.model_validate_json(state)
    return WatchProgress(windows=watch.windows, studies=len(watch.scores) + watch.refused)
