"""SIGKILL to `serve` and `worker` at random moments under load: each acknowledged film is kept, scored and listed once.

A client in a process of its own logs each acknowledgement, flushed to the disk. In the end its log is joined to the
worklist by SHA-256.
"""

from __future__ import annotations

import collections
import hashlib
import io
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.fork_server import ForkServer
from tests.web.conftest import token_of
from tests.web.running import until
from tests.worklist.conftest import MakePlace, Place, listed
from unseen.anatomy.network_view import View
from unseen.data.phantoms import abnormals, normals
from unseen.detectors.pca import Pca
from unseen.detectors.saved import save
from unseen_server.worklist.store import Store

pytestmark = pytest.mark.slow
USUAL, LONG = 3, 200  # kills
FILMS_A_KILL = 10
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def victims() -> Iterator[ForkServer]:
    with ForkServer(HERE / "victims.py") as server:
        yield server


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector that looks at the whole film: a few milliseconds each, so that the queue is what takes time."""
    folder = tmp_path_factory.mktemp("model") / "pca"
    detector = Pca(Pca.Config(components=4), view=View(frame="whole", size=32)).fit(normals(8, size=64))
    save(detector, folder)
    return folder


@pytest.fixture(scope="module")
def phantoms() -> list[np.ndarray]:
    return [film.pixels for films in (normals(4, seed=5, size=64), abnormals(4, seed=5, size=64)) for film in films]


def write_films(phantoms: list[np.ndarray], folder: Path, *, count: int) -> dict[str, bytes]:
    """`count` different small films by digest: phantoms, each with noise of its own."""
    folder.mkdir()
    made = {}
    for number in range(count):
        noise = np.random.default_rng(number).normal(0, 0.02, (64, 64))
        pixels = np.clip(phantoms[number % len(phantoms)] + noise, 0, 1)
        written = io.BytesIO()
        Image.fromarray(np.asarray(pixels * 255, dtype=np.uint8)).save(written, format="PNG")
        (folder / f"{number:05}.png").write_bytes(written.getvalue())
        made[hashlib.sha256(written.getvalue()).hexdigest()] = written.getvalue()
    assert len(made) == count
    return made


def kill_under_load(
    victims: ForkServer, place: Place, model: Path, films: Path, log: Path, *, kills: int
) -> collections.Counter[str]:
    """Run both processes with a client, kill one or both at random moments, start them again; then let all end."""
    choice = random.Random(kills)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with place.open() as store:
        token = token_of(store, "modality", "reader")
    start = {
        "serve": lambda: victims.ask("serve", place.where, place.home, port),
        "worker": lambda: victims.ask("worker", place.where, place.home, model),
    }
    pids = {kind: begin() for kind, begin in start.items()}
    sender = subprocess.Popen(
        [sys.executable, str(HERE / "sender.py"), f"http://127.0.0.1:{port}/api/v1", token, str(films), str(log)],
        stdin=subprocess.PIPE,
    )
    dead: collections.Counter[str] = collections.Counter()
    try:
        until(lambda: acknowledged(log), 60)
        while sum(dead.values()) < kills:
            target = len(acknowledged(log)) + choice.randint(1, 6)
            if choice.random() < 0.7:  # otherwise at once: while they start
                until(lambda target=target: len(acknowledged(log)) >= target, 60)
            if choice.random() < 0.5:  # aim at a film that is coming in
                aim = time.monotonic() + 1
                while time.monotonic() < aim and not os.listdir(place.home / "films" / "incoming"):
                    time.sleep(0.0002)  # a film is there for longer
            else:
                time.sleep(choice.uniform(0, 0.3))
            for kind in choice.choice((["serve"], ["worker"], ["serve", "worker"])):
                os.kill(pids[kind], signal.SIGKILL)
                assert victims.ask("reap", pids[kind]) == -signal.SIGKILL, f"{kind} ended of itself\n{victims.log()}"
                dead[kind] += 1
                pids[kind] = start[kind]()
            assert sender.poll() is None, "the sender must go on"
        assert sender.stdin is not None
        sender.stdin.close()
        assert sender.wait(timeout=300) == 0
        with place.open() as store:
            until(lambda: store.jobs.counts().waiting == 0, 300)
    finally:
        sender.kill()
        sender.wait()
        ended = {}
        for kind, pid in pids.items():
            os.kill(pid, signal.SIGTERM)
            ended[kind] = victims.ask("reap", pid)
    assert set(ended.values()) == {0}, f"{ended}\n{victims.log()}"
    return dead


def acknowledged(log: Path) -> list[tuple[str, str]]:
    """Return the whole lines of the client's log."""
    if not log.exists():
        return []
    return [(sha, film) for sha, film in (line.split("\t") for line in log.read_text().split("\n")[:-1])]


