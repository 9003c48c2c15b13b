"""`Worker`: takes films from the queue, screens them one at a time, and enters the results.

Any number of workers may run, on all machines that have access to the database and the films. If one is killed, nothing
is lost: another worker takes its films when the lease ends.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import os
import socket
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unseen.anatomy import FoundLungs, share_finders
from unseen.artifacts import PluginError
from unseen.data import Entry, Film, NotRead, projection_of, read_film
from unseen.screening import model_digest, probes_of, scored_film
from unseen_server.worklist import jobs
from unseen_server.worklist.appearance import appearance_of
from unseen_server.worklist.arrivals import Arrivals
from unseen_server.worklist.decoding_slots import DecodingSlots
from unseen_server.worklist.film_result import FilmScreening, FurtherFinding
from unseen_server.worklist.renditions import Rendition, keep_generated, thumbnail
from unseen_server.worklist.result_batch import EntryRules
from unseen_server.worklist.result_entry import Entered, Examined, enter_results
from unseen_server.worklist.result_record import bury
from unseen_server.worklist.states import BusyError, NoRoomError, NotWritableError, WorklistError

if TYPE_CHECKING:
    from unseen.detectors import Finding
    from unseen.screening import ScoringDetector, Screener
    from unseen_server.worklist.jobs import Job
    from unseen_server.worklist.site import Site
    from unseen_server.worklist.store import Store

_log = logging.getLogger("unseen")

POLL_S = 0.1
"""Interval at which an idle worker on SQLite asks whether the database has changed, short compared with a score.
PostgreSQL notifies it."""
BATCH_S = 0.1
"""Time over which films are scored before their results are entered together; a slower film is entered by itself. A
worker claims as many waiting films as it can score in this time, by its latest pace."""
MOST = 64
"""Films of a batch."""
_TIDY_S = 5.0
_POSTPONED_S = 1.0  # a film whose sender has two films with decoders
_BACK_OFF_S = 5.0  # after the database or the disk could not be used


class _NoSlot(Exception):
    """Two films of the sender are being decoded."""


class Worker:
    """Worker that scores films until it is stopped.

    Args:
        store: the worklist.
        screener: function that returns the screener, called once, in the process that uses it; its detector must be
            from a bundle.
        further: function that returns detectors whose scores are kept for comparison, without a gate and without an
            effect on decisions; if one fails, only its own score is missing.
        name: for the audit trail; by default the machine and the process.
        lease_s: seconds for which a film is this worker's before another may take it.
        poll_s: seconds between two looks for work on SQLite; see `arrivals.Arrivals`.

    >>> import tempfile
    >>> from unseen.screening import load
    >>> from unseen_server.worklist import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store:
    ...     Worker(store, lambda: load("models/pca"), name="worker-1").name
    'worker-1'
    """

    def __init__(
        self,
        store: Store,
        screener: Callable[[], Screener],
        *,
        further: Callable[[], Sequence[ScoringDetector]] = tuple,
        name: str | None = None,
        lease_s: float = jobs.LEASE_S,
        poll_s: float = POLL_S,
    ) -> None:
        self.store = store
        self.name = name or f"worker {socket.gethostname()}:{os.getpid()}"
        self.lease_s = lease_s
        self.poll_s = poll_s
        self._make = screener
        self._screener: Screener | None = None
        self._make_further = further
        self._further: Sequence[ScoringDetector] | None = None
        self._digests: dict[str, str] | None = None
        self._pace_s: float | None = None  # that a film takes, by the latest ones
        self._stop = threading.Event()
        self._slots = DecodingSlots(store.home / "decoding")

    @property
    def screener(self) -> Screener:
        """Screener, made at the first use."""
        if self._screener is None:
            self._screener = self._make()
        return self._screener

    @property
    def further(self) -> Sequence[ScoringDetector]:
        """Detectors for comparison, made at the first use."""
        if self._further is None:
            self._further = self._make_further()
            share_finders([self.screener.detector, *self._further])
        return self._further

    def check_probes(self) -> None:
        """Score the probe films with each model and compare with this site's other machines.

        The scores of the first worker are those of the site. If the model that decides has other scores here, this
        worker clears nothing; see `Screener.disagreement`.
        """
        digests = self.digests
        for detector in [self.screener.detector, *self.further]:
            own = probes_of(detector)
            stated = self.store.model_probes.keep(digests[detector.weights_sha256], own, worker=self.name)
            if detector is self.screener.detector and not self.screener.disagreement:
                self.screener.compare_probes(own, stated)
        if self.screener.disagreement:
            _log.warning("worker.clears_nothing %s", self.screener.disagreement)

    @property
    def digests(self) -> dict[str, str]:
        """Digests of the whole models, by the SHA-256 of their weights."""
        if self._digests is None:
            further = {one.weights_sha256: model_digest(one) for one in self.further}
            self._digests = further | {self.screener.detector.weights_sha256: self.screener.model_digest}
        return self._digests

    def run(self, stop: threading.Event) -> int:
        """Score waiting and new films until `stop` is set, finish the current film, and return the number of films."""
        models = [self.screener.detector, *self.further]
        _log.info("worker.started models=%s", ",".join(model.weights_sha256[:16] for model in models))
        self.store.sweep()
        self._generate(models)
        self._stop = stop
        scored = 0
        tidied = 0.0
        with Arrivals(self.store.database, self.poll_s) as arrivals:
            while not stop.is_set():
                try:
                    if time.monotonic() - tidied > _TIDY_S:
                        self.store.tidy()
                        tidied = time.monotonic()
                    worked = self.step()
                except NotWritableError:
                    raise  # the worker ends, so that its server reports it
                except (BusyError, NoRoomError) as error:
                    _log.warning("worker.waits %s", error)
                    stop.wait(_BACK_OFF_S)
                    continue
                scored += worked
                if not worked:
                    arrivals.wait(stop)
        _log.info("worker.stopped films=%d", scored)
        return scored

    def drain(self) -> int:
        """Score the films that are due now, and return their number."""
        count = 0
        while films := self.step():
            count += films
        return count

    def step(self) -> int:
        """Take as many due films as can be scored in `BATCH_S`, enter their results, and return their number."""
        most = 1 if self._pace_s is None else int(BATCH_S / self._pace_s)
        held = jobs.claim_several(self.store.site, most=min(max(most, 1), MOST), lease_s=self.lease_s)
        if not held:
            return 0
        if held[0].tries > jobs.MOST_TRIES:  # its workers were killed, or ran out of memory
            self._give_up(held[0], f"{jobs.MOST_TRIES} workers stopped while they had this film.")
            return 1
        left = list(held)
        try:
            with _Lease(self.store.site, held, self.lease_s):
                while left:
                    if self._stop.is_set() and len(left) < len(held):
                        jobs.give_back(self.store.site, *left)
                        break
                    self._see_through(left)
        except WorklistError:  # a fault of the store, not of the films
            with contextlib.suppress(WorklistError):
                jobs.give_back(self.store.site, *held)  # films whose results were entered are no longer held
            raise
        return len(held) - len(left)

    def _see_through(self, left: list[Job]) -> None:
        """Score films for `BATCH_S`, one at least, and enter what was found; takes them off the list."""
        policy = self.screener.policy
        if policy is not None:
            self.screener.stopped = self.store.alarms.clearing_stopped(policy.digest)
            if policy.source_tag:
                self.screener.fixed_sources = self.store.accounts.fixed_sources()
        began = time.monotonic()
        examined: list[Examined] = []
        spent_ms: dict[int, float] = {}
        taken = 0
        while taken < len(left) and (taken == 0 or time.monotonic() - began < BATCH_S):
            job = left[taken]
            taken += 1
            start = time.monotonic()
            try:
                examined.append(self._examine(job))
            except WorklistError:
                raise
            except _NoSlot:
                jobs.postpone(self.store.site, job, wait_s=_POSTPONED_S)
            except Exception as error:  # whatever a detector may raise costs this film, not the worker
                self._failed(job, error)
            spent_ms[job.number] = 1000 * (time.monotonic() - start)
        self._pace_s = (time.monotonic() - began) / taken
        start = time.monotonic()
        found = self._enter(examined)
        each_ms = 1000 * (time.monotonic() - start) / max(len(examined), 1)
        for job in (one.job for one in examined):
            if job.number in found.failed:
                self._failed(job, found.failed[job.number])
                continue
            what = "entered" if job.number in found.entered else "known"
            _log.info("film.%s id=%s ms=%.0f", what, job.film, spent_ms[job.number] + each_ms)
        del left[:taken]

    def _score(self, job: Job) -> bool:
        """Read and screen a film, and enter its result; return False if another worker had entered one."""
        return job.number in self._enter([self._examine(job)]).entered

    def _examine(self, job: Job) -> Examined:
        """Read and score a film, and store the images for the pages."""
        film = self._read(job)
        lungs = FoundLungs(film) if isinstance(film, Film) else None  # for all models
        screened = self.screener.screen_film(film, lungs)
        model = self.screener.detector.weights_sha256
        compared = self._compare(lungs, job)
        found = {} if screened.finding is None else {model: screened.finding}
        found |= compared
        self._show(job, film, found)
        maps = {one: _npy(finding) for one, finding in found.items()}
        digests = {one: hashlib.sha256(data).hexdigest() for one, data in maps.items()}
        result = FilmScreening(
            screened=screened,
            model=model,
            map_sha256=digests.get(model),
            compared=[
                FurtherFinding(finding=finding, model=one, map_sha256=digests[one]) for one, finding in compared.items()
            ],
            appearance=appearance_of(film, list(found.values())) if isinstance(film, Film) else None,
        )
        return Examined(job=job, result=result, maps={digests[one]: data for one, data in maps.items()})

    def _enter(self, examined: Sequence[Examined]) -> Entered:
        policy = self.screener.policy
        rules = EntryRules(
            judge=self.screener.study,
            worker=self.name,
            audit_share=0.0 if policy is None else policy.audit_share,
            drift=None if policy is None else policy.drift,
            digests=self.digests,
        )
        return enter_results(self.store.site, examined, rules) if examined else Entered()

    def _compare(self, lungs: FoundLungs | None, job: Job) -> dict[str, Finding]:
        """Return the further detectors' findings by model; detectors that fail on the film are left out."""
        found: dict[str, Finding] = {}
        if lungs is None or projection_of(lungs.film) == "lateral":
            return found
        for detector in self.further:
            model = detector.weights_sha256
            try:
                outcome = scored_film(detector, lungs.film, lungs)
            except Exception as error:  # whatever it may raise costs its own score, and not the film
                _log.error("film.not_compared id=%s model=%s %s", job.film, model[:16], _place_of(error))
                continue
            if isinstance(outcome, NotRead):  # its reason may hold what the file says
                _log.error("film.not_compared id=%s model=%s error=NotRead", job.film, model[:16])
            else:
                found[model] = outcome
        return found

    def _show(self, job: Job, film: Film | NotRead, found: dict[str, Finding]) -> None:
        """Store the images for the pages, before the result is entered: each listed film can then be shown."""
        kept = self.store.site.renditions
        if isinstance(film, Film):
            kept.keep(kept.thumbnail_of(job.sha256), thumbnail(film.pixels))
        for model, finding in found.items():
            kept.keep(kept.rendition_of(job.sha256, model), Rendition.of(finding).to_bytes())

    def _generate(self, models: Sequence[ScoringDetector]) -> None:
        """Store images of the models' generators; a worker without space for them still scores."""
        for model in models:
            try:
                keep_generated(self.store.site.renditions, model)
            except NoRoomError as error:
                _log.warning("generated.not_kept %s", error)
            except Exception as error:  # from a plug-in: images for a game must not cost a score
                _log.warning("generated.not_made %s", _place_of(error))

    def _read(self, job: Job) -> Film | NotRead:
        """Return the stored film, or NotRead if its bytes differ from the received ones.

        Raises:
            _NoSlot: two films of its sender are being decoded.
        """
        path = self.store.site.films.of(job.sha256)
        entry = Entry(name=job.film, path=path, source=job.source, patient=job.film, study=job.film)
        with self._slots.taken(job.source) as free:
            if not free:
                raise _NoSlot
            film = read_film(entry)
        if isinstance(film, Film) and film.file_sha256 != job.sha256:
            return NotRead(
                name=job.film,
                reason="The stored bytes are not those that were received: the disk is damaged. Restore a backup.",
                source=job.source,
                patient=job.film,
            )
        return film

    def _failed(self, job: Job, error: Exception) -> None:
        """Queue the film again; after the last try, list it at the top without a score."""
        _log.error("film.failed id=%s try=%d %s", job.film, job.tries, _place_of(error))
        reason = f"Scoring failed ({type(_cause_of(error)).__name__})"  # the message may hold what the file says
        if job.tries >= jobs.MOST_TRIES:
            self._give_up(job, f"{reason}, {job.tries} times.")
        else:
            jobs.later(self.store.site, job, f"{reason}.")

    def _give_up(self, job: Job, reason: str) -> None:
        with self.store.writing() as writing:
            bury(
                writing,
                job,
                f"{reason} Look at the film; ask for another try when the cause is gone.",
                model=self.screener.detector.weights_sha256,
                judge=self.screener.study,
                worker=self.name,
            )


