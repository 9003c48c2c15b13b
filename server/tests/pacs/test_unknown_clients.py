"""DICOM connections before identification: unknown addresses, slow senders, garbage, dead sockets."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.local_clients import connect, no_free_descriptor
from tests.pacs.conftest import (
    PLAIN,
    VERIFICATION,
    StartNode,
    associated,
    dcmtk,
    peer,
    request_for_verification,
    soon,
    threads_of,
)
from tests.pacs.test_node import REJECTED_CALLED, REJECTED_CALLING, REJECTED_FULL, rejection
from tests.pacs.test_node_tls import certificates, tls  # noqa: F401  a fixture
from unseen_server.pacs import request_reading
from unseen_server.pacs.association_admission import AssociationAdmission
from unseen_server.pacs.config import Peer

UNKNOWN = "127.0.0.2"
"""All of 127.0.0.0/8 is this machine; the configured peer connects from 127.0.0.1."""
ECHO = [(VERIFICATION, PLAIN)]
AT_ONCE_S = 10.0
"""Upper bound for what happens at once; pynetdicom's own timeouts are 30 s."""
ABORT = b"\x07\x00\x00\x00\x00\x04\x00\x00\x02"


@contextmanager
def connected(port: int | None, *, source: str = "127.0.0.1") -> Iterator[socket.socket]:
    with connect(port or 0, source=source, timeout_s=AT_ONCE_S) as opened:
        yield opened


def answer(opened: socket.socket) -> bytes:
    """Return all bytes up to the end of the connection. Raises TimeoutError if it stays open."""
    found = b""
    with suppress(ConnectionResetError):
        while piece := opened.recv(4096):
            found += piece
    return found


def echo(port: int | None) -> int:
    """Return the status of a C-ECHO of the known peer."""
    with associated(port or 0, ECHO) as association:
        assert association.is_established, "the known peer was rejected"
        return int(association.send_c_echo().Status)