def check_that_nothing_was_lost(store: Store, sent: dict[str, bytes], log: list[tuple[str, str]]) -> None:
    names = collections.defaultdict(set)
    for sha256, film in log:
        names[sha256].add(film)
    assert set(names) == set(sent), "in the end the client has an acknowledgement for each film"
    assert all(len(called) == 1 for called in names.values()), "one name for each film"

    for sha256, data in sent.items():
        assert store.site.films.of(sha256).read_bytes() == data, "stored, byte for byte"
    stored = [path.name for path in (store.home / "films").rglob("*") if path.is_file() and path.suffix != ".tmp"]
    assert sorted(stored) == sorted(sent), "and nothing else"

    order = listed(store, "all")
    assert len(order) == len(set(order)) == len(sent), "listed once"
    assert sorted(listed(store, "to_read")) == sorted(order)
    seen = collections.Counter[str]()
    for name in order:
        study = store.studies.details(name, blind=False)
        (film,) = study.films
        (finding,) = film.findings
        assert names[film.sha256] == {film.film}
        assert finding.score is not None and film.judged, study.entry.reason
        seen[film.sha256] += 1
        actions = collections.Counter(event.action for event in study.history)
        assert (actions["film.received"], actions["film.scored"]) == (1, 1), actions
        assert store.findings.map_path(film.film).exists()
    assert seen == dict.fromkeys(sent, 1), "scored once"
    assert store.audit.verify() is None
    queue = store.jobs.counts()
    assert (queue.waiting, queue.dead, queue.done) == (0, 0, len(sent))


@pytest.fixture
def run(
    victims: ForkServer, model: Path, phantoms: list[np.ndarray], make_place: MakePlace, tmp_path: Path
) -> Callable[[str, int], dict[str, Any]]:
    """`run("sqlite", 20)`: so many kills under load, then the check; returns what happened."""

    def killed(kind: str, kills: int) -> dict[str, Any]:
        place = make_place(kind)
        sent = write_films(phantoms, tmp_path / "films", count=FILMS_A_KILL * kills)
        log = tmp_path / "acknowledged.tsv"
        dead = kill_under_load(victims, place, model, tmp_path / "films", log, kills=kills)
        with place.open() as store:
            check_that_nothing_was_lost(store, sent, acknowledged(log))
        return {
            "kills": sum(dead.values()),
            "serve_kills": dead["serve"],
            "worker_kills": dead["worker"],
            "films": len(sent),
            "acknowledgements": len(acknowledged(log)),
        }

    return killed


@pytest.mark.parametrize("kind", [pytest.param("sqlite", marks=pytest.mark.nightly), "postgresql"])
def test_no_acknowledged_film_is_lost(run: Callable[[str, int], dict[str, Any]], kind: str) -> None:
    found = run(kind, USUAL)
    assert found["kills"] >= USUAL and min(found["serve_kills"], found["worker_kills"]) > 0


@pytest.mark.nightly
def test_no_acknowledged_film_is_lost_in_the_long_run(
    run: Callable[[str, int], dict[str, Any]], soak_record: Callable[..., None]
) -> None:
    found = run("sqlite", LONG)
    soak_record("serving", **found, usual_kills=USUAL, lost=0)
