"""The application's state: what routes share, and whether anything has changed.

Whether anything in the worklist has changed, asked once for all pages that are open.

What every route stands on, made once for an application.
"""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from unseen_server.service.active_models import ActiveModels
from unseen_server.web.decoded_films import DecodedFilms
from unseen_server.web.lab_supervisor import Laboratory
from unseen_server.web.lab_uploads import Uploads
from unseen_server.web.labelled_set import ComputedFigures
from unseen_server.web.open_pages import OpenPages
from unseen_server.web.pace import Pace
from unseen_server.web.password_attempts import Throttle
from unseen_server.web.score_percentiles import Loaded, ScorePercentiles
from unseen_server.web.sign_in_places import AT_ONCE, SignInPlaces
from unseen_server.web.turing_rounds import Rounds
from unseen_server.web.upload_limits import UploadPlaces
from unseen_server.worklist.accounts import ROLES
from unseen_server.worklist.readiness import Readiness
from unseen_server.worklist.states import NotFoundError, WorklistError
from unseen_server.worklist.study_query import StudyQuery

if TYPE_CHECKING:
    from unseen_server.service.scoring_models import Models
    from unseen_server.service.workers import Workers
    from unseen_server.web.address import Address
    from unseen_server.web.oidc_provider import OidcProvider
    from unseen_server.web.promise import Promise
    from unseen_server.worklist.accounts import Role
    from unseen_server.worklist.store import Store

RANKS_S = 0.4


class Pulse:
    """The number of the latest change of `store`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._seen = 0
        self._looked = float("-inf")

    def latest(self) -> int:
        """Return its number; the last known one while the database cannot be reached."""
        with self._lock:
            if time.monotonic() - self._looked >= RANKS_S:
                with contextlib.suppress(WorklistError):
                    self._seen = self._store.audit.head().seq
                self._looked = time.monotonic()
            return self._seen


LOOK_S = 2.0
_PICTURES = 2  # rendered at the same time: a film of 64 million pixels takes a quarter of a gigabyte


@dataclass(kw_only=True, eq=False)
class ServerState:
    """An application's parts.

    Args:
        given: the models that it was started with; `models` are those that score now.
        runs: the folder of trainings that are shown; None: none are.
        lab: the imaging lab's process, and `sent` the images that it was sent.
        settled_s: how long a file in the watched folder must stand still; None: no folder is watched.
        oidc: the identity provider by which people sign in, too.
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
    uploads: UploadPlaces = field(default_factory=UploadPlaces)
    pictures: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(_PICTURES))
    sign_ins: SignInPlaces = field(default_factory=SignInPlaces)
    passwords: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(AT_ONCE))
    stopping: threading.Event = field(default_factory=threading.Event)
    figures: ComputedFigures = field(default_factory=ComputedFigures)
    rounds: Rounds = field(default_factory=Rounds)
    open_pages: OpenPages = field(init=False)
    decoded: DecodedFilms = field(init=False)
    clearing: Clearing = field(init=False)
    ranks: ScorePercentiles = field(init=False)
    pulse: Pulse = field(init=False)
    readiness: Readiness = field(init=False)
    active: ActiveModels = field(init=False)

    def __post_init__(self) -> None:
        self.open_pages = OpenPages(lasts_s=self.store.site.claim_s)
        self.pulse = Pulse(self.store)
        self.readiness = Readiness(self.store)
        self.ranks = ScorePercentiles(self.store, self._loaded)
        self.decoded = DecodedFilms(self.pictures)
        self.clearing = Clearing(self.store, given=self.given is not None and self.given.policy is not None)
        self.active = ActiveModels(self.store, self.given, self.workers, on_policy=self.clearing.begin)

    @property
    def models(self) -> Models | None:
        """Models that score now: those that leads activated, else those of the server's start."""
        return self.active.models

    def _loaded(self) -> Loaded:
        models = self.models
        if models is None:
            return Loaded(named={}, calibrated={})
        return Loaded(
            deciding=models.card.weights_sha256, policy=models.policy, named=models.named, calibrated=models.calibrated
        )

    def promise(self) -> Promise:
        """Return the guarantee at this moment; see `Promise.of`."""
        from unseen_server.web.promise import Promise

        stopped = "" if self.workers is None else self.workers.status().stopped
        return Promise.of(self.store, self.models, stopped=stopped)

    @property
    def deciding(self) -> str | None:
        """SHA-256 of the weights that decide; None where this server has no model."""
        return None if self.models is None else self.models.card.weights_sha256

    def can_be_shown(self, film: str) -> bool:
        """Return True if the film's pixels can be displayed; it is decoded, unless it was lately. Raises
        NotFoundError.
        """
        try:
            self.decoded.film(self.store.films.path(film))
        except NotFoundError:
            raise
        except WorklistError:
            return False
        return True

    def is_blind(self, role: Role) -> bool:
        """Return True if `role` must not see which studies are sampled: readers, where a policy clears."""
        return ROLES.index(role) <= ROLES.index("reader") and self.clearing.seen()


class Clearing:
    """Cached fact that a policy clears: one is given or activated, or a worker has cleared or sampled a study.

    Once so, it stays so while the server runs. The worklist is asked every `LOOK_S` at most: with many studies that
    takes longer than a page.
    """

    def __init__(self, store: Store, *, given: bool) -> None:
        self._store = store
        self._seen = given
        self._looked: float | None = None

    def begin(self) -> None:
        """Record that a policy was activated: from now on it may clear."""
        self._seen = True

    def seen(self) -> bool:
        now = time.monotonic()
        if not self._seen and (self._looked is None or now - self._looked >= LOOK_S):
            self._looked = now
            sample = self._store.reports.audit_sample()
            cleared = self._store.studies.page(StudyQuery(tab="cleared", limit=1)).rows
            self._seen = bool(sample.waiting + sample.read + sample.unsure or cleared)
        return self._seen


def served(request: Request) -> ServerState:
    """Return the parts of the application that answers this request."""
    parts: ServerState = request.app.state.served
    return parts


async def _parts(request: Request) -> ServerState:
    """Return the server's state; as a coroutine, so that FastAPI needs no thread."""
    return served(request)


Parts = Annotated[ServerState, Depends(_parts)]
