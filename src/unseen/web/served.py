"""What every route stands on, made once for an application."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import anyio
from fastapi import Depends, Request

from unseen.service.active_models import ActiveModels
from unseen.web.caches import Pulse, Ranks
from unseen.web.images import DecodedFilms
from unseen.web.labelled_set import ComputedFigures
from unseen.web.laboratory import Laboratory, Uploads
from unseen.web.middleware import Pace, Throttle
from unseen.web.turing_rounds import Rounds

if TYPE_CHECKING:
    from unseen.service.models import Models
    from unseen.service.workers import Workers
    from unseen.web.address import Address
    from unseen.worklist.store import Store

UPLOADS = 16
"""Films that come in at the same time; further ones wait for their turn."""
LOOK_S = 2.0
_PICTURES = 2  # rendered at the same time: a film of 64 million pixels takes a quarter of a gigabyte
_PASSWORDS = 2  # looked at at the same time: argon2id takes 64 MiB each


@dataclass(kw_only=True, eq=False)
class Served:
    """An application's parts.

    given   the models that it was started with; `models` are those that score now
    runs    the folder of trainings that are shown; None: none are
    lab     the imaging lab's process, and `sent` the pictures that it was sent
    """

    store: Store
    address: Address
    given: Models | None = None
    workers: Workers | None = None
    runs: Path | None = None
    lab: Laboratory = field(default_factory=lambda: Laboratory(None))
    sent: Uploads = field(default_factory=Uploads)
    throttle: Throttle = field(default_factory=Throttle)
    pace: Pace = field(default_factory=Pace)
    uploads: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(UPLOADS))
    pictures: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(_PICTURES))
    passwords: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(_PASSWORDS))
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
        self.ranks = Ranks(self.store, lambda: self.models.policy if self.models else None)
        self.decoded = DecodedFilms(self.pictures)
        self.clearing = Clearing(self.store, given=self.given is not None and self.given.policy is not None)
        self.active = ActiveModels(self.store, self.given, self.workers, on_policy=self.clearing.begin)

    @property
    def models(self) -> Models | None:
        """What scores now: what leads activated, else what the server was started with."""
        return self.active.models

    def is_blind(self, role: str) -> bool:
        """Whether `role` must not see what would tell a sampled study from the others: readers, where a policy
        clears."""
        return role == "reader" and self.clearing.seen()


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


def served(request: Request) -> Served:
    """The parts of the application that answers this request."""
    parts: Served = request.app.state.served
    return parts


Parts = Annotated[Served, Depends(served)]
