"""The node answers over HTTP: its metrics as Prometheus reads them, its health, and FHIR with a token."""

from __future__ import annotations

import itertools
import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.local_clients import connect, no_free_descriptor
from tests.pacs.reports_in import outcomes, study, table
from tests.pacs.test_fhir import SETTINGS, resource
from tests.worklist.conftest import Place, on_postgresql
from unseen.artifacts.research_only import LIMITS
from unseen_server.pacs import http
from unseen_server.pacs.http import HttpServer, HttpServerError, application
from unseen_server.pacs.metrics import MeasuredParts, NodeMetrics
from unseen_server.pacs.non_dicom_settings import FhirSettings, HttpSettings
from unseen_server.pacs.report_intake import ReportIntake
from unseen_server.worklist import jobs, readiness
from unseen_server.worklist.hidden_places import without_places
from unseen_server.worklist.readiness import why_not_ready
from unseen_server.worklist.store import Store

TOKEN = {"Authorization": f"Bearer {SETTINGS['token']}", "Content-Type": "application/fhir+json"}
FHIR = "/fhir/DiagnosticReport"
UID = {"identifier": {"system": "urn:dicom:uid", "value": "urn:oid:9.9"}}


def server_of(store: Store, *, clock: Callable[[], float] | None = None, **more: Any) -> HttpServer:
    """Return a server whose `/ready` checks each time, unless `clock` is given."""
    reports = ReportIntake(store, table())
    metrics = NodeMetrics(MeasuredParts(store=store, reports=(reports,), associations=lambda: 2))
    clock = clock or itertools.count(step=9).__next__
    made = application(store, metrics, fhir=FhirSettings.model_validate(SETTINGS), reports=reports, clock=clock, **more)
    return HttpServer(HttpSettings(port=0), made)


@pytest.fixture
def client(store: Store) -> Iterator[httpx.Client]:
    server = server_of(store)
    server.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=20, verify=False) as made:
        yield made
    server.stop()


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"", marks=pytest.mark.nightly),
        pytest.param(b"GET /live HTTP/1.1\r\nHost: ", marks=pytest.mark.nightly),
        b"POST /fhir/DiagnosticReport HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n{",
    ],
)
def test_slow_clients_keep_no_monitor_out(client: httpx.Client, said: bytes) -> None:
    """Fifty addresses with two connections each, and one address with more than the port has."""
    port = client.base_url.port
    assert port is not None
    with ExitStack() as stack:
        for source in [f"127.0.1.{number % 50 + 1}" for number in range(100)] + ["127.0.0.2"] * 80:
            opened = stack.enter_context(connect(port, source=source))
            with suppress(OSError):  # it was closed to make room
                opened.sendall(said)
        for _ in range(5):
            with httpx.Client(base_url=client.base_url, timeout=20, verify=False) as another:
                assert another.get("/live").status_code == 200


def test_a_report_that_arrives_slowly_is_taken_in_spite_of_slow_clients(client: httpx.Client, store: Store) -> None:
    name = study(store)
    body = json.dumps(resource()).encode()
    head = f"POST {FHIR} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    headers = "".join(f"{key}: {value}\r\n" for key, value in TOKEN.items())
    port = client.base_url.port
    assert port is not None
    with ExitStack() as stack:
        sender = stack.enter_context(connect(port))
        sender.sendall(f"{head}{headers}\r\n".encode() + body[:20])
        assert client.get("/live").status_code == 200  # what came before was read
        for _ in range(80):
            stack.enter_context(connect(port))
        sender.sendall(body[20:])
        assert sender.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert outcomes(store, name) == ["normal"]


