"""The audit trail reaches a syslog server as DICOM audit messages, each row, without patient data."""

from __future__ import annotations

import base64
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.pacs.conftest import free_port, soon
from tests.pacs.reports_in import study
from unseen_server.pacs.audit_messages import audit_message, code_of
from unseen_server.pacs.audit_sender import CURSOR, AuditSender, sent_up_to
from unseen_server.pacs.non_dicom_settings import SyslogSettings
from unseen_server.worklist.store import Store

HEAD = re.compile(rb"<85>1 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ unseen \d+ DICOM\+RFC3881 - \xef\xbb\xbf")


@dataclass
class Syslog:
    """A syslog server: the messages that it got."""

    port: int
    got: list[bytes] = field(default_factory=list)

    def rows(self) -> list[int]:
        """Return the numbers of the trail's rows."""
        return [int(details(one)["seq"]) for one in self.got]


def details(message: bytes) -> dict[str, str]:
    root = ElementTree.fromstring(message[message.index(b"\xef\xbb\xbf") + 3 :])
    found = root.iter("ParticipantObjectDetail")
    return {one.attrib["type"]: base64.b64decode(one.attrib["value"]).decode() for one in found}


@contextmanager
def listening(transport: str, *, port: int = 0, secure: ssl.SSLContext | None = None) -> Iterator[Syslog]:
    """Yield a server for one transport, until the block ends."""
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        made = Syslog(server.getsockname()[1])
        server.settimeout(0.1)
        ended = threading.Event()

        def datagrams() -> None:
            while not ended.is_set():
                try:
                    made.got.append(server.recv(65536))
                except TimeoutError:
                    continue

        def frames() -> None:
            server.listen()
            while not ended.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection if secure is None else secure.wrap_socket(connection, server_side=True) as peer:
                    peer.settimeout(0.1)
                    read_frames(peer)

        def read_frames(peer: socket.socket) -> None:
            kept = b""
            while not ended.is_set():
                try:
                    piece = peer.recv(65536)
                except TimeoutError:
                    continue
                if not piece:
                    return
                kept += piece
                while (found := re.match(rb"(\d+) ", kept)) and len(kept) >= found.end() + int(found[1]):
                    made.got.append(kept[found.end() : found.end() + int(found[1])])
                    kept = kept[found.end() + int(found[1]) :]

        thread = threading.Thread(target=datagrams if transport == "udp" else frames)
        thread.start()
        try:
            yield made
        finally:
            ended.set()
            thread.join()


def sender(store: Store, port: int, transport: str = "udp", **more: Any) -> AuditSender:
    settings = {"host": "127.0.0.1", "port": port, "transport": transport, "every_s": 0.05, "source": "north"}
    return AuditSender(SyslogSettings.model_validate(settings), store, **more)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_each_row_is_sent_once_and_the_next_process_goes_on_where_it_stopped(store: Store, transport: str) -> None:
    study(store, 1)
    with listening(transport) as server:
        first = sender(store, server.port, transport)
        first.start()
        soon(lambda: len(server.got) >= store.audit.head().seq, "the rows")
        soon(lambda: sent_up_to(store.home / CURSOR) == store.audit.head().seq, "the cursor")
        first.stop()
        study(store, 2, accession="A2", uid="1.3")
        second = sender(store, server.port, transport)
        second.start()
        soon(lambda: len(server.got) >= store.audit.head().seq, "the new rows")
        second.stop()
    assert server.rows() == list(range(1, store.audit.head().seq + 1))
    assert all(HEAD.match(one) for one in server.got)


def test_rows_wait_for_a_server_that_cannot_be_reached(store: Store) -> None:
    study(store)
    port = free_port()
    made = sender(store, port, "tcp")
    made.start()
    soon(lambda: made._unreached, "a try")
    with listening("tcp", port=port) as server:
        soon(lambda: len(server.got) >= store.audit.head().seq, "the rows")
    made.stop()
    assert sorted(set(server.rows())) == list(range(1, store.audit.head().seq + 1))


def test_a_server_that_went_away_gets_the_rows_again_when_it_is_back(store: Store) -> None:
    study(store, 1)
    with listening("tcp") as server:
        made = sender(store, server.port, "tcp")
        made.start()
        soon(lambda: sent_up_to(store.home / CURSOR) == store.audit.head().seq, "the cursor")
        before = store.audit.head().seq
    study(store, 2, accession="A2", uid="1.3")
    with listening("tcp", port=server.port) as again:
        soon(lambda: again.got and again.rows()[-1] == store.audit.head().seq, "the rows")
    made.stop()
    assert again.rows()[0] == before + 1


def test_messages_are_audit_messages_of_dicom_without_patient_data(store: Store) -> None:
    name = study(store)
    store.studies.merge_patients(prior="P1", surviving="P2", actor="HIS/N")
    store.removal.erase(study=name, actor="lea")
    events = store.audit.after(0, most=100)
    assert {"film.received", "patient.merged", "study.erased"} <= {event.action for event in events}
    for event in events:
        message = audit_message(event, source="north")
        root = ElementTree.fromstring(message)
        assert [child.tag for child in root] == [
            "EventIdentification", "ActiveParticipant", "AuditSourceIdentification", "ParticipantObjectIdentification"
        ]  # fmt: skip
        identifier = root.find("EventIdentification/EventID")
        assert identifier is not None and identifier.attrib["csd-code"] == code_of(event.action)[0][0]
        kind = root.find("EventIdentification/EventTypeCode")
        assert kind is not None and kind.attrib["csd-code"] == event.action
        participant = root.find("ActiveParticipant")
        assert participant is not None and participant.attrib["UserID"] == event.actor
        assert not re.search(rb"\bP[12]\b|\bA1\b", message)


@pytest.mark.parametrize("written", ["", "no number", "-3"])
def test_a_cursor_that_says_nothing_begins_anew(tmp_path: Path, written: str) -> None:
    (tmp_path / CURSOR).write_text(written)
    assert sent_up_to(tmp_path / CURSOR) == sent_up_to(tmp_path / "none") == 0
