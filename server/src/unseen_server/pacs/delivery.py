"""Delivery of results from the outbox to the peers: a result counts as kept only when its destination confirms it.

Each destination has one thread, which sends one result after the other. If a destination cannot be reached, its thread
pauses, longer each time, and then tries with one result. So no result is lost, and no destination is flooded. A refusal
is a failure of that result. The result is tried again later and then given up; a person can send it again from the
page.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Final

import numpy as np
from pydicom import dcmread

from unseen import __version__
from unseen.artifacts import UserError
from unseen.data import Entry, Film, read_film
from unseen_server.pacs import peer_search
from unseen_server.pacs.calling import NotReachedError
from unseen_server.pacs.objects import result_objects
from unseen_server.pacs.sending import Accepted, NotReached, RefusedInstance, send
from unseen_server.pacs.study_result import FilmResult, Replaced, StudyResult
from unseen_server.worklist.outbox import CONFIRM_S, LEASE_S, LONGEST_WAIT_S, Destination
from unseen_server.worklist.parcels import Parcel, ParcelFilm, SentInstance
from unseen_server.worklist.states import WorklistError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from unseen_server.pacs.commitment import CommitmentReport
    from unseen_server.pacs.config import PacsConfig, Peer
    from unseen_server.worklist.store import Store

_log = logging.getLogger("unseen")

ACTOR: Final = "pacs"
POLL_S: Final = 0.25
MOST_TRIES: Final = 8
"""Most refusals of one result; then a person has to act. With the waits, this takes about 20 minutes."""
MOST_ASKED: Final = 12
"""Most requests for the confirmation of an accepted result, over some hours."""
_FIRST_LOOKED_S: Final = 2.0
"""Delay until an accepted result that an archive does not show yet is looked for again, the first time."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2.0, 300.0


Ask = Callable[["Peer", Sequence[tuple[str, str]]], object]
"""Function of a peer, and of the SOP class and instance UIDs that it accepted. Raises NotReachedError."""


class NotMadeError(UserError):
    """Error: the objects of a result cannot be made, and another try cannot help."""


def destinations(config: PacsConfig) -> list[Destination]:
    """Return the destinations of results, with their names in the outbox."""
    return [Destination(name=peer.name, sources=peer.results_of) for peer in config.peers if peer.send]


class Delivery:
    """Sender of results to all peers; the node runs it from `start` to `stop`.

    Args:
        config: configuration of the node.
        store: store of the worklist.
        ask: function that requests storage commitment from a peer; the peer's report comes to `reported`.

    Attributes:
        lease_s: time that a result stays with a sender that was killed.
        asked_s: delay until storage commitment is requested again, the first time.
    """

    def __init__(self, config: PacsConfig, store: Store, *, ask: Ask) -> None:
        self._config, self._store, self.ask = config, store, ask
        self.lease_s, self.asked_s = LEASE_S, CONFIRM_S
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to send, including the results that an earlier run left."""
        self._store.outbox.set_destinations(destinations(self._config), actor=ACTOR)
        self._stop.clear()
        tidying = threading.Thread(target=self._tidy, name="pacs-settle", daemon=True)
        self._threads = [tidying] + [
            threading.Thread(target=Courier(self, peer).run, name=f"pacs-to-{peer.name}", daemon=True)
            for peer in self._config.peers
            if peer.send
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop. A result that is being sent is sent again after the next start, with the same UIDs."""
        self._stop.set()
        for thread in self._threads:
            thread.join(2.0)

    def reported(self, report: CommitmentReport) -> None:
        """Enter a peer's report of storage commitment; see `Commitments.on_report`."""
        if report.committed:
            self._store.outbox.confirmed(report.peer, [instance for _, instance in report.committed])
        if report.failed:
            self._store.outbox.not_kept(
                report.peer,
                [instance for _, instance, _ in report.failed],
                f"accepted, and then not kept (storage commitment failed, reason 0x{report.failed[0][2]:04X})",
                most_tries=MOST_TRIES,
            )

    def _tidy(self) -> None:
        """Decide on studies that have settled. A worker does so, too, but only every few seconds."""
        while not self._stop.wait(POLL_S):
            try:
                self._store.tidy()
            except WorklistError as error:
                _log.warning("pacs.settle_waits why=%s", error)
            except Exception:  # the thread must not end: this would be noticed too late
                _log.exception("pacs.settle_failed")


