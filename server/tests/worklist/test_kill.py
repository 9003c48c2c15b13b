"""SIGKILL to senders and workers at random moments: what was acknowledged is stored once, scored once, listed once."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy

from tests.fork_server import ForkServer
from tests.worklist.conftest import MakePlace, Place, listed
from unseen_server.worklist.states import SHELVES
from unseen_server.worklist.store import Store
from unseen_server.worklist.tables import findings

ROOT = Path(__file__).parents[3]
USUAL, LONG = 3, 200


@pytest.fixture(scope="module")
def victims() -> Iterator[ForkServer]:
    """The server of `victim.py`."""
    with ForkServer(ROOT / "server" / "tests" / "worklist" / "victim.py") as server:
        yield server


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def acknowledged(log: Path) -> dict[int, str]:
    """Number → SHA-256 of what was acknowledged; a last line that was cut off was not."""
    lines = log.read_text().splitlines(keepends=True) if log.exists() else []
    return {int(number): digest for line in lines if line.endswith("\n") for number, digest in [line.split()]}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(USUAL, marks=pytest.mark.slow),
        pytest.param(LONG, marks=[pytest.mark.nightly, pytest.mark.timeout(2700)]),
    ],
)
def test_what_was_acknowledged_is_never_lost(
    victims: ForkServer, make_place: MakePlace, kind: str, kills: int, tmp_path: Path, soak_record: Callable[..., None]
) -> None:
    place, log, rng = make_place(kind), tmp_path / "acknowledged", random.Random(kills)
    place.open().close()
    start: dict[str, Callable[[], int]] = {
        "sender": lambda: victims.ask("send", place.where, place.home, log, max(acknowledged(log), default=-1) + 1),
        "worker": lambda: victims.ask("work", place.where, place.home),
        "other worker": lambda: victims.ask("work", place.where, place.home),
    }
    running = {name: begin() for name, begin in start.items()}
    killed: Counter[str] = Counter()
    try:
        for number in range(kills):
            time.sleep(rng.uniform(0.1, 1.2 if kills == LONG else 0.6))
            name = list(start)[number % len(start)]
            os.kill(running[name], signal.SIGKILL)
            killed[name] += 1
            running[name] = start[name]()
        while len(acknowledged(log)) < kills:  # on a machine so busy that nothing came of it
            time.sleep(0.1)
    finally:
        os.kill(running["sender"], signal.SIGKILL)
    finish(place, running)
    with place.open() as store:
        films = check(store, acknowledged(log), senders=killed["sender"] + 1)
    assert min(killed.values()) >= kills // len(start)
    soak_record(f"worklist-kills-{kind}", kills=kills, acknowledged=len(acknowledged(log)), films=films)


def finish(place: Place, running: dict[str, int]) -> None:
    """Wait until the workers have scored everything, then tell them to stop; they do."""
    workers = [process for name, process in running.items() if name != "sender"]
    with place.open() as store:
        until = time.monotonic() + 300
        while store.jobs.counts().waiting and time.monotonic() < until:
            time.sleep(0.1)
    for process in workers:
        os.kill(process, signal.SIGTERM)
    began = time.monotonic()
    while any(map(alive, workers)) and time.monotonic() - began < 60:
        time.sleep(0.02)
    assert not any(map(alive, workers)), "a worker that was told to stop still runs"


def check(store: Store, sent: dict[int, str], *, senders: int) -> int:
    """Everything that must hold; returns how many films are in the store."""
    store.sweep()
    assert store.audit.verify() is None
    queue = store.jobs.counts()
    assert (queue.waiting, queue.dead) == (0, 0)
    lists = {tab: listed(store, tab) for tab in (*SHELVES, "all")}
    studies = lists.pop("all")
    assert Counter(study for found in lists.values() for study in found) == Counter(studies), "listed once"
    assert max(Counter(studies).values()) == 1
    stored: Counter[str] = Counter()
    for name in studies:
        whole = store.studies.details(name, blind=False)
        for film in whole.films:
            stored[film.sha256] += 1
            assert film.judged and len(film.findings) == 1, "scored once"
            assert hashlib.sha256(store.films.path(film.film).read_bytes()).hexdigest() == film.sha256
            drawn = film.findings[0].map_sha256
            assert (
                drawn is not None
                and hashlib.sha256(store.findings.map_path(film.film).read_bytes()).hexdigest() == drawn
            )
        assert Counter(event.action for event in whole.history) == {
            "film.received": 1,
            "film.scored": 1,
            "study.judged": 1,
        }
    assert set(stored.values()) == {1} and set(sent.values()) <= set(stored), "stored once"
    assert len(stored) - len(sent) <= senders, "and at most the film that each sender had in hand when it was killed"
    files = {path.name for path in store.site.films.path.rglob("*") if path.is_file() and path.suffix != ".tmp"}
    assert files == set(stored)
    with store.database.reading() as connection:
        rows = connection.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(findings)).scalar_one()
    assert rows == len(stored)
    return len(stored)
