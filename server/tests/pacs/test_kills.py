"""SIGKILL to node, sender and worker at random moments: a film is stored once, and its result kept once."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fork_server import ForkServer
from tests.pacs.conftest import archive
from tests.pacs.test_delivery import COMMITMENT, SR, committing
from tests.worklist.conftest import MakePlace, listed
from tests.worklist.test_kill import alive
from unseen_server.worklist.store import Store

ROOT = Path(__file__).parents[3]
USUAL, LONG = 3, 200
_FINISH_S = 300.0


@pytest.fixture(scope="module")
def victims() -> Iterator[ForkServer]:
    """The server of `victim.py`."""
    with ForkServer(ROOT / "server" / "tests" / "pacs" / "victim.py") as server:
        yield server


def acknowledged(log: Path) -> list[int]:
    """Numbers of the films that were acknowledged; a last line that was cut off was not."""
    lines = log.read_text().splitlines(keepends=True) if log.exists() else []
    return [int(line) for line in lines if line.endswith("\n")]


LONG_ONE = [pytest.mark.nightly, pytest.mark.timeout(2700)]


@pytest.mark.parametrize(
    "kind, kills",
    [
        pytest.param("postgresql", USUAL, marks=pytest.mark.slow),
        pytest.param("postgresql", LONG, marks=LONG_ONE),
        pytest.param("sqlite", LONG, marks=LONG_ONE),
    ],
)
def test_what_was_acknowledged_is_stored_once_and_its_result_kept_once(
    victims: ForkServer, make_place: MakePlace, kind: str, kills: int, tmp_path: Path, soak_record: Callable[..., None]
) -> None:
    place, log, rng = make_place(kind), tmp_path / "acknowledged", random.Random(kills)
    place.open().close()
    port, configuration = port_of_a_server(), tmp_path / "pacs.toml"
    with archive(classes=(SR, COMMITMENT), handlers=committing()) as there:
        configuration.write_text(
            f'host = "127.0.0.1"\nport = {port}\nsettle_s = 0\n'
            '[[peers]]\nname = "ward"\nae_title = "WARD"\nhost = "127.0.0.1"\n'
            f'[[peers]]\nname = "archive"\nae_title = "ARCHIVE"\nhost = "127.0.0.1"\nport = {there.port}\n'
            'send = ["sr"]\n'
        )
        start: dict[str, Callable[[], int]] = {
            "node": lambda: victims.ask("node", configuration, place.where, place.home),
            "sender": lambda: victims.ask("send", port, log, max(acknowledged(log), default=-1) + 1),
            "worker": lambda: victims.ask("work", place.where, place.home),
        }
        running = {name: begin() for name, begin in start.items()}
        killed: Counter[str] = Counter()
        try:
            for number in range(kills):
                time.sleep(rng.uniform(0.2, 1.2))
                name = ("node", "worker", "node", "sender")[number % 4]
                os.kill(running[name], signal.SIGKILL)
                killed[name] += 1
                while alive(running[name]):  # its port is free then
                    time.sleep(0.01)
                running[name] = start[name]()
            while len(acknowledged(log)) < kills:
                time.sleep(0.1)
            os.kill(running["sender"], signal.SIGKILL)
            sent = acknowledged(log)
            with place.open() as store:
                finish(store, running["node"])
                check(store, sent, [str(one.SOPInstanceUID) for one in there.stored])
        finally:
            for process in running.values():
                if alive(process):
                    os.kill(process, signal.SIGKILL)
    assert killed["node"] >= 2
    soak_record(f"pacs-kills-{kind}", kills=kills, acknowledged=len(sent), stored=len(there.stored))


def port_of_a_server() -> int:
    """Return a free port that no client is given: one of those could take it while the node is down."""
    while True:
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port := random.SystemRandom().randrange(20_000, 30_000)))
            except OSError:
                continue
            return port


def finish(store: Store, node: int) -> None:
    """Wait until everything is scored, and every result is kept."""
    until = time.monotonic() + _FINISH_S
    while time.monotonic() < until:
        if not store.jobs.counts().waiting and {state for _, state in store.outbox.counts()} == {"kept"}:
            return
        assert alive(node), "the node ended by itself"
        time.sleep(0.1)
    unsent = [row for row in store.outbox.list() if row.state != "kept"]
    raise AssertionError(f"not done after {_FINISH_S:g} s: {store.jobs.counts()}, {unsent}")


def check(store: Store, sent: list[int], stored: list[str]) -> None:
    """Everything that must hold: `sent` were acknowledged, `stored` are the instances that the archive was sent."""
    store.sweep()
    assert store.audit.verify() is None
    studies = listed(store, "all")
    assert max(Counter(studies).values()) == 1
    films: Counter[str] = Counter()
    for name in studies:
        whole = store.studies.details(name, blind=False)
        films.update(film.sha256 for film in whole.films)
        given_up = any(event.action == "film.given_up" for event in whole.history)  # five workers were killed with it
        assert all(film.judged and len(film.findings) == 1 - given_up for film in whole.films), whole
    assert all(store.films.holds(f"1.2.3.4.{number}") for number in sent), "acknowledged, so stored"
    assert set(films.values()) == {1} and len(sent) <= len(films)
    rows = store.outbox.list(most=10_000)
    assert len(rows) == len(studies) and {row.state for row in rows} == {"kept"}
    assert len(set(stored)) == len(rows), "one report a result, whatever was sent twice"
