"""Storage commitment (PS3.4, annex J), both ways.

A peer asks whether we keep its objects: the request is on the disk before it is acknowledged, and answered from
`WorklistFilms.holds`, on the same association where that stays open, else on a new one; again and again for a day, over
restarts, until the peer has taken the answer.

We ask a peer whether it keeps our results (`ask`); its report comes on the same association, or on one that it opens to
our listener, and goes to `on_report` either way.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from weakref import WeakSet

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import generate_uid
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import N_EVENT_REPORT
from pynetdicom.pdu import A_RELEASE_RQ
from pynetdicom.presentation import build_context, build_role

from unseen.artifacts import write_text
from unseen_server.pacs import calling
from unseen_server.pacs.calling import NotReachedError
from unseen_server.pacs.config import PacsConfig, PacsConfigError, Peer
from unseen_server.pacs.offered_classes import COMMITMENT, COMMITMENT_INSTANCE, UNCOMPRESSED
from unseen_server.pacs.reactor_pause import make_pausable, paused
from unseen_server.worklist.states import WorklistError

_log = logging.getLogger("unseen")

FOLDER: Final = "commitments"
"""Below the worklist's folder: requests that wait for their answer, one file each."""
NO_SUCH_INSTANCE: Final = 0x0112
_PROCESSING_FAILURE: Final = 0x0110
_INVALID: Final = 0x0115
_NO_SUCH_ACTION: Final = 0x0123
_NO_SUCH_EVENT: Final = 0x0113
_RESOURCES: Final = 0x0213
_DAY_S: Final = 86400.0
_BACK_OFF_S: Final = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 600.0)
_QUIET_S: Final = 0.2
_SAME_S: Final = 5.0
_MOST: Final = 10_000

Instance = tuple[str, str]
"""SOP class and SOP instance UID."""


@dataclass(frozen=True, kw_only=True)
class CommitmentReport:
    """Report of a peer on our objects: its name in pacs.toml; failed instances with the standard's reason."""

    peer: str
    transaction: str
    committed: tuple[Instance, ...]
    failed: tuple[tuple[str, str, int], ...]


OnReport = Callable[[CommitmentReport], None]


@dataclass(frozen=True, kw_only=True)
class _Request:
    peer: str
    transaction: str
    instances: tuple[Instance, ...]
    received_s: float
    association: Association | None = field(default=None, compare=False)

    @property
    def file(self) -> str:
        return hashlib.sha256(f"{self.peer}\n{self.transaction}".encode()).hexdigest()[:32] + ".json"