@dataclass
class Courier:
    """Sender of results to one peer, in one thread."""

    delivery: Delivery
    peer: Peer
    failures: int = 0
    pause_until: float = 0.0

    def run(self) -> None:
        stop = self.delivery._stop
        while not stop.is_set():
            try:
                if time.monotonic() >= self.pause_until and self.step():
                    continue
            except WorklistError as error:
                _log.warning("pacs.outbox_waits peer=%s why=%s", self.peer.name, error)
            except Exception:  # the thread must not end: nothing more would be sent
                _log.exception("pacs.outbox_failed peer=%s", self.peer.name)
            stop.wait(POLL_S)

    def step(self) -> bool:
        """Process the next result as far as possible now. Return False if none is due."""
        store = self.delivery._store
        parcel = store.outbox.take(self.peer.name, lease_s=self.delivery.lease_s)
        if parcel is None:
            return False
        try:
            if parcel.awaiting:
                self._confirm(parcel, parcel.awaiting)
            else:
                self._send(parcel)
            self.failures = 0
        except NotReachedError as error:
            self._pause()
            store.outbox.unreached(parcel, str(error), again_s=max(0.0, self.pause_until - time.monotonic()))
            _log.warning("pacs.unreached peer=%s pause_s=%.0f why=%s", self.peer.name, self._pause_s(), error)
        except NotMadeError as error:
            store.outbox.failed(parcel, str(error), most_tries=MOST_TRIES, dead=True)
            _log.error("pacs.not_made study=%s why=%s", parcel.study, error)
        except WorklistError:
            raise
        except Exception as error:  # an error of the node costs this result one try and delays no other
            _log.exception("pacs.result_failed study=%s peer=%s", parcel.study, self.peer.name)
            store.outbox.failed(parcel, f"the node failed ({type(error).__name__}); see its log", most_tries=MOST_TRIES)
        return True

    def _pause_s(self) -> float:
        return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** max(0, self.failures - 1))

    def _pause(self) -> None:
        self.failures += 1
        self.pause_until = time.monotonic() + self._pause_s() * random.uniform(0.5, 1.5)

    def _send(self, parcel: Parcel) -> None:
        config, store = self.delivery._config, self.delivery._store
        objects = objects_of(parcel, config, self.peer, site=store.names.fingerprint, models=_models(store))
        outcomes = send(config, self.peer, objects)
        refused = [one for one in outcomes if isinstance(one, RefusedInstance)]
        unknown = [one for one in outcomes if isinstance(one, NotReached)]
        if refused:
            why = refused[0].sentence
            store.outbox.failed(parcel, why, most_tries=MOST_TRIES)
            _log.warning("pacs.result_refused study=%s peer=%s why=%s", parcel.study, self.peer.name, why)
            return
        if unknown:
            raise NotReachedError(unknown[0].sentence)
        assert all(isinstance(one, Accepted) for one in outcomes)
        instances = [
            SentInstance(
                sop_class=str(one.SOPClassUID), instance=str(one.SOPInstanceUID), series=str(one.SeriesInstanceUID)
            )
            for one in objects
        ]
        if store.outbox.sent(parcel, instances, confirm_s=self._asked_s(0)):
            _log.info("pacs.result_sent study=%s peer=%s objects=%d", parcel.study, self.peer.name, len(instances))
            self._ask(parcel, instances, study=str(objects[0].StudyInstanceUID))

    def _asked_s(self, asked: int) -> float:
        first_s = self.delivery.asked_s if self.peer.confirms_by == "commitment" else _FIRST_LOOKED_S
        return min(LONGEST_WAIT_S, first_s * 2.0**asked)

    def _confirm(self, parcel: Parcel, instances: Sequence[SentInstance]) -> None:
        """Request the confirmation of an accepted result again."""
        store = self.delivery._store
        if parcel.tries > MOST_ASKED:
            store.outbox.failed(
                parcel,
                f'"{self.peer.name}" accepted it and never confirmed that it keeps it. Check it, then send again',
                most_tries=MOST_TRIES,
                dead=True,
            )
            return
        study = str(
            dcmread(
                parcel.films[0].path, stop_before_pixels=True, force=True, specific_tags=["StudyInstanceUID"]
            ).StudyInstanceUID
        )
        store.outbox.sent(parcel, instances, confirm_s=self._asked_s(parcel.tries))
        self._ask(parcel, instances, study=study)

    def _ask(self, parcel: Parcel, instances: Sequence[SentInstance], *, study: str) -> None:
        """Request the confirmation once. If the peer cannot be reached, it is asked when the result is due again."""
        config, store, by = self.delivery._config, self.delivery._store, self.peer.confirms_by
        try:
            if by == "commitment":
                self.delivery.ask(self.peer, [(one.sop_class, one.instance) for one in instances])
            elif all(
                peer_search.is_there(config, self.peer, study=study, series=one.series, instance=one.instance, by=by)
                for one in instances
            ):
                store.outbox.confirmed(self.peer.name, [one.instance for one in instances])
        except NotReachedError as error:
            _log.warning("pacs.not_confirmed_yet study=%s peer=%s why=%s", parcel.study, self.peer.name, error)


