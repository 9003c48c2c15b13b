"""`unseen pacs` as a process: it says where it listens, ends when asked to, and loses nothing when it is killed."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import LIMITS, begin
from tests.pacs.conftest import DX, PATIENCE_S, PLAIN, associated, dcmtk, film, free_port, soon
from tests.warm_python import Started
from unseen_server.worklist.store import Store

Program = Callable[..., str]


@contextmanager
def running(folder: Path, port: int) -> Iterator[Started]:
    """Yield the command over `folder`, when it listens; killed at the end of the block if it still runs."""
    (folder / "pacs.toml").write_text(
        f'host = "127.0.0.1"\nport = {port}\n[[peers]]\nname = "ward"\nae_title = "WARD"\nhost = "127.0.0.1"\n'
    )
    said = folder / "said"
    words = ("pacs", "--config", folder / "pacs.toml", "--folder", folder / "worklist")
    said.unlink(missing_ok=True)  # of an earlier run
    started = begin(*words, err=said)
    try:
        soon(
            lambda: started.poll() is not None or (said.exists() and LIMITS in said.read_text()),  # its last line
            "the node to listen",
        )
        assert started.poll() is None, said.read_text()
        yield started
    finally:
        started.kill()
        started.wait(PATIENCE_S)


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.nightly)])
def test_the_command_runs_a_node_until_it_is_asked_to_end(folder: Path, program: Program, number: int) -> None:
    port = free_port()
    with running(folder, port) as node:
        said = (folder / "said").read_text()
        assert f"TRIAGE listens on 127.0.0.1:{port}" in said and LIMITS in said
        done = dcmtk(program("echoscu"), "-aet", "WARD", "-aec", "TRIAGE", "127.0.0.1", port)
        assert done.returncode == 0, done.stderr
        with associated(port, [(DX, PLAIN)]):
            node.send_signal(number)
            assert node.wait(PATIENCE_S) == 0


def test_the_log_warns_of_a_new_worklist_and_only_of_a_new_one(folder: Path) -> None:
    made = f"worklist.made folder={folder / 'worklist'}"
    port = free_port()
    with running(folder, port):
        assert made in (folder / "said").read_text()
    with running(folder, port):
        assert made not in (folder / "said").read_text()


def sent_until_it_dies(port: int, numbers: Iterator[int], node: Started, films: int) -> list[int]:
    """Return the films that were acknowledged; the node is killed while one more is on its way."""
    acknowledged = []
    with associated(port, [(DX, PLAIN)]) as association:
        for count, number in enumerate(numbers):
            if count == films:
                node.kill()
            answer = association.send_c_store(film(number)) if association.is_established else None
            if answer is None or "Status" not in answer:
                return acknowledged
            assert answer.Status == 0x0000
            acknowledged.append(number)
    raise AssertionError("it did not die")


@pytest.mark.slow
def test_what_a_killed_node_has_acknowledged_is_there_once(folder: Path) -> None:
    port, numbers = free_port(), iter(range(1, 10_000))
    acknowledged: list[int] = []
    for films in (0, 3):
        with running(folder, port) as node:
            acknowledged += sent_until_it_dies(port, numbers, node, films)
    assert len(acknowledged) >= 3
    with Store.open(folder / "worklist") as store:
        assert all(store.films.holds(f"1.2.3.4.{number}") for number in acknowledged)
        with store.database.reading() as connection:
            instances = connection.exec_driver_sql("SELECT instance FROM films").scalars().all()
        assert len(instances) == len(set(instances))
        assert len(acknowledged) <= len(instances) <= len(acknowledged) + 2
