"""The application's state: what routes share, percentiles and rows, whether anything has changed.

A score's percentile, for each row of the list; the reference is asked for once a while.

Whether anything in the worklist has changed, asked once for all pages that are open.

What every route stands on, made once for an application.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Annotated, Final

import anyio
from fastapi import Depends, Request

from unseen_server.service.active_models import ActiveModels
from unseen_server.web.images import DecodedFilms
from unseen_server.web.labelled_set import ComputedFigures
from unseen_server.web.laboratory import Laboratory, Uploads
from unseen_server.web.middleware import Pace, Throttle
from unseen_server.web.sentences import EARLIER, LIKELY, reading_of
from unseen_server.web.shapes import Listed
from unseen_server.web.sign_in_places import AT_ONCE, SignInPlaces
from unseen_server.web.turing_rounds import Rounds
from unseen_server.worklist.accounts import ROLES
from unseen_server.worklist.filtering import FlagRule
from unseen_server.worklist.labels import Reference
from unseen_server.worklist.states import NotFoundError, WorklistError

if TYPE_CHECKING:
    from unseen.screening import Policy
    from unseen_server.service.workers import Models, Workers
    from unseen_server.web.middleware import Address
    from unseen_server.web.oidc import OidcProvider
    from unseen_server.web.promise import Promise
    from unseen_server.worklist.accounts import Role
    from unseen_server.worklist.listing import Entry
    from unseen_server.worklist.store import Store

KEPT_S: Final = 30.0
_NEVER: Final = 1e308  # no priority


def rank_of(score: float, reference: Sequence[float]) -> float | None:
    """The share of `reference`, which rises, that lies below `score`, ties counted by half; None without a reference.

    >>> rank_of(2.0, [1.0, 2.0, 3.0, 4.0])
    0.375
    """
    return (bisect_left(reference, score) + bisect_right(reference, score)) / 2 / len(reference) if reference else None


def least_score(reference: Sequence[float], share: float) -> tuple[float, bool]:
    """From which score on `rank_of` is `share` or more in a reference that rises; and whether it is itself included.

    >>> least_score([1.0, 2.0, 3.0, 4.0], 0.5), least_score([1.0, 2.0, 3.0, 4.0], 0.6)
    ((2.0, False), (3.0, True))
    """
    at = min(len(reference) - 1, max(0, math.ceil(share * len(reference)) - 1))
    while at > 0 and reference[at - 1] == reference[at]:
        at -= 1
    for score in reference[max(0, at - 1) :]:
        if bisect_left(reference, score) / len(reference) >= share:  # so have those between it and the one before
            below = bisect_left(reference, score) - 1
            return (reference[below], False) if below >= 0 else (score, True)
        if (rank_of(score, reference) or 0.0) >= share:
            return score, True
    return reference[-1], False


class Ranks:
    """Percentiles among the reference of each model, which is at most `KEPT_S` old, and what rows say by them.

    deciding  SHA-256 of the weights that decide, and the policy that is in force, if any is
    """

    def __init__(
        self,
        store: Store,
        deciding: Callable[[], tuple[str | None, Policy | None]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._deciding, self._clock = store, deciding, clock
        self._lock = Lock()
        self._known: dict[str, tuple[float, Reference]] = {}

    def of(self, model: str | None, score: float | None) -> float | None:
        """The share of the model's reference below the score; None without either, and where the reference is small."""
        return None if model is None or score is None else rank_of(score, self.known(model).scores)

    def row(self, entry: Entry, promise: Promise, *, blind: bool) -> Listed:
        """A row of the list."""
        listed = Listed.made(entry, promise)
        rank = self.of(entry.model, entry.score)
        early = self._early(entry, stopped=promise.state == "stopped")
        reading = reading_of(entry, rank=rank, probability=listed.probability, blind=blind, early=early)
        size = self.known(entry.model).count if entry.model and reading.measure == "percentile" else None
        return Listed.made(entry, promise, reading, of=size)

    def _early(self, entry: Entry, *, stopped: bool) -> bool:
        """Whether a blind page flags a study: by its place in the list alone, which a sampled study has from another
        one. A priority is a probability where abnormals calibrated the policy, and one minus the conformal p-value
        where none did; while something stands against the policy, it is neither.
        """
        return not stopped and entry.priority is not None and entry.priority >= self._early_from()

    def _early_from(self) -> float:
        _, policy = self._deciding()
        likely = policy is not None and policy.probability is not None
        return LIKELY if likely else EARLIER

    def flag_rule(self, promise: Promise, *, flagged: bool, blind: bool) -> FlagRule:
        """By which the worklist finds the rows that `row` flags, or does not."""
        if blind:
            return FlagRule(flagged=flagged, priority=_NEVER if promise.state == "stopped" else self._early_from())
        known = {model: self.known(model).scores for model in self._store.models_with_findings()}
        covered = promise.policy.digest if promise.state == "clears" and promise.policy is not None else None
        return FlagRule(
            flagged=flagged,
            probability=None if covered is None else LIKELY,
            policy=covered or "",
            scores={model: least_score(scores, EARLIER) for model, scores in known.items() if scores},
        )

    def known(self, model: str) -> Reference:
        """What scores of `model` are compared with; asked for once a while."""
        with self._lock:
            asked, found = self._known.get(model, (float("-inf"), Reference.none()))
            if self._clock() - asked >= KEPT_S:
                found = self.reference(model)
                self._known[model] = (self._clock(), found)
            return found

    def reference(self, model: str) -> Reference:
        """The normal studies of the calibration where a policy is in force, else the normal films of this site.

        One of the two for a whole screen. What readers report normal where a policy clears is what it did not clear,
        and would make all else look usual; and of the calibration's studies, only the model that decides has scores.
        """
        deciding, policy = self._deciding()
        if policy is None:
            return self._store.reference(model)
        normals = [one for source in policy.sources.values() for one in source.normals]
        normals = list(policy.drift.normals) if policy.drift else normals
        if not normals:
            return self._store.reference(model)
        if model != deciding:
            return Reference.none("no percentile: the calibration has scores of the model that decides alone")
        return Reference.of(normals, "normal studies of the calibration")