@pytest.mark.parametrize("secure", [False, True])
def test_a_connection_from_an_unknown_address_is_closed_at_accept(
    start_node: StartNode,
    certificates: Path,  # noqa: F811
    secure: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node = start_node(tls=tls(certificates))
    monkeypatch.setattr(request_reading, "IDENTIFY_S", 600.0)
    before = set(threading.enumerate())
    with connected(node.node.listener.tls_port if secure else node.port, source=UNKNOWN) as opened:
        assert answer(opened) == b""
    assert set(threading.enumerate()) <= before, "a thread was started for an unknown address"


@pytest.mark.parametrize("places", [["127.0.0.2"], ["127.0.0.0/30"], ["192.0.2.1", "127.0.0.2/31"]])
def test_an_address_of_any_peer_is_known(start_node: StartNode, places: list[str]) -> None:
    node = start_node(peers=[peer(addresses=["192.0.2.7"]), peer("other", addresses=places)])
    with connected(node.port, source="127.0.0.2") as opened:
        opened.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert answer(opened).startswith(ABORT)
    with connected(node.port, source="127.0.0.9") as opened:
        assert answer(opened) == b""


def http(opened: socket.socket) -> None:
    opened.sendall(b"GET / HTTP/1.1\r\n\r\n")


def nothing(opened: socket.socket) -> None:
    """Close at once."""


def half_a_request(opened: socket.socket) -> None:
    opened.sendall(b"\x01\x00\x00\x00\x01\x00" + b"\x00\x01")


def data_first(opened: socket.socket) -> None:
    opened.sendall(b"\x04\x00\x00\x00\x00\x06\x00\x00\x00\x02\x01\x03")


def not_a_request(opened: socket.socket) -> None:
    """A PDU with the type, the length and the titles of a request, and nothing else of one."""
    titles = b"TRIAGE".ljust(16) + b"WARD".ljust(16)
    opened.sendall(b"\x01\x00\x00\x00\x00\x50" + b"\x00\x01\x00\x00" + titles + b"\xff" * 44)


def too_short(opened: socket.socket) -> None:
    opened.sendall(b"\x01\x00\x00\x00\x00\x02\x00\x01")


def endless(opened: socket.socket) -> None:
    opened.sendall(b"\x01\x00\xff\xff\xff\xff" + b"\x00" * 100)


def reset(opened: socket.socket) -> None:
    half_a_request(opened)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(
    "say",
    [
        half_a_request,
        reset,
        *(
            pytest.param(one, marks=pytest.mark.nightly)
            for one in (http, nothing, data_first, not_a_request, too_short, endless)
        ),
    ],
)
def test_connections_that_end_without_a_request_take_no_place(
    start_node: StartNode, say: Callable[[socket.socket], None]
) -> None:
    node = start_node(limits={"associations": 2})
    for _ in range(12):
        with connected(node.port) as opened:
            say(opened)
    assert echo(node.port) == 0
    assert node.node.listener.associations <= 1
    soon(lambda: node.node.listener.unidentified == 0, "the connections to end")


@pytest.mark.parametrize("say", [http, data_first, not_a_request, too_short, endless])
def test_what_is_no_request_is_answered_with_an_abort(
    start_node: StartNode, say: Callable[[socket.socket], None]
) -> None:
    with connected(start_node().port) as opened:
        say(opened)
        assert answer(opened).startswith(ABORT), "A-ABORT of the service provider (PS3.8, 9.3.8)"


def test_a_request_that_cannot_be_decoded_is_given_no_place(
    start_node: StartNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []
    original = AssociationAdmission.admitted

    def admitted(self: AssociationAdmission, known: Peer) -> object:
        given.append(known.name)
        return original(self, known)

    monkeypatch.setattr(AssociationAdmission, "admitted", admitted)
    node = start_node()
    with connected(node.port) as opened:
        not_a_request(opened)
        assert answer(opened).startswith(ABORT)
    assert given == []
    assert echo(node.port) == 0 and given == ["ward"]


@pytest.mark.parametrize(
    ("source", "secure"),
    [
        ("127.0.0.1", True),
        ("127.0.0.3", False),
        pytest.param("127.0.0.1", False, marks=pytest.mark.nightly),
        pytest.param("127.0.0.3", True, marks=pytest.mark.nightly),
    ],
)
def test_fifty_slow_clients_keep_no_known_peer_out(
    start_node: StartNode,
    certificates: Path,  # noqa: F811
    secure: bool,
    source: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The slow clients have the peer's own address, or another one of its network."""
    monkeypatch.setattr(request_reading, "IDENTIFY_S", 600.0)
    node = start_node(limits={"associations": 1}, tls=tls(certificates), peers=[peer(addresses=["127.0.0.0/29"])])
    listener = node.node.listener
    with ExitStack() as stack:
        slow = [
            stack.enter_context(connected(listener.tls_port if secure else node.port, source=source)) for _ in range(50)
        ]
        for opened in slow:
            with suppress(OSError):  # it was closed to make room
                opened.sendall(b"\x16" if secure else b"\x01")
        soon(lambda: listener.unidentified == request_reading.WAITING_EACH, "the latest of the address to wait")
        assert [echo(node.port) for _ in range(12)] == [0] * 12
        if secure:
            ours = _client(certificates)
            for _ in range(4):
                assert echo_by_tls(listener.tls_port, ours) == 0
        assert listener.associations <= 1 and listener.unidentified <= request_reading.WAITING
    soon(lambda: listener.unidentified == 0, "the slow clients to be gone")


def _client(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(folder / "ward.crt", folder / "ward.key")
    context.load_verify_locations(folder / "ca.crt")
    return context


def echo_by_tls(port: int | None, context: ssl.SSLContext) -> int:
    with associated(port or 0, ECHO, tls_args=(context, "127.0.0.1")) as association:
        assert association.is_established, "the known peer was rejected"
        return int(association.send_c_echo().Status)


@pytest.mark.parametrize("first", [b"\x01", b"\x01\x00\x00\x00\x00\xff", b"\x01\x00\x00\x00\x00\xff" + b"\x00" * 60])
def test_a_request_that_drips_is_cut_off_after_its_time_in_total(
    start_node: StartNode, monkeypatch: pytest.MonkeyPatch, first: bytes
) -> None:
    monkeypatch.setattr(request_reading, "IDENTIFY_S", 0.5)
    node = start_node(limits={"idle_s": 600})
    with connected(node.port) as opened:
        begun = time.monotonic()
        opened.sendall(first)
        with suppress(OSError):
            for _ in range(200):
                time.sleep(0.1)
                opened.sendall(b"\x00")
        assert time.monotonic() - begun < AT_ONCE_S
    soon(lambda: node.node.listener.unidentified == 0, "the connection to end")


def test_a_handshake_and_a_request_share_their_time(
    start_node: StartNode,
    certificates: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(request_reading, "IDENTIFY_S", 1.0)
    node = start_node(limits={"idle_s": 600}, tls=tls(certificates))
    port = node.node.listener.tls_port
    with connected(port) as silent:
        assert answer(silent) == b""
    ours = _client(certificates)
    with connected(port) as plain, ours.wrap_socket(plain, server_hostname="127.0.0.1") as opened, suppress(OSError):
        for _ in range(100):
            opened.sendall(b"\x01")
            time.sleep(0.1)
        pytest.fail("a request that drips was not cut off")
    soon(lambda: node.node.listener.unidentified == 0, "both to end")


def test_the_time_for_a_request_is_ten_seconds() -> None:
    assert request_reading.IDENTIFY_S == 10.0


@pytest.mark.nightly
def test_a_byte_every_five_seconds_is_cut_off_within_the_ten_seconds(start_node: StartNode) -> None:
    node = start_node()
    with connected(node.port) as opened:
        begun = time.monotonic()
        with suppress(OSError):
            for _ in range(12):
                opened.sendall(b"\x01")
                time.sleep(5)
        assert time.monotonic() - begun < 25
    assert echo(node.port) == 0


def test_only_accepted_associations_count_against_the_limit(start_node: StartNode) -> None:
    node = start_node(limits={"associations": 1})
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(connected(node.port)).sendall(b"\x01")
        for _ in range(3):
            assert rejection(node.port, ae_title="STRANGER") == REJECTED_CALLING
            assert rejection(node.port, called="ELSEWHERE") == REJECTED_CALLED
        with associated(node.port, ECHO) as first:
            assert first.is_established
            assert rejection(node.port) == REJECTED_FULL
            assert rejection(node.port, ae_title="STRANGER") == REJECTED_CALLING


def test_a_rejected_client_that_stays_holds_no_thread(start_node: StartNode) -> None:
    node = start_node()
    request = request_for_verification(calling="STRANGER")
    with connected(node.port) as opened:
        opened.sendall(request)
        assert opened.recv(10) == b"\x03\x00\x00\x00\x00\x04\x00\x01\x01\x03"
        soon(lambda: node.node.listener.unidentified == 0, "its connection to end")
        assert not threads_of(node.node)
        assert answer(opened) == b""


@pytest.mark.parametrize("how", ["closed", "reset", "closed in a PDU", "closed before the answer"])
def test_a_dead_socket_releases_its_place_at_once(start_node: StartNode, how: str) -> None:
    node = start_node(limits={"associations": 1, "idle_s": 600})
    with connected(node.port) as opened:
        opened.sendall(request_for_verification())
        if how != "closed before the answer":
            assert opened.recv(1) == b"\x02", "A-ASSOCIATE-AC"
        if how == "closed in a PDU":
            opened.sendall(b"\x04\x00\x00\x00\x10\x00\x00")
        if how == "reset":
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    begun = time.monotonic()
    soon(lambda: _is_accepted(node.port), "the place to be free")
    assert time.monotonic() - begun < AT_ONCE_S


def _is_accepted(port: int) -> bool:
    with associated(port, ECHO) as association:
        return association.is_established


def test_a_stop_ends_connections_that_wait(start_node: StartNode) -> None:
    before = set(threading.enumerate())
    node = start_node()
    with connected(node.port) as silent, connected(node.port) as slow:
        slow.sendall(b"\x01")
        soon(lambda: node.node.listener.unidentified == 2, "both connections")
        node.node.stop()
        assert not [thread for thread in set(threading.enumerate()) - before if thread.is_alive()]
        assert answer(silent) == answer(slow) == b""


def test_a_request_in_pieces_is_accepted(start_node: StartNode, program: Callable[[str], str]) -> None:
    node = start_node()
    request = request_for_verification()
    with connected(node.port) as opened:
        for at in range(0, len(request), 7):
            opened.sendall(request[at : at + 7])
        assert opened.recv(1) == b"\x02"
    done = dcmtk(program("echoscu"), "-aet", "WARD", "-aec", "TRIAGE", "127.0.0.1", node.port)
    assert done.returncode == 0, done.stderr


def test_the_node_outlives_a_time_without_file_descriptors(
    start_node: StartNode, caplog: pytest.LogCaptureFixture
) -> None:
    """`accept` fails then; known peers are answered again as soon as descriptors are free."""
    node = start_node()
    with socket.socket() as late:
        late.settimeout(AT_ONCE_S)
        with no_free_descriptor():
            late.connect(("127.0.0.1", node.port or 0))
            late.sendall(request_for_verification())
            time.sleep(1)
        assert late.recv(1) == b"\x02", "the client that came meanwhile is accepted"
    assert echo(node.port) == 0
    (failed,) = [one for one in caplog.messages if "accept_failed" in one]
    (again,) = [one for one in caplog.messages if "accepts_again" in one]
    assert failed.startswith("pacs.accept_failed why=[Errno 24]") and 1 < int(again.rpartition("=")[2]) < 20


@pytest.mark.nightly
def test_fifty_slow_clients_for_a_minute_delay_no_known_peer(start_node: StartNode) -> None:
    """Each sends a byte every second from the peer's network, and begins again when it is closed."""
    node = start_node(peers=[peer(addresses=["127.0.0.0/16"])])
    stop = threading.Event()

    def drip(source: str) -> None:
        while not stop.is_set():
            with suppress(OSError), connected(node.port, source=source) as opened:
                for byte in request_for_verification():
                    opened.sendall(bytes([byte]))
                    if stop.wait(1.0):
                        return

    senders = [threading.Thread(target=drip, args=(f"127.0.1.{number + 1}",)) for number in range(50)]
    for sender in senders:
        sender.start()
    times: list[float] = []
    until = time.monotonic() + 60
    try:
        while time.monotonic() < until:
            begun = time.monotonic()
            assert echo(node.port) == 0
            times.append(time.monotonic() - begun)
    finally:
        stop.set()
        for sender in senders:
            sender.join()
    assert max(times) < 5.0 and sorted(times)[len(times) // 2] < 1.0
