"""Listener for HL7 version 2 over MLLP: it receives reports (ORU^R01) and merges of patients (ADT^A40).

The listener acknowledges a message with AA when its content is durable in the worklist. It also sends AA for messages
that are not used here: other types, and messages for training or debugging (MSH-11). An AR for such a message would
stop the queue of its sender. AE means that the content is wrong, and that the same message fails again. AR means that
the message cannot be taken now. The sentence in MSA-3 states the reason and the remedy.

HL7 v2.5.1, section 2.9.2 (acknowledgement codes), table 0103 (processing ID).
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from unseen.artifacts import UserError
from unseen_server.pacs.accept_log import AcceptLog
from unseen_server.pacs.hl7_acknowledgement import acknowledgement
from unseen_server.pacs.hl7_incoming import merges_of, not_used, reports_of, system_of
from unseen_server.pacs.hl7_parsing import Hl7Error, parsed
from unseen_server.pacs.listening_errors import cannot_listen
from unseen_server.pacs.mllp import END, START, MllpFrames
from unseen_server.service.ip_networks import is_in, networks_of
from unseen_server.service.waiting_clients import address_group
from unseen_server.worklist.states import STORE_FAULTS, WorklistError

if TYPE_CHECKING:
    from unseen_server.pacs.non_dicom_settings import Hl7Settings
    from unseen_server.pacs.report_intake import ReportIntake

_log = logging.getLogger("unseen")

APPLICATION: Final = "UNSEEN"
_PIECE = 65536
_WAKE_S = 0.5
_HANDSHAKE_S = 10.0
_LOCAL = ("127.0.0.0/8", "::1/128")


class Hl7ListenerError(UserError, OSError):
    """Error: the listener cannot start."""


class Hl7Listener:
    """Listener that runs from `start` to `stop`; `port` is its port."""

    def __init__(self, settings: Hl7Settings, intake: ReportIntake, *, secure: ssl.SSLContext | None = None) -> None:
        self._settings, self._intake, self._secure = settings, intake, secure
        self._allowed = networks_of(settings.addresses or _LOCAL)
        self._open: Counter[str] = Counter()  # connections, by address group
        self._stopping = threading.Event()
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()
        self._answers: Counter[str] = Counter()
        self._server: socket.socket | None = None

    @property
    def port(self) -> int:
        """Port on which it listens."""
        assert self._server is not None, "not started"
        return int(self._server.getsockname()[1])

    def answers(self) -> dict[str, int]:
        """Return the number of messages that were answered with AA, AE and AR."""
        with self._lock:
            return dict(self._answers)

    def start(self) -> None:
        """Start to listen. Raises Hl7ListenerError if the port is taken or no file descriptor is free."""
        host, port = self._settings.host, self._settings.port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._server = socket.create_server((host, port), family=family, backlog=64)
        except OSError as error:
            raise Hl7ListenerError(f"{cannot_listen(error, host, port, protocol='HL7', table='hl7')}.") from error
        self._server.settimeout(_WAKE_S)
        self._run(self._accept, name=f"hl7-{self.port}")

    def stop(self) -> None:
        """Stop. A message that is being processed is finished and answered first."""
        self._stopping.set()
        if self._server is not None:
            self._server.close()
        while threads := self._running():  # the accepting thread may start one more
            for thread in threads:
                thread.join()

    def _running(self) -> list[threading.Thread]:
        with self._lock:
            return list(self._threads)

    def _run(self, target: object, *arguments: object, name: str) -> None:
        def work() -> None:
            try:
                target(*arguments)  # type: ignore[operator]  # `_accept` or `_talk`
            finally:
                with self._lock:
                    self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=work, name=name, daemon=True)
        with self._lock:  # a thread in the set has started, so it can be joined
            thread.start()
            self._threads.add(thread)

    def _accept(self) -> None:
        assert self._server is not None
        log = AcceptLog("hl7")
        while not self._stopping.is_set():
            try:
                connection, (address, *_) = self._server.accept()
            except TimeoutError:
                continue
            except OSError as error:
                if self._stopping.is_set():
                    return  # closed
                log.failed(error)  # no descriptor is free, or the client has left
                self._stopping.wait(_WAKE_S)
                continue
            log.succeeded()
            if not is_in(address, self._allowed):
                _log.warning("hl7.rejected address=%s why=not among addresses of [hl7]", address)
                connection.close()
            elif why := self._take_place(address):
                _log.warning("hl7.rejected address=%s why=%s", address, why)
                connection.close()
            else:
                try:
                    self._run(self._talk, connection, str(address), name=f"hl7-{address}")
                except RuntimeError as error:  # the process has no thread left
                    _log.warning("hl7.rejected address=%s why=%s", address, error)
                    self._left(address)
                    connection.close()

    def _take_place(self, address: str) -> str:
        """Take a place for a connection. Return the reason if there is none, else ""."""
        most, most_each, group = self._settings.connections, self._settings.connections_each, address_group(address)
        with self._lock:
            if self._open[group] >= most_each:
                return f"it has {most_each} connections, connections_each of [hl7]"
            if self._open.total() >= most:
                return f"{most} connections are open, connections of [hl7]"
            self._open[group] += 1
        return ""

    def _left(self, address: str) -> None:
        """Free the place of a connection."""
        group = address_group(address)
        with self._lock:
            self._open[group] -= 1
            if not self._open[group]:
                del self._open[group]

    def _talk(self, connection: socket.socket, address: str) -> None:
        """Serve one connection: read a message, answer it, read the next message."""
        try:
            with contextlib.ExitStack() as stack:
                stack.callback(self._left, address)
                stack.enter_context(connection)
                if self._secure is not None:
                    connection.settimeout(_HANDSHAKE_S)
                    connection = stack.enter_context(self._secure.wrap_socket(connection, server_side=True))
                connection.settimeout(_WAKE_S)
                self._messages(connection, address)
        except (OSError, ssl.SSLError) as error:
            _log.warning("hl7.ended address=%s why=%s", address, type(error).__name__)

    def _messages(self, connection: socket.socket, address: str) -> None:
        limits = self._settings
        frames = MllpFrames()
        since = time.monotonic()
        while True:
            if (content := frames.next()) is not None:
                self._answer(connection, content)
                since = time.monotonic()
                if self._stopping.is_set():
                    return
                continue
            if len(frames) > limits.message_bytes:
                sentence = f"The message has more than {limits.message_bytes} bytes, the limit of [hl7]."
                self._send(connection, frames.begun, "AE", sentence)
                return
            if time.monotonic() - since > (limits.message_s if frames else limits.idle_s):
                _log.info("hl7.closed address=%s why=%s", address, "a message that did not end" if frames else "idle")
                return
            if self._stopping.is_set():
                return
            try:
                piece = connection.recv(_PIECE)
            except TimeoutError:
                if (content := frames.rest()) is not None:
                    self._answer(connection, content)
                    since = time.monotonic()
                continue
            if not piece:
                if (content := frames.rest()) is not None:
                    self._answer(connection, content)
                return
            if not frames:
                since = time.monotonic()
            frames.feed(piece)

    def _answer(self, connection: socket.socket, content: bytes) -> None:
        try:
            code, sentence = "AA", self._take(content)
        except Hl7Error as error:
            code, sentence = ("AR" if error.reject else "AE"), str(error)
        except STORE_FAULTS as error:
            _log.warning("hl7.not_taken %s", error)
            code, sentence = "AR", f"{self._intake.sentence(error)} Send it again later."
        except WorklistError as error:
            code, sentence = "AE", self._intake.sentence(error)
        except Exception:  # an error of the node must not look like success or end the connection
            _log.exception("hl7.failed")
            code, sentence = "AR", "The node failed; see its log. Send the message again later."
        self._send(connection, content, code, sentence)

    def _send(self, connection: socket.socket, content: bytes, code: str, sentence: str) -> None:
        with self._lock:
            self._answers[code] += 1
        if code != "AA":
            _log.warning("hl7.refused code=%s why=%s", code, sentence)
        answer = acknowledgement(content, code=code, sentence=sentence, application=APPLICATION, now=datetime.now(UTC))
        connection.settimeout(self._settings.message_s)
        connection.sendall(START + answer + END)
        connection.settimeout(_WAKE_S)

    def _take(self, content: bytes) -> str:
        """Do what the message asks for; return a sentence about the result."""
        message = parsed(content, charset=self._settings.charset)
        if reason := not_used(message):
            _log.info("hl7.not_used type=%s", "^".join(filter(None, message.kind)))
            return reason
        if message.kind[0] == "ORU":
            led_to = [self._intake.take(report) for report in reports_of(message, self._settings)]
            return f"Taken: {', '.join(led_to)}."
        system = system_of(message, self._settings)
        merges = merges_of(message, self._settings)
        if not merges:
            return "Unchanged: the patient was merged with itself."
        new = [
            self._intake.merge(prior=one.prior, surviving=one.surviving, issuer=one.issuer, system=system)
            for one in merges
        ]
        return "Patients merged." if any(new) else "These patients were merged before."
