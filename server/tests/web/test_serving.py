"""`unseen serve` as a process: how it starts, refuses, scores, stops; and what hostile films do to it."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import re
import signal
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
from PIL import Image

from tests.cli.conftest import run
from tests.warm_python import warm_python
from tests.web.running import UNSEEN, Running, until
from tests.worklist.conftest import MakePlace, png
from unseen.artifacts.bundle import BundleError
from unseen.cli.console import UsageError
from unseen.data.phantoms import normals
from unseen.screening.policy import PolicyError
from unseen.screening.screener import Screener
from unseen_server.cli.serve import serve
from unseen_server.web.server import ServingError
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.store import Store

pytestmark = pytest.mark.slow
RAW = {"Content-Type": "application/octet-stream"}


def phantom(number: int) -> bytes:
    (film,) = normals(1, seed=number, size=64)
    written = io.BytesIO()
    Image.fromarray(np.asarray(film.pixels * 255, dtype=np.uint8)).save(written, format="PNG")
    return written.getvalue()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "worklist"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with a worker, for tests that leave it as it is."""
    home = tmp_path_factory.mktemp("serving") / "worklist"
    watched = home.with_name("incoming")
    watched.mkdir()
    words = ("--folder", home, "--port", "0", "--watch", watched, "--model", "models/pca", "--also", "models/roi-sure")
    with Running(*words) as running:
        yield running.started()


@pytest.fixture(scope="module")
def someone(server: Running) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


def send(client: httpx.Client, data: bytes) -> str:
    return str(client.post("films", content=data, headers=RAW).raise_for_status().json()["film"])


def judged(client: httpx.Client, film: str) -> dict[str, str]:
    until(lambda: client.get(f"films/{film}").json()["film"]["judged"], 90)
    study: dict[str, str] = client.get(f"films/{film}").json()["study"]
    return study


def test_a_film_is_scored_by_the_servers_own_worker(server: Running, someone: httpx.Client) -> None:
    film = send(someone, phantom(1))
    assert judged(someone, film)["state"] in ("to_read", "not_scored")
    decides, compares = someone.get("models").json()["models"]
    assert (decides["name"], decides["role"], decides["policy"]) == ("pca", "decides", None)
    assert (compares["key"], compares["role"], compares["policy"]) == ("roi-sure", "compares", None)
    assert (compares["size"], compares["frame"]) == (64, "lungs")
    findings = someone.get(f"films/{film}").json()["film"]["findings"]
    assert {finding["model"] for finding in findings} == {decides["weights_sha256"], compares["weights_sha256"]}
    assert httpx.get(f"{server.base}/health", verify=False).json()["workers"] == {"wanted": 1, "running": 1, "ready": 1}


