"""Nodes, senders and workers that another process kills; run as a server that forks one child a line.

Lines in: ``node<TAB>configuration<TAB>where<TAB>home``, ``send<TAB>port<TAB>log<TAB>first`` or
``work<TAB>where<TAB>home``; a line out: the child's process id. A sender writes the number of each acknowledged film to
its log, and waits until that is on the disk.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

from pynetdicom import AE

from tests.pacs.conftest import film, store_films
from tests.worklist.victim import LEASE_S, serve, work
from unseen_server.pacs import node as nodes
from unseen_server.pacs.config import load
from unseen_server.worklist.store import Store


def node(configuration: str, where: str, home: str) -> None:
    """Run a node until killed, or told to stop."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with Store.open(where, films_folder=home, patience_s=30) as store:
        made = nodes.Node(load(Path(configuration)), store)
        made.delivery.lease_s = made.delivery.asked_s = LEASE_S
        made.run(stop)


def send(port: str, log: str, first: str) -> None:
    """Send films, each in an association of its own, until killed; one that was not acknowledged is sent again."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    number = int(first)
    while True:
        try:
            (status,) = store_films(int(port), [film(number, study=f"1.2.3.{number}")])
        except (AssertionError, RuntimeError, ValueError):  # no association: the node was killed
            time.sleep(0.05)
            continue
        if "Status" in status and status.Status == 0x0000:
            os.write(descriptor, f"{number}\n".encode())
            os.fsync(descriptor)
            number += 1


if __name__ == "__main__":
    AE()  # what the first association would import is there before the first fork
    serve({"node": node, "send": send, "work": work})
