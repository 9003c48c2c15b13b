"""A worker in a process of its own, started by `unseen serve`: python -m unseen_server.service.worker_main

Its settings are one line of JSON on standard input, which then stays open for as long as the server lives: when it
closes, for whatever reason, the worker finishes its film and leaves. It writes one line: that it is ready, or why it
cannot score.
"""

import gc
import json
import logging
import os
import signal
import sys
import threading
from dataclasses import asdict, dataclass

from unseen_server.worklist.jobs import LEASE_S

_log = logging.getLogger("unseen")


@dataclass(frozen=True, kw_only=True)
class WorkerSettings:
    """The settings of a worker process.

    Args:
        where, films_folder: the worklist, as `Store.open` takes it.
        model, policy: the bundle's folder and the policy's file.
        further: folders of bundles whose scores are kept for comparison.
        workers: how many share this machine's cores.
    """

    where: str
    films_folder: str
    model: str
    policy: str | None = None
    further: tuple[str, ...] = ()
    workers: int = 1
    lease_s: float = LEASE_S

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def main() -> int:
    """Work until standard input closes. Returns 0, or 2 where nothing can be scored."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):  # before the imports, which take seconds
        signal.signal(number, lambda *_: stop.set())
    import torch

    from unseen.detectors import load as load_detector
    from unseen.screening import load
    from unseen_server.worklist.film_worker import Worker
    from unseen_server.worklist.store import Store

    if stop.is_set():
        return 0
    settings = WorkerSettings(**json.loads(sys.stdin.readline()))
    threading.Thread(target=_follow, args=(stop,), name="follow", daemon=True).start()
    try:
        torch.set_num_threads(max(1, min(torch.get_num_threads(), len(os.sched_getaffinity(0)) // settings.workers)))
        screener = load(settings.model, settings.policy)
        further = []
        for folder in settings.further:
            if stop.is_set():
                return 0
            further.append(load_detector(folder))
        if stop.is_set():
            return 0
        with Store.open(settings.where, films_folder=settings.films_folder, create=False, check="files") as store:
            gc.freeze()  # what is imported and loaded stays: no collection looks through it, nor does the process's end
            worker = Worker(store, lambda: screener, further=lambda: further, lease_s=settings.lease_s)
            worker.check_probes()
            _say(ready=screener.detector.weights_sha256, stopped=screener.disagreement)
            worker.run(stop)
    except (ValueError, RuntimeError, OSError) as error:
        if stop.is_set():
            return 0
        _log.error("worker.refused %s", type(error).__name__)
        _say(refused=str(error))
        return 2
    return 0


def _follow(stop: threading.Event) -> None:
    """Set `stop` when the server is gone."""
    while os.read(sys.stdin.fileno(), 1):  # not through the buffer, whose lock the interpreter wants at its end
        pass
    stop.set()


def _say(**words: str) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format=f"%(asctime)s worker {os.getpid()} %(message)s")
    _log.setLevel(logging.INFO)
    sys.exit(main())
