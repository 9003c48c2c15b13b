"""What the server keeps in memory: ranks among the reference set, and whether anything has changed.

A score's place among the reference set, for each row of the list; the set is asked for once a while.

Whether anything in the worklist has changed, asked once for all pages that are open.
"""

from __future__ import annotations

import contextlib
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Final

from unseen.worklist.labels import Reference
from unseen.worklist.states import WorklistError

if TYPE_CHECKING:
    from unseen.screening.policy import Policy
    from unseen.worklist.listing import Entry
    from unseen.worklist.store import Store

KEPT_S: Final = 30.0
EARLIER: Final = 0.95
"""The rank from which a study is said to differ from the reference set."""
_LIKELY: Final = 0.5  # abnormal rather than not


def rank_of(score: float, reference: Sequence[float]) -> float | None:
    """The share of `reference`, which rises, that lies below `score`, ties counted by half; None without a reference.

    >>> rank_of(2.0, [1.0, 2.0, 3.0, 4.0])
    0.375
    """
    return (bisect_left(reference, score) + bisect_right(reference, score)) / 2 / len(reference) if reference else None


class Ranks:
    """Ranks among the latest reference set of each model, at most `KEPT_S` old.

    policy  what clears at present, if anything does
    """

    def __init__(
        self, store: Store, policy: Callable[[], Policy | None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._policy, self._clock = store, policy, clock
        self._lock = Lock()
        self._known: dict[str, tuple[float, tuple[float, ...]]] = {}

    def of(self, model: str | None, score: float | None) -> float | None:
        """The score's rank among the model's reference set; None without either."""
        return None if model is None or score is None else rank_of(score, self._scores(model))

    def flags(self, entry: Entry, rank: float | None, *, blind: bool) -> bool:
        """Whether a study that waits is to be read earlier: by its rank.

        On a blind page by its place in the list alone, which a sampled study has from another one: a priority is a
        probability where abnormals calibrated the policy, and one minus the conformal p-value where none did.
        """
        if entry.reason or entry.state not in ("to_read", "in_reading"):
            return False
        if not blind:
            return rank is not None and rank >= EARLIER
        policy = self._policy()
        likely = policy is not None and policy.probability is not None
        return entry.priority is not None and entry.priority >= (_LIKELY if likely else EARLIER)

    def reference(self, model: str) -> Reference:
        """What scores of `model` are held against: the calibration's normals where it clears, else the worklist's own.

        What readers report normal where a policy clears is what it did not clear, and would make all else look usual.
        """
        policy = self._policy()
        if policy is not None and policy.weights_sha256 == model and policy.drift is not None and policy.drift.normals:
            normals = policy.drift.normals
            return Reference(scores=tuple(sorted(normals)), words=f"{len(normals)} normal studies of the calibration")
        return self._store.reference(model)

    def _scores(self, model: str) -> tuple[float, ...]:
        with self._lock:
            asked, scores = self._known.get(model, (float("-inf"), ()))
            if self._clock() - asked >= KEPT_S:
                scores = self.reference(model).scores
                self._known[model] = (self._clock(), scores)
            return scores


LOOK_S = 0.4


class Pulse:
    """The number of the latest change of `store`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._seen = 0
        self._looked = float("-inf")

    def latest(self) -> int:
        """Its number; the last known one while the database is out of reach."""
        with self._lock:
            if time.monotonic() - self._looked >= LOOK_S:
                with contextlib.suppress(WorklistError):
                    self._seen = self._store.audit_head().seq
                self._looked = time.monotonic()
            return self._seen
