"""`serve` and `worker` processes that another process kills, run as a server that forks one child a line.

Forking from a process that has imported everything (and computed nothing) saves the seconds that imports would take.
Lines in: ``serve<TAB>where<TAB>folder<TAB>port``, ``worker<TAB>where<TAB>folder<TAB>model``, ``reap<TAB>pid``; line
out: the child's process id, or the wait status of one that has ended.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from pathlib import Path

import sklearn  # noqa: F401  # what the children would import
import torch

import unseen_server.worklist.film_worker  # noqa: F401
from unseen.screening.screener import load
from unseen_server.cli.serve import serve
from unseen_server.web.server import serve as served  # noqa: F401
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.store import Store

LEASE_S = 2.0
"""A killed worker's film is anybody's after this; `unseen worker` waits longer."""


def work(where: str, folder: Path, model: Path) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    screener = load(model)
    with Store.open(where, films_folder=folder) as store:
        Worker(store, lambda: screener, lease_s=LEASE_S).run(stop)


def child(kind: str, where: str, folder: Path, last: str) -> None:
    url = where if "://" in where else None
    if kind == "serve":
        serve(
            folder, url=url, host="127.0.0.1", port=int(last), public=None, watch=None, model=None, policy=None,
            workers=1,
        )  # fmt: skip
    else:
        work(where, folder, Path(last))


def main() -> None:
    torch.set_num_threads(1)
    gc.freeze()  # the children's collections leave it alone
    print("ready", flush=True)
    for line in sys.stdin:
        kind, *words = line.rstrip("\n").split("\t")
        if kind == "reap":
            print(os.waitstatus_to_exitcode(os.waitpid(int(words[0]), 0)[1]), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.dup2(os.open(os.devnull, os.O_RDWR), 0)
                os.dup2(2, 1)
                child(kind, words[0], Path(words[1]), words[2])
                status = 0
            finally:
                os._exit(status)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
