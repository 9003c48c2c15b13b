"""Senders and workers that another process kills; run as a server that forks one child a line.

Forking from a process that has imported torch (and computed nothing) saves the seconds that each import would take.
Lines in: ``send<TAB>where<TAB>home<TAB>log<TAB>first`` or ``work<TAB>where<TAB>home``; a line out: the child's process
id. A sender writes each acknowledged film's number and SHA-256 to its log, and waits until that is on the disk.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import torch

from tests.worklist.conftest import PCA, png
from unseen.detectors.saved import load
from unseen.screening.screener import Screener
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.states import BusyError
from unseen_server.worklist.store import Store

LEASE_S = 1.5


def send(where: str, home: str, log: str, first: str) -> None:
    """Send films, one after the other, until killed."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with Store.open(where, films_folder=home) as store:
        number = int(first)
        while True:
            try:
                receipt = store.films.receive(png(number), name=f"{number}.png", source="ward")
            except BusyError:
                continue
            os.write(descriptor, f"{number} {receipt.sha256}\n".encode())
            os.fsync(descriptor)
            number += 1


def work(where: str, home: str) -> None:
    """Score films until killed, or told to stop."""
    torch.set_num_threads(1)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with Store.open(where, films_folder=home) as store:
        Worker(store, lambda: Screener(load(PCA)), lease_s=LEASE_S, poll_s=0.05).run(stop)


def serve(kinds: dict[str, Callable[..., None]]) -> None:
    """Fork a child for each line that names one of `kinds`, with what else the line holds."""
    gc.freeze()  # the children's collections leave it alone
    print("ready", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead
    for line in sys.stdin:
        kind, *given = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            try:
                kinds[kind](*given)
            finally:
                os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[number]) for number in (2, 3)]  # `tests` of the server, and of all
    serve({"send": send, "work": work})