def _models(store: Store) -> dict[str, str]:
    """Return the names of the models that were proposed here, by the SHA-256 of their weights."""
    return {one.model: one.model_name for one in reversed(store.activations.listed())}


def objects_of(parcel: Parcel, config: PacsConfig, peer: Peer, *, site: str, models: dict[str, str]) -> list[Dataset]:
    """Make the DICOM objects of a result for a peer, with file meta information.

    Args:
        parcel: the result and its films.
        config: configuration of the node.
        peer: the destination; its `send` selects the kinds of objects.
        site: fingerprint of the site's key.
        models: names of models by the SHA-256 of their weights.

    Returns:
        The objects.

    Raises:
        NotMadeError: a film's bytes are missing or damaged, or its header lacks an element that a reference needs.
    """
    pixels = "capture" in peer.send
    try:
        result = StudyResult(
            site=site,
            # a worklist restored from a backup may reuse a number; the time differs
            decision=f"{parcel.decision_number} {parcel.made.astimezone(UTC).isoformat()}",
            films=[_film(film, pixels=pixels) for film in parcel.films],
            action=parcel.decision.action,
            probability=parcel.decision.probability,
            priority=parcel.decision.priority,
            reason=parcel.decision.reason,
            policy_digest=parcel.decision.policy_digest,
            model_sha256=parcel.model,
            model_name=models.get(parcel.model, f"model {parcel.model[:8]}"),
            version=__version__,
            made=parcel.made.astimezone(),
            station=config.ae_title,
            replaces=[
                Replaced(sop_class=one.sop_class, instance=one.instance, series=one.series) for one in parcel.replaces
            ],
        )
        return result_objects(result, peer.send)
    except (OSError, ValueError, UserError) as error:
        raise NotMadeError(f"The objects of the result cannot be made: {error}") from error


def _film(film: ParcelFilm, *, pixels: bool) -> FilmResult:
    header = dcmread(film.path, stop_before_pixels=True, force=True)  # a worker has read it: it is DICOM
    return FilmResult(
        header=header,
        pixels=_pixels(film) if pixels and film.map_path is not None else None,
        score=film.score,
        anomaly_map=_map(film),
        box=film.box,
    )


def _map(film: ParcelFilm) -> NDArray[np.floating] | None:
    if film.map_path is None or film.inner is None:
        return None
    whole = np.load(film.map_path, allow_pickle=False)
    top, left, height, width = film.inner
    part: NDArray[np.floating] = whole[top : top + height, left : left + width]
    return part


def _pixels(film: ParcelFilm) -> NDArray[np.float32]:
    """Return the film's grey values."""
    found = read_film(Entry(name=film.film, path=film.path, source="", patient=film.film, study=film.film))
    if not isinstance(found, Film):
        raise NotMadeError(found.reason)
    return found.pixels