def bomb() -> bytes:
    """A PNG of two megabytes whose image has 40,000 × 40,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    side, piece = 40_000, 2**20
    head = side.to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = pack.compress(bytes(piece)) + pack.flush(zlib.Z_FULL_FLUSH)  # such blocks may follow each other
    blocks, rest = divmod(side * (side + 1), piece)
    last = pack.compress(bytes(rest)) + pack.flush()
    adler = (side * (side + 1) % 65521 << 16) + 1  # of nothing but zeros
    rows = b"\x78\x9c" + block * blocks + last + adler.to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "hostile",
    [bomb, lambda: b"<html>", lambda: os.urandom(5000), lambda: bytes(128) + b"DICM" + os.urandom(400),
     lambda: b"\x80\x04\x95" + b"cos\nsystem\n(S'touch pwned'\ntR."],
    ids=["bomb", "html", "noise", "broken-dicom", "pickle"],
)  # fmt: skip
def test_a_hostile_file_is_not_scored_and_the_server_lives(someone: httpx.Client, hostile: Callable[[], bytes]) -> None:
    film = send(someone, hostile())
    study = judged(someone, film)
    assert study["state"] == "not_scored" and study["reason"]
    assert someone.get(f"films/{film}/preview.png").status_code == 422
    assert someone.get("health").json()["workers"]["running"] == 1
    assert judged(someone, send(someone, phantom(2)))["state"] in ("to_read", "not_scored")


def test_the_watched_folder_is_received(server: Running, someone: httpx.Client) -> None:
    watched = Path(server.process.args[server.process.args.index("--watch") + 1])  # type: ignore[union-attr]
    (watched / "film.png").write_bytes(phantom(3))
    until(lambda: list(watched.glob(".done/*/film.png")), 60)
    assert someone.get("studies/sources").json()["sources"] == ["unknown"]


def test_a_partial_upload_leaves_nothing(server: Running, someone: httpx.Client) -> None:
    home = Path(server.process.args[server.process.args.index("--folder") + 1])  # type: ignore[union-attr]
    before = {path for path in (home / "films").rglob("*") if path.is_file()}
    token = someone.headers["authorization"]
    port = int(server.base.split(":")[2].split("/")[0])
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(
            f"POST /api/v1/films HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {token}\r\n"
            "Content-Length: 100000\r\n\r\n".encode()
            + b"x" * 50_000
        )
        until(lambda: set((home / "films").rglob("*.tmp")), 30)
    until(lambda: {path for path in (home / "films").rglob("*") if path.is_file()} == before, 30)
    assert someone.get("health").status_code == 200


def test_health_is_told_while_films_come_in(server: Running, someone: httpx.Client) -> None:
    over = threading.Event()

    def load(seed: int) -> None:
        with httpx.Client(base_url=server.base, headers=someone.headers, timeout=60, verify=False) as client:
            number = 0
            while not over.is_set():
                send(client, png(1000 * seed + number))
                number += 1

    senders = [threading.Thread(target=load, args=(seed,)) for seed in (1, 2, 3)]
    for sender in senders:
        sender.start()
    try:
        for _ in range(4):
            told = httpx.get(f"{server.base}/health", timeout=30, verify=False)
            assert told.status_code == 200 and told.json()["status"] == "ok", told.text
            time.sleep(0.1)
    finally:
        over.set()
        for sender in senders:
            sender.join()


def test_the_log_names_no_film_and_no_search(server: Running, someone: httpx.Client) -> None:
    someone.post("films", content=png(77), headers=RAW | {"X-Film-Name": "Doe^Jane.png"})
    someone.post("studies/search", json={"text": "4711-0815"})
    someone.get("films/Doe-Jane", params={"x": "4711-0815"})
    assert "film.acknowledged id=f-" in server.log
    assert "Doe" not in server.log and "4711-0815" not in server.log  # "4711" alone may stand in a film's id


def test_a_second_server_on_the_port_says_so(server: Running, home: Path) -> None:
    port = server.base.split(":")[2].split("/")[0]
    refused(home, "--port", port, sentence=f"http://127.0.0.1:{port}: another program listens there")


def test_a_second_server_on_the_worklist_serves_and_names_the_first(home: Path) -> None:
    with Running("--folder", home, "--port", "0") as first:
        first.started()
        assert "another" not in first.log, first.log
        with Running("--folder", home, "--port", "0") as second:
            second.started()
            until(lambda: "warning" in second.log, 30)
            base = first.base.removesuffix("/api/v1")
            process = f"process {first.process.pid}, {base}."
            assert f"another `unseen serve` uses this worklist: {process}" in second.log, second.log
            assert f"`kill {first.process.pid}`" in second.log, second.log
        assert len(list((home / "servers").iterdir())) == 2, "the second was killed"
        with Running("--folder", home, "--port", "0") as third:
            third.started()
            until(lambda: "warning" in third.log, 30)
            assert third.log.count("another `unseen serve`") == 1, third.log
            assert third.stop() == 0
        assert len(list((home / "servers").iterdir())) == 1
        first.process.kill()
        first.process.wait()
    with Running("--folder", home, "--port", "0") as alone:
        alone.started()
        assert alone.stop() == 0
        assert "another" not in alone.log, alone.log
    assert not list((home / "servers").iterdir())


def refused(home: Path, *words: str | Path, sentence: str, and_also: str = "") -> None:
    done = run("serve", "--folder", home, *words)
    assert done.code == 2, done.err
    told = " ".join(done.err.split())
    assert sentence in told and and_also in told and "Traceback" not in told, done.err


def test_others_are_not_served_where_nobody_has_an_account(home: Path) -> None:
    command = f"invite NAME --role admin --folder {home.resolve()}"
    everywhere = ("--host", "0.0.0.0", "--port", "0")
    refused(home, *everywhere, sentence="nobody has an account. Make one with `", and_also=f"{command}`; or serve")
    public = ("--public", "https://a.example")
    refused(home, *public, "--port", "0", sentence=f"{command} --public https://a.example`; or serve")


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"public": "https://a.example"}, "nobody has an account"),
        ({"public": "a.example"}, "Write it as https://"),
        ({"host": "203.0.113.1"}, "cannot be listened at"),
        ({"watch": Path("nothing")}, "not a folder"),
        ({"model": Path("nothing")}, "nothing: not a bundle"),
        ({"model": Path("models/lungs")}, "not a detector"),
        ({"policy": Path("policy.json")}, "--policy goes with --model"),
        ({"also": [Path("models/pca")]}, "--also goes with --model"),
        ({"model": Path("models/pca"), "also": [Path("models/lungs")]}, "not a detector"),
        ({"model": Path("models/pca"), "also": [Path("models/pca")]}, "the same weights as models/pca"),
        ({"model": Path("models/roi-sure"), "also": [Path("models/pca")] * 2}, "Give each model once"),
        ({"model": Path("models/pca"), "policy": Path("nothing")}, "cannot be read"),
        ({"url": "mysql://a/b"}, "not a database that worklists are kept in"),
    ],
)
def test_what_cannot_be_served_is_a_sentence(home: Path, asked: dict[str, Any], sentence: str) -> None:
    words: dict[str, Any] = dict.fromkeys(("url", "public", "watch", "model", "policy"))
    with pytest.raises((WorklistError, ServingError, BundleError, PolicyError, UsageError), match=sentence):
        serve(home, **(words | {"host": "127.0.0.1", "port": 0, "workers": 1} | asked))


def test_the_sign_in_link_is_printed_before_the_address_of_the_api(server: Running) -> None:
    lines = [line for line in server.lines if "http" in line]
    assert len(lines) == 2, server.log
    assert re.fullmatch(
        rf"Open this link in a browser to sign in \(it works once, within ten minutes\): {server.base[:-7]}"
        r"/sign-in#link=\S+\n",
        lines[0],
    )
    assert server.base.endswith("/api/v1")
    description = re.fullmatch(rf"For programs, unseen serves {server.base} and describes it at (http\S+)\n", lines[1])
    assert description is not None and httpx.get(description[1], timeout=90).json()["openapi"]
    assert "Ctrl-C" not in server.log, "no person sits at this server's output"


def test_a_person_at_a_terminal_reads_once_how_to_stop_the_server(home: Path) -> None:
    ours, theirs = pty.openpty()
    streams = [os.devnull, os.devnull, os.ttyname(theirs)]
    words = ("serve", "--folder", home, "--port", "0")
    program = warm_python().start_on(UNSEEN, *words, cwd=Path.cwd(), environment=os.environ, streams=streams)
    lines = []
    try:
        with open(ours, encoding="utf-8", newline="\r\n") as terminal:
            for line in terminal:
                lines.append(line)
                if "Ctrl-C" in line:
                    break
            program.send_signal(signal.SIGINT)
            os.close(theirs)
            with contextlib.suppress(OSError):  # EIO: the program has closed the terminal
                lines += terminal
    finally:
        assert program.wait(60) == 0, lines
    assert [line.strip() for line in lines if "Ctrl-C" in line] == ["Press Ctrl-C to stop the server."]


def test_others_are_served_where_somebody_has_an_account(home: Path) -> None:
    with Store.open(home) as store:
        store.accounts.add("ada", "correct horse battery", "admin", actor="test")
    with Running("--folder", home, "--host", "0.0.0.0", "--port", "0") as running:
        until(lambda: "unseen serves" in running.log, 90)
        assert "link=" not in running.log, "the link is for this machine alone"
        assert running.stop() == 0


def test_it_stops_when_told_and_its_workers_with_it(home: Path) -> None:
    with Running("--folder", home, "--port", "0", "--model", "models/pca", "--workers", "2") as running:
        running.started()
        until(lambda: len(workers_of(running)) == 2, 30)
        workers = workers_of(running)
        for worker in workers:
            worker.terminate()  # as for a SIGTERM to the group: a service manager's, or Ctrl-C in a terminal
        assert running.stop() == 0, running.log
        assert "worker.died" not in running.log, running.log
        assert not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers)
        assert "Traceback" not in running.log, running.log


def test_a_worker_that_dies_is_replaced_and_outlives_no_server(home: Path) -> None:
    with Running("--folder", home, "--port", "0", "--model", "models/pca") as running:
        running.started()
        until(lambda: workers_of(running), 30)
        (first,) = workers_of(running)
        first.kill()
        first.wait(60)
        until(lambda: workers_of(running), 60)
        (second,) = workers_of(running)
        until(lambda: httpx.get(f"{running.base}/health", verify=False).json()["workers"]["ready"] == 1, 90)
        assert "worker.died number=0 status=-9" in running.log
        running.process.kill()
        until(lambda: not second.is_running() or second.status() == psutil.STATUS_ZOMBIE, 60)


def workers_of(running: Running) -> list[psutil.Process]:
    try:
        below = psutil.Process(running.process.pid).children(recursive=True)
        return [child for child in below if child.name() == "worker_main"]
    except psutil.NoSuchProcess:
        return []


def test_it_serves_from_postgresql(make_place: MakePlace, screener: Screener) -> None:
    place = make_place("postgresql")
    words = ("--folder", place.home, "--url", place.where, "--port", "0")
    with Running(*words) as running, Running(*words) as another:
        assert another.started().stop() == 0
        assert "another" not in another.log, "several servers on one database are usual"
        with running.started().client() as client:
            film = send(client, phantom(5))
            with place.open() as store:
                assert Worker(store, lambda: screener).drain() == 1
            assert judged(client, film)["state"] in ("to_read", "not_scored")
            assert client.post("audit/verify", json={}).json()["whole"] is True
        assert running.stop() == 0
