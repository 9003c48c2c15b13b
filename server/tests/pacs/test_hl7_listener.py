"""The listener takes reports and merges over real sockets, answers each message, and no message ends it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.local_clients import no_free_descriptor
from tests.pacs.conftest import PATIENCE_S, soon
from tests.pacs.reports_in import Mllp, oru, outcomes, report, study, table
from tests.worklist.conftest import Place, on_postgresql
from unseen_server.pacs.hl7_listener import Hl7Listener, Hl7ListenerError
from unseen_server.pacs.non_dicom_settings import Hl7Settings
from unseen_server.pacs.report_intake import ReportIntake
from unseen_server.worklist.store import Store

SETTINGS = {"host": "127.0.0.1", "port": 0, "reports": "codes.toml"}


@pytest.fixture
def intake(store: Store) -> ReportIntake:
    return ReportIntake(store, table())


@pytest.fixture
def listener(intake: ReportIntake) -> Iterator[Hl7Listener]:
    made = Hl7Listener(Hl7Settings.model_validate(SETTINGS), intake)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def sender(listener: Hl7Listener) -> Iterator[Mllp]:
    with Mllp(listener.port) as made:
        yield made


@on_postgresql
def test_a_report_is_durable_when_it_is_acknowledged(store: Store, sender: Mllp) -> None:
    name = study(store)
    assert sender.ask(report("No pneumothorax.")) == ("AA", "Taken: closed.")
    assert outcomes(store, name) == ["normal"]
    assert sender.ask(report("No pneumothorax.", message="M2")) == ("AA", "Taken: repeated.")
    assert sender.last.split("\r")[1].split("|")[2] == "M2"
    assert sender.ask(report("A pneumothorax after all.", status="C")) == ("AA", "Taken: corrected.")
    assert outcomes(store, name) == ["abnormal"]
    assert sender.ask(report("x", status="P")) == ("AA", "Taken: preliminary.")
    assert sender.ask(report("", status="X")) == ("AA", "Taken: withdrawn.")
    assert outcomes(store, name) == []


def test_reports_of_other_studies_are_acknowledged_and_counted(
    store: Store,
    sender: Mllp,
    intake: ReportIntake,
) -> None:
    for number in range(3):
        assert sender.ask(report("no acute findings", accession=f"CT{number}")) == ("AA", "Taken: early.")
    assert intake.counts() == {("early", "normal"): 3}
    assert store.outside_reports.counts().early == 3
    late = study(store, accession="CT1")
    assert outcomes(store, late) == ["normal"]


def test_patients_are_merged(store: Store, sender: Mllp) -> None:
    one, other = study(store, 1, uid="1.2"), study(store, 2, accession="A2", uid="1.3", patient="P2")
    merge = "MSH|^~\\&|HIS|N|||||ADT^A40|1|P|2.5\rEVN||2026\rPID|1||P2^^^N\rMRG|P1^^^N\r"
    assert sender.ask(merge) == ("AA", "Patients merged.")
    assert sender.ask(merge) == ("AA", "These patients were merged before.")
    assert [prior.study for prior in store.studies.priors(other)] == [one]


def test_each_refusal_is_a_sentence_and_the_connection_goes_on(store: Store, sender: Mllp) -> None:
    name = study(store)
    for message, code, words in (
        ("", "AE", "does not begin with a segment MSH"),
        ("PID|1", "AE", "does not begin with a segment MSH"),
        (oru(kind="ORM^O01"), "AA", "Not used: messages ORM^O01"),
        (oru(kind=""), "AE", "MSH-9 names no type"),
        (oru(), "AE", "no segment OBR"),
        (oru("OBR|1||"), "AE", "no accession number"),
        (oru(f"OBR|1||{'A' * 300}"), "AE", "limit is 200"),
        (oru("OBR|1||A1", charset="X"), "AE", "character set"),
        (report("x") + report("y"), "AE", "second MSH"),
        (report("x") + "a line\r", "AE", "Segment 5 has no name"),
    ):
        seen = sender.ask(message)
        assert seen[0] == code and words in seen[1].replace("\\S\\", "^"), (message, seen)
    assert outcomes(store, name) == []
    assert sender.ask(report("no acute findings"))[0] == "AA"


def test_messages_may_come_in_pieces_and_several_at_once(sender: Mllp) -> None:
    for byte in b"noise\x0b" + report("x", accession="B1").encode() + b"\x1c\r":
        sender.connection.sendall(bytes([byte]))
    assert sender.answer()[0] == "AA"
    frame = b"\x0b" + report("x", accession="B2").encode() + b"\x1c\r"
    sender.connection.sendall(frame * 3)
    assert [sender.answer()[1] for _ in range(3)] == ["Taken: early.", "Taken: repeated.", "Taken: repeated."]


def test_a_message_above_the_limit_is_refused_and_the_connection_closed(intake: ReportIntake) -> None:
    listener = Hl7Listener(Hl7Settings.model_validate(SETTINGS | {"message_bytes": 2000}), intake)
    listener.start()
    try:
        with Mllp(listener.port) as sender:
            sender.connection.sendall(b"\x0b" + report("x" * 5000).encode())
            assert sender.answer() == ("AE", "The message has more than 2000 bytes, the limit of [hl7].")
            assert sender.answer() == ("", "")
    finally:
        listener.stop()


@pytest.mark.parametrize(
    ("limits", "sent"), [({"idle_s": 0.2}, b""), ({"idle_s": 0.2}, b"noise"), ({"message_s": 0.2}, b"\x0bMSH|^~")]
)
def test_a_silent_connection_is_closed(intake: ReportIntake, limits: dict[str, float], sent: bytes) -> None:
    listener = Hl7Listener(Hl7Settings.model_validate(SETTINGS | limits), intake)
    listener.start()
    try:
        with Mllp(listener.port) as sender:
            sender.connection.sendall(sent)
            assert sender.answer() == ("", "")
    finally:
        listener.stop()


def test_who_is_not_allowed_or_one_too_many_is_turned_away(intake: ReportIntake) -> None:
    for change in ({"addresses": ["10.0.0.0/8"]}, {"connections": 1}):
        listener = Hl7Listener(Hl7Settings.model_validate(SETTINGS | change), intake)
        listener.start()
        try:
            with Mllp(listener.port) as first, Mllp(listener.port) as second:
                if "connections" in change:
                    assert first.ask(report("x"))[0] == "AA"
                assert second.answer() == ("", "")
        finally:
            listener.stop()


def test_an_address_with_all_its_connections_keeps_no_other_one_out(intake: ReportIntake) -> None:
    limits = {"connections": 6, "connections_each": 2, "addresses": ["127.0.0.0/8"]}
    listener = Hl7Listener(Hl7Settings.model_validate(SETTINGS | limits), intake)
    listener.start()

    def connected(source: str) -> Mllp:
        return Mllp(listener.port, source)

    try:
        with ExitStack() as stack:
            held = [stack.enter_context(connected("127.0.0.2")) for _ in range(2)]
            assert all(one.ask(report("x", accession="B1"))[0] == "AA" for one in held)
            for _ in range(6):
                assert stack.enter_context(connected("127.0.0.2")).answer() == ("", ""), "one too many"
            with connected("127.0.0.3") as other:
                assert other.ask(report("x", accession="B2"))[0] == "AA"
            held[0].connection.close()
            soon(lambda: _is_answered(connected("127.0.0.2")), "the place to be free")
    finally:
        listener.stop()


def _is_answered(sender: Mllp) -> bool:
    with sender:
        try:
            return sender.ask(report("x", accession="B3"))[0] == "AA"
        except OSError:
            return False


def test_a_port_that_is_taken_is_a_sentence(intake: ReportIntake, listener: Hl7Listener) -> None:
    other = Hl7Listener(Hl7Settings.model_validate(SETTINGS | {"port": listener.port}), intake)
    with pytest.raises(Hl7ListenerError, match=f"Port {listener.port} of 127.0.0.1 cannot be listened on for HL7"):
        other.start()


def test_a_start_without_file_descriptors_is_an_error_with_a_remedy(intake: ReportIntake) -> None:
    listener = Hl7Listener(Hl7Settings.model_validate(SETTINGS), intake)
    with no_free_descriptor(), pytest.raises(Hl7ListenerError, match=r"no file descriptor is free .* `ulimit -n`"):
        listener.start()


def test_stopping_ends_open_connections(listener: Hl7Listener) -> None:
    with Mllp(listener.port) as sender:
        assert sender.ask(report("x"))[0] == "AA"
        port = listener.port
        listener.stop()
        assert sender.answer() == ("", "")
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_stop_waits_for_a_connection_whose_thread_has_not_started_yet(
    listener: Hl7Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, let_go = threading.Event(), threading.Event()
    start = threading.Thread.start

    def late(thread: threading.Thread) -> None:
        if thread.name == "hl7-127.0.0.1":
            reached.set()
            let_go.wait()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", late)
    with Mllp(listener.port) as sender, ThreadPoolExecutor(1) as threads:
        try:
            assert reached.wait(PATIENCE_S)
            stopping = threads.submit(listener.stop)
            soon(lambda: stopping.done() or (listener._stopping.is_set() and listener._lock.locked()), "the stop")
        finally:
            let_go.set()
        stopping.result()
        assert sender.answer() == ("", ""), "the connection is closed"


def test_a_store_that_fails_is_a_reason_to_send_again(own_place: Place) -> None:
    with own_place.open(patience_s=0.2) as store:
        listener = Hl7Listener(Hl7Settings.model_validate(SETTINGS), ReportIntake(store, table()))
        listener.start()
        try:
            with Mllp(listener.port) as sender:
                with store.database.writing():
                    code, sentence = sender.ask(report("x"))
                    assert code == "AR" and sentence.endswith("Send it again later.")
                    assert str(store.home) not in sentence
                assert sender.ask(report("x")) == ("AA", "Taken: early.")
                with store.database.writing() as connection:
                    connection.exec_driver_sql("DROP TABLE outside_reports")
                code, sentence = sender.ask(report("y"))
                assert code == "AR" and str(store.home) not in sentence
        finally:
            listener.stop()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=120).filter(lambda content: b"\x1c" not in content))
def test_no_message_ends_the_listener(listener: Hl7Listener, content: bytes) -> None:
    with Mllp(listener.port) as sender:
        for message in (content, b"MSH|^~\\&|" + content, report("x").encode()[:-20] + content):
            assert sender.ask(message)[0] in ("AA", "AE", "AR")


def test_the_listener_outlives_a_time_without_file_descriptors(
    listener: Hl7Listener, caplog: pytest.LogCaptureFixture
) -> None:
    """`accept` fails then; senders are answered again as soon as descriptors are free."""
    with socket.socket() as late:
        late.settimeout(20)
        with no_free_descriptor():
            late.connect(("127.0.0.1", listener.port))
            time.sleep(1.2)
        late.sendall(b"\x0b" + report("x", accession="A1").encode() + b"\x1c\r")
        assert b"|AA|" in late.recv(65536)
    with Mllp(listener.port) as sender:
        assert sender.ask(report("x", accession="A2", message="M2"))[0] == "AA"
    (failed,) = [one for one in caplog.messages if "accept_failed" in one]
    (again,) = [one for one in caplog.messages if "accepts_again" in one]
    assert failed.startswith("hl7.accept_failed why=[Errno 24]") and int(again.rpartition("=")[2]) > 1
