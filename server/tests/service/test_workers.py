"""Worker processes: one that lives keeps its place, and one that has died is replaced."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.web.running import until
from unseen_server.service import workers as module
from unseen_server.service.worker_main import WorkerSettings
from unseen_server.service.workers import Workers, _Place


class Idle(Workers):
    """Workers that do nothing until their standard input is closed."""

    processes: list[subprocess.Popen[str]]

    def _started(self, settings: WorkerSettings) -> subprocess.Popen[str]:
        process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.processes.append(process)
        return process


class Noted(threading.Event):
    """Event that notes the threads that wait for it, and how long at most."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: set[threading.Thread] = set()
        self.timeouts: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.timeouts.append(timeout)
        self.waiting.add(threading.current_thread())
        return super().wait(timeout)


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> Iterator[Idle]:
    monkeypatch.setattr(module, "_POLL_INTERVAL_S", 0.01)
    monkeypatch.setattr(module, "_STOP_SIGNAL_DELAY_S", 0.01)
    monkeypatch.setattr(module, "_FIRST_WAIT_S", 0.01)
    found = Idle(WorkerSettings(where="w", films_folder="f", model="m"), 2)
    found.processes = []
    found.start()
    yield found
    found.stop()
    assert all(process.poll() is not None for process in found.processes)


def test_workers_that_end_while_the_server_stops_are_neither_reported_nor_replaced(
    idle: Idle, caplog: pytest.LogCaptureFixture
) -> None:
    until(lambda: len(idle.processes) >= 2, 60)
    idle.stopping.set()
    for process in idle.processes:
        process.terminate()
        process.wait(60)
    idle.stop()
    assert "worker.died" not in caplog.text
    assert len(idle.processes) == 2


def test_workers_that_end_a_moment_before_the_server_stops_are_not_reported(
    idle: Idle, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    until(lambda: len(idle.processes) >= 2, 60)
    idle.stopping = stopping = Noted()
    monkeypatch.setattr(module, "_STOP_SIGNAL_DELAY_S", 60.0)
    for process in idle.processes:
        process.terminate()
        process.wait(60)
    looking = threading.Thread(target=idle._look, args=(idle._places[0],))
    looking.start()
    until(lambda: looking in stopping.waiting or not looking.is_alive(), 60)
    stopping.set()
    looking.join(60)
    assert not looking.is_alive()
    idle.stop()
    assert "worker.died" not in caplog.text
    assert len(idle.processes) == 2


def test_a_death_is_reported_after_the_delay_of_a_stop_signal_and_not_after_a_poll_interval(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_POLL_INTERVAL_S", 60.0)
    monkeypatch.setattr(module, "_STOP_SIGNAL_DELAY_S", 0.01)
    monkeypatch.setattr(module, "_FIRST_WAIT_S", 60.0)
    stopping = Noted()
    workers, place = Idle(WorkerSettings(where="w", films_folder="f", model="m"), 1, stopping), _Place(0)
    workers.processes = []
    workers._look(place)
    workers.processes[0].kill()
    workers.processes[0].wait(60)
    workers._look(place)
    assert stopping.timeouts == [0.01]
    assert "worker.died" in caplog.text
    assert len(workers.processes) == 1


def test_a_worker_that_leaves_for_other_settings_between_two_looks_at_it_is_not_reported(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STOP_SIGNAL_DELAY_S", 0.01)
    workers, place = Idle(WorkerSettings(where="w", films_folder="f", model="m"), 1), _Place(0)
    workers.processes = []
    workers._look(place)
    first = workers.processes[0]

    def ends_after_the_answer() -> int | None:
        found = subprocess.Popen.poll(first)
        first.wait(60)
        return found

    monkeypatch.setattr(first, "poll", ends_after_the_answer)
    workers.settings = replace(workers.settings, model="another")
    workers._look(place)
    workers._look(place)
    assert "worker.died" not in caplog.text
    assert place.process is workers.processes[1] and place.settings == workers.settings
    last = workers.processes[1]
    assert last.stdin is not None
    last.stdin.close()
    last.wait(60)


def test_a_worker_that_lives_stays_and_one_that_died_is_replaced(idle: Idle) -> None:
    until(lambda: len(idle.processes) >= 2, 60)
    first, second = idle.processes[:2]
    first.kill()
    until(lambda: len(idle.processes) >= 3, 60)
    assert second.stdin is not None and not second.stdin.closed, "closed, it would leave"
    until(lambda: idle.status().running == 2, 60)
    assert second.poll() is None
    assert len(idle.processes) == 3