def _npy(finding: Finding) -> bytes:
    """Return the anomaly map as a file."""
    written = io.BytesIO()
    np.save(written, finding.anomaly_map, allow_pickle=False)
    return written.getvalue()


def _cause_of(error: Exception) -> BaseException:
    """Return the error that a plug-in raised; another error is its own cause."""
    return error.__cause__ or error if isinstance(error, PluginError) else error


def _place_of(error: Exception) -> str:
    """Return type and place of a failure, for the log.

    Its message and its traceback may contain parts of the file.
    """
    cause = _cause_of(error)
    where = traceback.extract_tb(cause.__traceback__)[-1]
    return f"error={type(cause).__name__} at={Path(where.filename).name}:{where.lineno}"


class _Lease:
    """Lease of films, renewed by a thread until their results are entered."""

    def __init__(self, site: Site, held: Sequence[Job], lease_s: float) -> None:
        self._site, self._held, self._lease_s = site, held, lease_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._hold, name="lease", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _hold(self) -> None:
        while not self._over.wait(self._lease_s / 3):
            try:
                if not jobs.lengthen(self._site, *self._held, lease_s=self._lease_s):
                    return  # lost: the results of the films will be discarded
            except WorklistError as error:
                _log.warning("lease.missed id=%s %s", self._held[0].film, error)
