"""Results to a peer: one outcome for each, and a refusal is never taken for success."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom import uid

from tests.pacs.conftest import CR, PATIENCE_S, archive, film, free_port, peer
from tests.pacs.orthanc_server import Orthanc, start_orthanc
from unseen_server.pacs.calling import NotReachedError
from unseen_server.pacs.config import PacsConfig
from unseen_server.pacs.peer_search import is_there
from unseen_server.pacs.sending import Accepted, NotReached, Outcome, RefusedInstance, send


def sent(objects: list[Any], **more: Any) -> list[Outcome]:
    config = PacsConfig.model_validate({"peers": [peer("archive", **more)]})
    return send(config, config.peer("archive"), objects)


def test_each_object_has_its_outcome() -> None:
    statuses = iter((0x0000, 0xA700, 0x0000))
    with archive(store_status=lambda: next(statuses)) as running:
        outcomes = sent([film(1), film(2), film(3)], port=running.port)
    assert [type(outcome) for outcome in outcomes] == [Accepted, RefusedInstance, Accepted]
    refused = outcomes[1]
    assert isinstance(refused, RefusedInstance) and refused.status == 0xA700
    assert refused.sentence == '"archive" is out of resources (status 0xA700)'
    assert [str(one.SOPInstanceUID) for one in running.stored] == ["1.2.3.4.1", "1.2.3.4.3"]


@pytest.mark.parametrize("status", [0xA700, 0xA900, 0xC000, 0xC123, 0x0124, 0x0110])
def test_a_refusal_is_a_failure(status: int) -> None:
    with archive(store_status=lambda: status) as running:
        (outcome,) = sent([film(1)], port=running.port)
    assert isinstance(outcome, RefusedInstance) and outcome.status == status


def test_a_warning_is_stored_with_a_note() -> None:
    with archive(store_status=lambda: 0xB000) as running:
        (outcome,) = sent([film(1)], port=running.port)
    assert outcome == Accepted(instance="1.2.3.4.1", note="0xB000")


def test_a_class_that_the_peer_does_not_take_is_a_refusal() -> None:
    with archive(classes=[CR]) as running:
        outcomes = sent([film(1), film(2, SOPClassUID=CR)], port=running.port)
    assert [type(outcome) for outcome in outcomes] == [RefusedInstance, Accepted]
    assert isinstance(outcomes[0], RefusedInstance) and outcomes[0].status == 0x0122


def test_a_syntax_that_the_peer_does_not_take_is_a_refusal() -> None:
    compressed = film(1, syntax=uid.JPEG2000Lossless)
    with archive() as running:
        outcomes = sent([compressed, film(2)], port=running.port)
    assert [type(outcome) for outcome in outcomes] == [RefusedInstance, Accepted]


def not_reached(outcome: Outcome) -> str:
    assert isinstance(outcome, NotReached)
    return outcome.sentence


def test_a_peer_that_is_down_is_not_reached() -> None:
    outcomes = sent([film(1), film(2)], port=free_port())
    assert len(outcomes) == 2
    assert "cannot be reached: no connection" in not_reached(outcomes[0])


def test_a_host_that_nobody_knows_is_not_reached() -> None:
    (outcome,) = sent([film(1)], host="no-such-host.invalid", port=104)
    assert "cannot be reached" in not_reached(outcome)


def test_a_peer_that_does_not_know_us_is_not_reached_in_words() -> None:
    with archive(ae_title="ELSEWHERE") as running:
        (outcome,) = sent([film(1)], port=running.port)
    assert "rejected the association: it is not called ARCHIVE" in not_reached(outcome)


def test_a_port_that_speaks_something_else_is_not_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        (outcome,) = sent([film(1)], port=server.getsockname()[1])
        thread.join()
    assert "Check that this port speaks DICOM" in not_reached(outcome)


def test_a_peer_that_is_slow_is_not_reached_and_what_it_took_before_counts() -> None:
    let_go = threading.Event()
    answers = iter((0x0000,))

    def status() -> int:
        try:
            return next(answers)
        except StopIteration:
            let_go.wait(PATIENCE_S)
            return 0x0000

    with archive(store_status=status) as running:
        outcomes = sent([film(1), film(2), film(3)], port=running.port, timeout_s=0.5)
        let_go.set()
    assert [type(outcome) for outcome in outcomes] == [Accepted, NotReached, NotReached]
    assert "did not answer an object within 0.5 s" in not_reached(outcomes[1])


@contextmanager
def web_server(status: int, body: bytes = b"") -> Iterator[str]:
    """Yield a server that answers every request so; its base address."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/dicom+json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/dicom-web"
        server.shutdown()
        thread.join()