class Commitments:
    """Answers what peers ask, in a thread of its own from `start` to `stop`; hands on what they report."""

    def __init__(
        self,
        config: PacsConfig,
        home: Path,
        *,
        holds: Callable[[str], bool],
        on_report: OnReport,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config, self._folder = config, home / FOLDER
        self._holds, self._on_report, self._clock = holds, on_report, clock
        self._changed = threading.Condition()
        self._waiting: dict[str, _Request] = {}
        self._asked: dict[str, threading.Event] = {}  # by transaction: set when its report has come, whichever way
        self._again: dict[str, tuple[int, float]] = {}  # peer → failures in a row, not before
        self._leaving: WeakSet[Association] = WeakSet()  # their peers have asked for a release
        self._reporting: Association | None = None  # on which an answer to a report is waited for
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to answer, with what an earlier run has left."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in sorted(self._folder.glob("*.json")):
            if (request := _read(path)) is not None:
                self._waiting[request.file] = request
        self._thread = threading.Thread(target=self._run, name="pacs-commitment", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; what is not answered yet waits on the disk."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(2.0)

    # as SCP -----------------------------------------------------------------------------------------------------------

    def asked(self, event: evt.Event, peer: Peer) -> tuple[int, None]:
        """Take a peer's N-ACTION, which is answered later; the status is whether it will be."""
        if event.action_type != 1:
            return _NO_SUCH_ACTION, None
        try:
            information = event.action_information
            request = _Request(
                peer=peer.name,
                transaction=str(information.TransactionUID),
                instances=tuple(_references(information.ReferencedSOPSequence)),
                received_s=self._clock(),
                association=event.assoc,
            )
        except Exception as error:  # pydicom raises many kinds for damaged data
            _log.warning("pacs.commitment_not_understood peer=%s why=%s", peer.name, type(error).__name__)
            return _INVALID, None
        if not request.transaction or not 0 < len(request.instances) <= _MOST:
            why = f"{len(request.instances)} instances" if request.transaction else "no transaction UID"
            _log.warning("pacs.commitment_not_understood peer=%s why=%s", peer.name, why)
            return _INVALID, None
        try:
            _write(self._folder / request.file, request)
        except OSError as error:
            _log.warning("pacs.commitment_not_kept peer=%s why=%s", peer.name, error.strerror)
            return _RESOURCES, None
        with self._changed:
            self._waiting[request.file] = request
            self._again.pop(peer.name, None)  # whoever asks can be reached
            self._changed.notify_all()
        return 0x0000, None

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._stopping:
                    return
                request, wait_s = self._next()
                if request is None:
                    self._changed.wait(wait_s)
                    continue
            try:
                done = self._answered(request)
            except Exception:  # a bug of ours; the request is tried again, as after a restart
                _log.exception("pacs.commitment_failed peer=%s", request.peer)
                done = False
            with self._changed:
                self._settle(request, done=done)

    def _next(self) -> tuple[_Request | None, float | None]:
        """Return a request whose peer may be called now; else how long until one may be."""
        now = self._clock()
        soonest: float | None = None
        for request in self._waiting.values():
            due = self._again.get(request.peer, (0, now))[1]
            if due <= now or due > now + _BACK_OFF_S[-1]:  # no wait is longer: the clock was set back
                return request, None
            soonest = due if soonest is None else min(soonest, due)
        return None, None if soonest is None else max(0.05, soonest - now)

    def _settle(self, request: _Request, *, done: bool) -> None:
        if self._waiting.get(request.file) is not request:
            return  # it was asked again meanwhile
        if not done and self._clock() - request.received_s < _DAY_S:
            failures = self._again.get(request.peer, (0, 0.0))[0]
            wait_s = _BACK_OFF_S[min(failures, len(_BACK_OFF_S) - 1)]
            self._again[request.peer] = (failures + 1, self._clock() + wait_s)
            self._waiting[request.file] = replace(request, association=None)
            return
        if not done:
            _log.warning("pacs.commitment_given_up peer=%s: it did not take the answer for a day", request.peer)
        self._again.pop(request.peer, None)
        del self._waiting[request.file]
        (self._folder / request.file).unlink(missing_ok=True)

    def _answered(self, request: _Request) -> bool:
        """Return True if the peer has accepted the answer, or never can."""
        try:
            peer = self._config.peer(request.peer)
        except PacsConfigError:
            _log.warning("pacs.commitment_dropped peer=%s: it is no peer any more", request.peer)
            return True
        try:
            report = self._report(request)
        except WorklistError as error:
            _log.warning("pacs.commitment_waits peer=%s why=%s", request.peer, error)
            return False
        failed = len(report.get("FailedSOPSequence", ()))
        same = request.association
        if same is not None and _is_quiet(same) and self._deliver(same, report):
            _log.info("pacs.commitment_answered peer=%s same=yes failed=%d", request.peer, failed)
            return True
        if not peer.called:
            _log.warning("pacs.commitment_dropped peer=%s: it left, and has no host and port", request.peer)
            return True
        contexts = [build_context(COMMITMENT, list(UNCOMPRESSED))]
        roles = [build_role(COMMITMENT, scp_role=True)]
        handlers = [
            (evt.EVT_CONN_OPEN, lambda event: make_pausable(event.assoc)),
            (evt.EVT_PDU_RECV, self.received),
        ]
        try:
            with calling.association(self._config, peer, contexts, roles=roles, handlers=handlers) as association:
                delivered = self._deliver(association, report)
        except NotReachedError as error:
            _log.warning("pacs.commitment_waits peer=%s why=%s", request.peer, error)
            return False
        if delivered:
            _log.info("pacs.commitment_answered peer=%s same=no failed=%d", request.peer, failed)
        return delivered

    def _report(self, request: _Request) -> Dataset:
        kept = [instance for instance in request.instances if self._holds(instance[1])]
        there = set(kept)
        missing = [instance for instance in request.instances if instance not in there]
        report = Dataset()
        report.TransactionUID = request.transaction
        if kept:
            report.ReferencedSOPSequence = _sequence(kept)
        if missing:
            report.FailedSOPSequence = _sequence(missing)
            for item in report.FailedSOPSequence:
                item.FailureReason = NO_SUCH_INSTANCE
        return report

    def _deliver(self, association: Association, report: Dataset) -> bool:
        """Send a report on an association; return whether the peer has taken it."""
        event_type = 2 if "FailedSOPSequence" in report else 1
        if not paused(association, within_s=_SAME_S):
            return False
        try:
            with self._changed:
                if association in self._leaving or not association.dimse.msg_queue.empty():
                    return False
                self._reporting = association
            status, _ = association.send_n_event_report(report, event_type, COMMITMENT, COMMITMENT_INSTANCE)
        except (RuntimeError, ValueError):  # it ended, or the peer takes no commitment on it
            return False
        finally:
            with self._changed:
                self._reporting = None
            association._reactor_checkpoint.set()
        return "Status" in status and status.Status == 0x0000

    def received(self, event: evt.Event) -> None:
        """End the wait for an answer to a report where the peer asks for a release: it sends no more answers (PS3.8,
        7.2.2), and waits for ours."""
        if not isinstance(event.pdu, A_RELEASE_RQ):
            return
        with self._changed:
            self._leaving.add(event.assoc)
            if event.assoc is self._reporting:
                event.assoc.dimse.msg_queue.put((0, _not_answered()))

    # as SCU -----------------------------------------------------------------------------------------------------------

    def reported(self, event: evt.Event, peer: Peer) -> tuple[int, None]:
        """Take a peer's N-EVENT-REPORT; it is acknowledged after `on_report` returned."""
        if event.event_type not in (1, 2):
            return _NO_SUCH_EVENT, None
        try:
            information = event.event_information
            failed = information.get("FailedSOPSequence") or ()
            report = CommitmentReport(
                peer=peer.name,
                transaction=str(information.TransactionUID),
                committed=tuple(_references(information.get("ReferencedSOPSequence") or ())),
                failed=tuple((*_reference(item), int(item.get("FailureReason", 0))) for item in failed),
            )
        except Exception as error:  # pydicom raises many kinds for damaged data
            _log.warning("pacs.report_not_understood peer=%s why=%s", peer.name, type(error).__name__)
            return _INVALID, None
        try:
            self._on_report(report)
        except WorklistError as error:  # the peer is asked to report again
            _log.warning("pacs.report_not_kept peer=%s why=%s", peer.name, error)
            return _PROCESSING_FAILURE, None
        if (waiting := self._asked.get(report.transaction)) is not None:
            waiting.set()
        return 0x0000, None

    def ask(self, peer: Peer, instances: Sequence[Instance], *, wait_s: float = 2.0) -> str:
        """Ask a peer to commit to instances that were stored there; returns the transaction's UID.

        Args:
            wait_s: how long the association stays open for the report, unless it comes to the listener meanwhile; a
                later one comes there.

        Raises NotReachedError where the peer cannot be reached, does not offer storage commitment, or refuses.
        """
        request = Dataset()
        request.TransactionUID = generate_uid()
        request.ReferencedSOPSequence = _sequence(instances)
        transaction = str(request.TransactionUID)
        reported = self._asked[transaction] = threading.Event()
        try:
            with calling.association(
                self._config,
                peer,
                [build_context(COMMITMENT, list(UNCOMPRESSED))],
                handlers=[(evt.EVT_N_EVENT_REPORT, lambda event: self.reported(event, peer))],
            ) as association:
                status, _ = association.send_n_action(request, 1, COMMITMENT, COMMITMENT_INSTANCE)
                if "Status" not in status:
                    raise calling.no_answer(peer, "the request for storage commitment")
                if status.Status != 0x0000:
                    raise NotReachedError(
                        f'"{peer.name}" refused to commit (status 0x{status.Status:04X}). '
                        'Set confirm = "find" or "qido" for it in pacs.toml'
                    )
                until = time.monotonic() + wait_s
                while not reported.is_set() and association.is_established and time.monotonic() < until:
                    reported.wait(0.02)
        finally:
            del self._asked[transaction]
        return transaction


def _is_quiet(association: Association) -> bool:
    """Return True if the peer is idle, so that N-EVENT-REPORT can use this association."""
    until = time.monotonic() + _SAME_S
    while association.is_established and time.monotonic() < until:
        timer = association.dul._idle_timer
        if timer.timeout is not None and timer.timeout - timer.remaining >= _QUIET_S:
            return association.dimse.msg_queue.empty()
        time.sleep(0.02)
    return False


def _not_answered() -> N_EVENT_REPORT:
    """Return the failure that stands for an answer that does not come; without one, pynetdicom aborts."""
    answer = N_EVENT_REPORT()
    answer.MessageIDBeingRespondedTo = 1
    answer.Status = _PROCESSING_FAILURE
    return answer


def _references(sequence: Sequence[Dataset]) -> list[Instance]:
    return [_reference(item) for item in sequence]


def _reference(item: Dataset) -> Instance:
    return str(item.ReferencedSOPClassUID), str(item.ReferencedSOPInstanceUID)


def _sequence(instances: Sequence[Instance]) -> DicomSequence:
    items = []
    for sop_class, instance in instances:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, instance
        items.append(item)
    return DicomSequence(items)


def _write(path: Path, request: _Request) -> None:
    kept = {
        "peer": request.peer,
        "transaction": request.transaction,
        "instances": request.instances,
        "received_s": request.received_s,
    }
    write_text(path, json.dumps(kept))


def _read(path: Path) -> _Request | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return _Request(
            peer=str(kept["peer"]),
            transaction=str(kept["transaction"]),
            instances=tuple((str(sop_class), str(uid)) for sop_class, uid in kept["instances"]),
            received_s=float(kept["received_s"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.warning("pacs.commitment_unreadable file=%s why=%s", path.name, type(error).__name__)
        return None
