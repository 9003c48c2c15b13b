"""Pool of worker processes that end with their work.

They end when the work is done, when it fails, on Ctrl-C, and when the caller is killed. Light to import: a worker
imports this module first, before torch.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process
from typing import Any

from unseen.artifacts.registry import with_plugin_faults
from unseen.training.settings import TrainingError


class _Pool(ProcessPoolExecutor):
    def submit(self, fn: Callable[..., Any], /, *args: Any, **given: Any) -> Future[Any]:  # Any: as its base has it
        return super().submit(with_plugin_faults, fn, *args, **given)


@contextmanager
def worker_processes(number: int) -> Iterator[Executor]:
    """Provide a pool of worker processes; if the block raises an error, the running tasks are stopped immediately.

    The processes are spawned, so each task and its arguments must be picklable. They end with this process.

    Args:
        number: the number of processes, 1 or more. A process starts when a task needs it.

    Yields:
        The pool, an `Executor` of `concurrent.futures`.

    Raises:
        TrainingError: a worker was killed from outside, for example because memory ran out.

    Example:
        >>> with worker_processes(2) as pool:
        ...     list(pool.map(abs, []))
        []
    """
    others = set(active_children())
    # spawned, not forked: torch's threads and the decoder's pipes do not survive a fork
    with _Pool(number, mp_context=get_context("spawn"), initializer=_begin) as pool:
        try:
            yield pool
        except BaseException as error:
            for worker in set(active_children()) - others:
                worker.terminate()  # the pool sees it, gives up what is left, and joins them
            if isinstance(error, BrokenProcessPool):
                raise TrainingError(
                    "a worker process was killed from outside, as when memory runs out. What was finished is kept: "
                    "go on with fewer workers"
                ) from error
            raise


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)  # a training for nobody
