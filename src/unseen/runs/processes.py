"""Worker processes that end with their work: when it is done, when it fails, on Ctrl-C, and when the caller is killed.

Light to import: a worker comes here first, before torch.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process


@contextmanager
def worker_processes(number: int) -> Iterator[Executor]:
    """A pool of `number` processes; when the block is left by an exception, what they are at is dropped at once.

    Raises TrainingError where a worker was killed from outside.
    """
    others = set(active_children())
    # spawned, not forked: torch's threads and the decoder's pipes do not survive a fork
    with ProcessPoolExecutor(number, mp_context=get_context("spawn"), initializer=_begin) as pool:
        try:
            yield pool
        except BaseException as error:
            for worker in set(active_children()) - others:
                worker.terminate()  # the pool sees it, gives up what is left, and joins them
            if isinstance(error, BrokenProcessPool):
                from unseen.training.errors import TrainingError

                raise TrainingError(
                    "a worker process was killed from outside, as when memory runs out. What was finished is kept: "
                    "go on with fewer workers"
                ) from error
            raise


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # a training for nobody
