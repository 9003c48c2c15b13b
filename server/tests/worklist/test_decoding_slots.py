"""Two films of one sender are decoded at a time, and the films of other senders find a decoder."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.worklist.conftest import dicom_film, on_postgresql, png
from unseen.screening.screener import Screener
from unseen_server.worklist import film_worker as worker_module
from unseen_server.worklist import jobs
from unseen_server.worklist.decoding_slots import MOST_OF_A_SENDER, DecodingSlots
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.store import Store


@pytest.fixture
def taken(store: Store) -> Iterator[DecodingSlots]:
    """All slots of the sender `flood` are held."""
    slots = DecodingSlots(store.home / "decoding", wait_s=0)
    with contextlib.ExitStack() as stack:
        for _ in range(MOST_OF_A_SENDER):
            assert stack.enter_context(slots.taken("flood"))
        yield slots


def test_slots_are_those_of_each_sender_and_of_all_processes(store: Store, taken: DecodingSlots) -> None:
    again = DecodingSlots(store.home / "decoding", wait_s=0)
    with again.taken("flood") as one, again.taken("ward") as other:
        assert (one, other) == (False, True)


def test_a_slot_whose_process_was_killed_is_free(tmp_path: Path) -> None:
    hold = (
        "import sys, time\nfrom pathlib import Path\n"
        "from unseen_server.worklist.decoding_slots import DecodingSlots\n"
        "slots = DecodingSlots(Path(sys.argv[1]))\n"
        "with slots.taken('ward'), slots.taken('ward'):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", hold, str(tmp_path)], stdout=subprocess.PIPE)
    assert child.stdout and child.stdout.readline() == b"held\n"
    slots = DecodingSlots(tmp_path, wait_s=0)
    with slots.taken("ward") as free:
        assert not free
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    with slots.taken("ward") as free:
        assert free


@on_postgresql
def test_a_film_without_a_slot_waits_and_is_not_a_try(
    store: Store, screener: Screener, taken: DecodingSlots, clock: Any
) -> None:
    waits = store.films.receive(dicom_film(1), name="a", source="flood")
    scored = store.films.receive(dicom_film(2), name="b", source="clinic")
    worker = Worker(store, lambda: screener)
    worker._slots.wait_s = 0
    worker.drain()
    assert store.studies.details(scored.study).entry.state == "to_read"
    assert store.studies.details(waits.study).entry.state == "received"
    clock.now += 5
    job = jobs.claim(store.site)
    assert job is not None and (job.film, job.tries) == (waits.film_id, 1)


def test_the_film_is_scored_once_a_slot_is_free(store: Store, screener: Screener, clock: Any) -> None:
    name = store.films.receive(dicom_film(1), name="a", source="flood").study
    worker = Worker(store, lambda: screener)
    worker._slots.wait_s = 0
    slots = DecodingSlots(store.home / "decoding", wait_s=0)
    with slots.taken("flood"), slots.taken("flood"):
        worker.drain()
    clock.now += 5
    worker.drain()
    assert store.studies.details(name).entry.state == "to_read"


@on_postgresql
def test_a_sender_with_two_films_in_hand_comes_after_the_others(store: Store) -> None:
    for number in range(6):
        store.films.receive(png(number), name=f"{number}", source="flood")
    other = store.films.receive(png(9), name="9", source="clinic").film_id
    claimed = [jobs.claim(store.site) for _ in range(4)]
    assert [job is not None and job.source for job in claimed] == ["flood", "flood", "clinic", "flood"]
    assert claimed[2] is not None and claimed[2].film == other


def test_never_more_than_two_films_of_a_sender_are_decoded(
    store: Store, screener: Screener, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        store.films.receive(dicom_film(number), name=f"{number}", source=("flood", "clinic")[number % 6 == 5])
    now: Counter[str] = Counter()
    most: Counter[str] = Counter()
    lock = threading.Lock()
    read = worker_module.read_film

    def counted(entry: Any) -> Any:
        with lock:
            now[entry.source] += 1
            most[entry.source] = max(most[entry.source], now[entry.source])
        try:
            return read(entry)
        finally:
            with lock:
                now[entry.source] -= 1

    monkeypatch.setattr(worker_module, "read_film", counted)
    with ThreadPoolExecutor(5) as threads:
        list(threads.map(lambda number: Worker(store, lambda: screener, name=f"{number}").drain(), range(5)))
    assert 1 <= most["flood"] <= MOST_OF_A_SENDER and most["clinic"] >= 1
    assert store.jobs.counts().done == 12