RANKS_S = 0.4


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
            if time.monotonic() - self._looked >= RANKS_S:
                with contextlib.suppress(WorklistError):
                    self._seen = self._store.audit_head().seq
                self._looked = time.monotonic()
            return self._seen


UPLOADS = 16
"""Films that come in at the same time; further ones wait for their turn."""
LOOK_S = 2.0
_PICTURES = 2  # rendered at the same time: a film of 64 million pixels takes a quarter of a gigabyte


@dataclass(kw_only=True, eq=False)
class ServerState:
    """An application's parts.

    given   the models that it was started with; `models` are those that score now
    runs    the folder of trainings that are shown; None: none are
    lab     the imaging lab's process, and `sent` the images that it was sent
    settled_s  how long a file in the watched folder must stand still; None: no folder is watched
    oidc    the identity provider by which people sign in, too
    """

    store: Store
    address: Address
    given: Models | None = None
    workers: Workers | None = None
    runs: Path | None = None
    lab: Laboratory = field(default_factory=lambda: Laboratory(None))
    sent: Uploads = field(default_factory=Uploads)
    settled_s: float | None = None
    oidc: OidcProvider | None = None
    throttle: Throttle = field(default_factory=Throttle)
    pace: Pace = field(default_factory=Pace)
    uploads: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(UPLOADS))
    pictures: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(_PICTURES))
    sign_ins: SignInPlaces = field(default_factory=SignInPlaces)
    passwords: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(AT_ONCE))
    stopping: threading.Event = field(default_factory=threading.Event)
    figures: ComputedFigures = field(default_factory=ComputedFigures)
    rounds: Rounds = field(default_factory=Rounds)
    decoded: DecodedFilms = field(init=False)
    clearing: Clearing = field(init=False)
    ranks: Ranks = field(init=False)
    pulse: Pulse = field(init=False)
    active: ActiveModels = field(init=False)

    def __post_init__(self) -> None:
        self.pulse = Pulse(self.store)
        self.ranks = Ranks(self.store, lambda: (self.deciding, self.models.policy if self.models else None))
        self.decoded = DecodedFilms(self.pictures)
        self.clearing = Clearing(self.store, given=self.given is not None and self.given.policy is not None)
        self.active = ActiveModels(self.store, self.given, self.workers, on_policy=self.clearing.begin)

    @property
    def models(self) -> Models | None:
        """What scores now: what leads activated, else what the server was started with."""
        return self.active.models

    def promise(self) -> Promise:
        """What is promised now; see `Promise.of`."""
        from unseen_server.web.promise import Promise

        stopped = "" if self.workers is None else self.workers.staff().stopped
        return Promise.of(self.store, self.models, stopped=stopped)

    @property
    def deciding(self) -> str | None:
        """SHA-256 of the weights that decide; None where this server has no model."""
        return None if self.models is None else self.models.card.weights_sha256

    def can_be_shown(self, film: str) -> bool:
        """Whether the film's pixels can be had; it is decoded, unless it was lately. Raises NotFoundError."""
        try:
            self.decoded.film(self.store.film_path(film))
        except NotFoundError:
            raise
        except WorklistError:
            return False
        return True

    def is_blind(self, role: Role) -> bool:
        """Whether `role` must not see what would tell a sampled study from the others: readers, where a policy
        clears."""
        return ROLES.index(role) <= ROLES.index("reader") and self.clearing.seen()


class Clearing:
    """Whether a policy clears: one is given to this server or activated, or a worker has cleared or sampled something.

    Once so, it stays so while the server runs. The worklist is asked every `LOOK_S` at most: with many studies that
    takes longer than a page.
    """

    def __init__(self, store: Store, *, given: bool) -> None:
        self._store = store
        self._seen = given
        self._looked: float | None = None

    def begin(self) -> None:
        """A policy was activated: from now on it may clear."""
        self._seen = True

    def seen(self) -> bool:
        now = time.monotonic()
        if not self._seen and (self._looked is None or now - self._looked >= LOOK_S):
            self._looked = now
            sample = self._store.audit_sample()
            cleared = self._store.page("cleared", limit=1).rows
            self._seen = bool(sample.waiting + sample.read + sample.unsure or cleared)
        return self._seen


def served(request: Request) -> ServerState:
    """The parts of the application that answers this request."""
    parts: ServerState = request.app.state.served
    return parts


Parts = Annotated[ServerState, Depends(served)]