PLACE = {"study": "1.2.3.1", "series": "1.2.3.1.1", "instance": "1.2.3.4.1"}
WEB = {"ae_title": None, "host": ""}


def test_stow_and_qido_reach_orthanc(orthanc: Orthanc) -> None:
    config = PacsConfig.model_validate({"peers": [{"name": "archive", "dicomweb": orthanc.dicomweb}]})
    archive_peer = config.peer("archive")
    assert not is_there(config, archive_peer, **PLACE)
    assert send(config, archive_peer, [film(1)]) == [Accepted(instance="1.2.3.4.1")]
    assert set(orthanc.instances()) == {"1.2.3.4.1"}
    assert is_there(config, archive_peer, **PLACE)
    assert not is_there(config, archive_peer, **PLACE | {"instance": "1.2.3.4.2"})


@pytest.mark.parametrize("status", [503, 500, 429])
def test_a_web_server_in_trouble_is_not_reached(status: int) -> None:
    with web_server(status) as base:
        (outcome,) = sent([film(1)], **WEB, dicomweb=base)
    assert f"HTTP status {status}" in not_reached(outcome)


@pytest.mark.parametrize("status", [400, 403, 409])
def test_a_web_server_that_refuses_is_a_refusal(status: int) -> None:
    with web_server(status) as base:
        (outcome,) = sent([film(1)], **WEB, dicomweb=base)
    assert isinstance(outcome, RefusedInstance) and outcome.status == status


FAILED = (
    b'{"00081198": {"vr": "SQ", "Value": [{"00081150": {"vr": "UI", "Value": ["1.2"]}, '
    b'"00081155": {"vr": "UI", "Value": ["1.2.3.4.1"]}, "00081197": {"vr": "US", "Value": [42752]}}]}}'
)


def test_an_object_that_failed_within_a_success_is_a_refusal() -> None:
    with web_server(200, FAILED) as base:
        (outcome,) = sent([film(1)], **WEB, dicomweb=base)
    assert isinstance(outcome, RefusedInstance) and outcome.status == 0xA700


def test_a_success_that_names_no_object_is_none() -> None:
    with web_server(200, b"{}") as base:
        (outcome,) = sent([film(1)], **WEB, dicomweb=base)
    assert "did not say whether" in not_reached(outcome)


def test_a_web_server_that_is_not_there_is_not_reached() -> None:
    (outcome,) = sent([film(1)], **WEB, dicomweb=f"http://127.0.0.1:{free_port()}/dicom-web")
    assert "did not answer" in not_reached(outcome)


def test_a_web_server_that_answers_with_a_page_is_not_reached() -> None:
    with web_server(200, b"<html>sign in</html>") as base:
        config = PacsConfig.model_validate({"peers": [{"name": "archive", "dicomweb": base}]})
        with pytest.raises(NotReachedError):
            is_there(config, config.peer("archive"), study="1.2", series="1.3", instance="1.4")


def test_c_find_sees_what_orthanc_holds(tmp_path: Path, program: Callable[..., str]) -> None:
    knows_us = {"node": ("TRIAGE", "127.0.0.1", free_port())}
    with start_orthanc(tmp_path / "orthanc", modalities=knows_us, program=program("Orthanc")) as orthanc:
        config = PacsConfig.model_validate({"peers": [peer("archive", ae_title="ORTHANC", port=orthanc.dicom_port)]})
        archive_peer = config.peer("archive")
        assert not is_there(config, archive_peer, **PLACE)
        assert send(config, archive_peer, [film(1)]) == [Accepted(instance="1.2.3.4.1")]
        assert is_there(config, archive_peer, **PLACE)
        assert not is_there(config, archive_peer, **PLACE | {"instance": "1.2.3.4.2"})


def test_a_query_that_is_refused_is_a_sentence(orthanc: Orthanc) -> None:
    config = PacsConfig.model_validate({"peers": [peer("archive", ae_title="ORTHANC", port=orthanc.dicom_port)]})
    with pytest.raises(NotReachedError):  # Orthanc answers queries of those alone whom it knows
        is_there(config, config.peer("archive"), **PLACE)
