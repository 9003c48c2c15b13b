"""Worker processes: gone when the block is left, however it is left; one that is killed is told in a sentence."""

from __future__ import annotations

import os
import time
from multiprocessing import active_children

import pytest

from unseen.runs.process_pool import worker_processes
from unseen.training.settings import TrainingError


@pytest.mark.parametrize("number", [1, pytest.param(2, marks=pytest.mark.nightly)])
def test_work_is_done_in_other_processes(number: int) -> None:
    with worker_processes(number) as pool:
        assert os.getpid() not in {pool.submit(os.getpid).result() for _ in range(4)}
    assert not active_children()


@pytest.mark.parametrize("error", [KeyboardInterrupt, pytest.param(ValueError, marks=pytest.mark.nightly)])
def test_an_exception_ends_what_workers_are_at_and_what_they_were_to_do(error: type[BaseException]) -> None:
    began = time.monotonic()
    with pytest.raises(error), worker_processes(1) as pool:
        pool.submit(os.getpid).result()  # it is up
        waiting = [pool.submit(time.sleep, 120) for _ in range(3)]
        while not waiting[0].running():
            time.sleep(0.01)
        raise error
    assert time.monotonic() - began < 60
    assert not active_children()
    assert all(future.done() for future in waiting)


@pytest.mark.nightly
def test_a_worker_that_was_killed_is_a_sentence() -> None:
    with pytest.raises(TrainingError, match="a worker process was killed from outside"), worker_processes(1) as pool:
        pool.submit(os._exit, 9).result()
    assert not active_children()