def metrics_of(client: httpx.Client) -> dict[tuple[str, ...], float]:
    """Return each sample by its name and its labels' values."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


@on_postgresql
def test_a_report_that_is_posted_is_durable_when_it_is_answered(client: httpx.Client, store: Store) -> None:
    name = study(store)
    answer = client.post(FHIR, content=json.dumps(resource()), headers=TOKEN)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("application/fhir+json")
    taken, limits = answer.json()["issue"]
    assert taken["diagnostics"] == "Taken: closed." and limits["diagnostics"] == LIMITS
    assert outcomes(store, name) == ["normal"]
    again = client.post(FHIR, content=json.dumps(resource()), headers=TOKEN)
    assert again.json()["issue"][0]["diagnostics"] == "Taken: repeated."
    wrong = json.dumps(resource(status="entered-in-error"))
    assert client.post(FHIR, content=wrong, headers=TOKEN).json()["issue"][0]["diagnostics"] == "Taken: withdrawn."
    assert outcomes(store, name) == []


@pytest.mark.parametrize(
    ("headers", "content", "status", "words"),
    [
        ({"Authorization": ""}, "{}", 401, "token of [fhir]"),
        ({"Authorization": "Bearer wrong"}, "{}", 401, "token of [fhir]"),
        ({"Authorization": f"Basic {SETTINGS['token']}"}, "{}", 401, "token of [fhir]"),
        ({"Content-Type": "application/fhir+xml"}, "<x/>", 415, "XML is not read"),
        ({}, "", 422, "no JSON"),
        ({}, json.dumps(resource(basedOn=None)), 422, "names no study"),
        (
            {},
            json.dumps(resource(identifier=[], basedOn=[{"identifier": {"value": "A" * 300}}])),
            422,
            "names no study",
        ),
        ({}, "x" * (http.BODY_BYTES + 1), 413, "not read"),
    ],
)
def test_each_refusal_is_an_outcome_with_a_sentence(
    client: httpx.Client, headers: dict[str, str], content: str, status: int, words: str
) -> None:
    answer = client.post(FHIR, content=content, headers=TOKEN | headers)
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome" and words in answer.json()["issue"][0]["diagnostics"]
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_the_metrics_count_films_results_and_reports(client: httpx.Client, store: Store) -> None:
    study(store)
    client.post(FHIR, content=json.dumps(resource()), headers=TOKEN)
    client.post(FHIR, content=json.dumps(resource(identifier=None, basedOn=None, imagingStudy=[UID])), headers=TOKEN)
    seen = metrics_of(client)
    assert seen["unseen_films", "ward"] == 1 and seen["unseen_queue_films", "waiting"] == 1
    assert jobs.claim(store.site) is not None
    now = metrics_of(client)
    queue = {state: now["unseen_queue_films", state] for state in ("waiting", "running", "done", "dead")}
    assert queue == {"waiting": 0, "running": 1, "done": 0, "dead": 0}, "each film is in one state"
    assert seen["unseen_pacs_associations",] == 2
    assert seen["unseen_outside_reports", "normal"] == 1 and seen["unseen_outside_reports_early",] == 1
    assert seen["unseen_report_messages_total", "closed", "normal"] == 1
    assert seen["unseen_report_messages_total", "early", "normal"] == 1
    assert seen["unseen_outbox_oldest_seconds",] == 0
    assert "P1" not in client.get("/metrics").text


def test_a_node_that_answers_is_live_and_one_whose_store_answers_is_ready(own_place: Place) -> None:
    listens = [True]
    with own_place.open(patience_s=0.2) as store:
        server = server_of(store, listens=lambda: listens[0])
        server.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=20, verify=False) as client:
            assert [client.get(path).status_code for path in ("/live", "/ready", "/metrics")] == [200, 200, 200]
            with store.database.writing():
                busy = client.post(FHIR, content=json.dumps(resource()), headers=TOKEN)
            assert busy.status_code == 503 and busy.headers["retry-after"] and str(store.home) not in busy.text
            listens[0] = False
            answer = client.get("/ready")
            assert (answer.status_code, answer.text) == (503, "The DICOM listener does not listen.\n")
            listens[0] = True
            store.home.rename(store.home.with_name("gone"))
            assert client.get("/ready").status_code == 503 and client.get("/live").status_code == 200
            store.home.with_name("gone").rename(store.home)
        port = server.port
        server.stop()
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=5)


def test_readiness_is_checked_once_a_second_however_many_clients_ask(
    own_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, written = [5.0], []
    write = readiness.write_flushed
    monkeypatch.setattr(readiness, "write_flushed", lambda *given: (written.append(given), write(*given)))
    with own_place.open() as store:
        server = server_of(store, clock=lambda: now[0])
        server.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=20, verify=False) as client:
            assert {client.get("/ready").status_code for _ in range(5)} == {200} and len(written) == 1
            now[0] += 0.9
            assert client.get("/ready").status_code == 200 and len(written) == 1
            now[0] += 0.2
            assert client.get("/ready").status_code == 200 and len(written) == 2
        server.stop()


def test_readiness_and_metrics_show_no_path_of_the_server(own_place: Place) -> None:
    with own_place.open(patience_s=0.2) as store:
        server = server_of(store)
        server.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=20, verify=False) as client:
            with store.database.writing() as connection:
                connection.exec_driver_sql("DROP TABLE audit")
                connection.exec_driver_sql("DROP TABLE jobs")
            for path in ("/ready", "/metrics"):
                answer = client.get(path)
                assert answer.status_code == 503 and "the database" in answer.text
                assert str(store.home) not in answer.text and store.database.name not in answer.text
        server.stop()


def test_readiness_names_the_file_that_cannot_be_used(own_place: Place) -> None:
    with own_place.open() as store:
        incoming = store.home / "films" / "incoming"
        incoming.rmdir()
        assert why_not_ready(store).startswith(f"{incoming}/")
        shown = readiness.Readiness(store).problem()
        assert re.match(r"films/incoming/\w+\.tmp: cannot be used \(No such file or directory\)\. Check", shown), shown
        assert without_places(f"{store.home}: cannot be used.", store) == "The worklist's folder: cannot be used."
        incoming.mkdir()


def test_a_port_that_is_taken_is_a_sentence(store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        made = HttpServer(HttpSettings(port=port), application(store, NodeMetrics(MeasuredParts(store=store))))
        with pytest.raises(HttpServerError, match=f"Port {port} of 127.0.0.1 cannot be listened on for HTTP"):
            made.start()


def test_a_start_that_fails_leaves_no_file_descriptor(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")  # Python's words at the limit of processes

    made = server_of(store)
    before = set(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as at_limit:
        at_limit.setattr(threading.Thread, "start", refused)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            made.start()
    assert set(os.listdir("/proc/self/fd")) <= before
    with pytest.raises(AssertionError, match="not started"):
        _ = made.port
    made.stop()
    made.start()
    assert httpx.get(f"http://127.0.0.1:{made.port}/live").status_code == 200
    made.stop()


def test_without_its_settings_there_is_no_fhir(store: Store) -> None:
    server = HttpServer(HttpSettings(port=0), application(store, NodeMetrics(MeasuredParts(store=store))))
    server.start()
    assert httpx.post(f"http://127.0.0.1:{server.port}{FHIR}", headers=TOKEN).status_code == 404
    server.stop()


@pytest.mark.parametrize("small_disk", ["8m"], indirect=True)
def test_a_node_on_a_full_disk_is_not_ready_until_there_is_space(small_disk: Path) -> None:
    with Store.open(small_disk / "worklist", max_film_bytes=2 << 20) as store:
        server = server_of(store)
        server.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=20, verify=False) as client:
            assert client.get("/ready").text == "ready\n"
            filler = small_disk / "filler"
            disk = os.statvfs(small_disk)
            filler.write_bytes(bytes(disk.f_bavail * disk.f_frsize - (1 << 16)))
            answer = client.get("/ready")
            assert (answer.status_code, answer.text) == (503, "The disk has too little space for one more film.\n")
            assert client.get("/live").status_code == 200
            filler.unlink()
            assert client.get("/ready").status_code == 200
        server.stop()


def test_a_node_whose_database_is_damaged_while_it_runs_is_not_ready(own_place: Place) -> None:
    with own_place.open() as store:
        server = server_of(store)
        server.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=20, verify=False) as client:
            assert client.get("/ready").status_code == 200
            with store.database.writing() as connection:
                connection.exec_driver_sql("DROP TABLE audit")
            answer = client.get("/ready")
            assert answer.status_code == 503 and answer.text.count("\n") == 1
        server.stop()


def test_health_is_answered_again_after_a_time_without_file_descriptors(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.get("/live").status_code == 200, "the server's event loop has its own descriptors"
    port = client.base_url.port or 0
    with socket.socket() as late:
        late.settimeout(20)
        with no_free_descriptor():
            late.connect(("127.0.0.1", port))
            late.sendall(b"GET /live HTTP/1.1\r\nHost: a\r\n\r\n")
            time.sleep(1)
        assert late.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert client.get("/ready").status_code == 200
    failed = sum("out of system resource" in one for one in caplog.messages)
    assert 0 < failed < 1000, "one line for each connection of the backlog, which is short"


@pytest.mark.parametrize("free", [0, 1, 2, 3])
def test_a_start_without_enough_file_descriptors_is_an_error_with_a_remedy(store: Store, free: int) -> None:
    server = server_of(store)
    threads = threading.active_count()
    before = set(os.listdir("/proc/self/fd"))
    with no_free_descriptor(apart_from=free), pytest.raises(HttpServerError) as raised:
        server.start()
    assert "no file descriptor is free (Too many open files)" in str(raised.value)
    assert "Raise the limit on open files: `ulimit -n`" in str(raised.value)
    assert threading.active_count() == threads
    assert set(os.listdir("/proc/self/fd")) == before
    server.start()
    assert httpx.get(f"http://127.0.0.1:{server.port}/live", timeout=20).status_code == 200
    server.stop()
