"""A generator's training that another process kills and resumes; run as a server that forks one child a line.

Line in: ``folder<TAB>key``; lines out: the child's process id, then its wait status.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.priors.generators import shapes, short, untrained
from unseen.priors import TrainedGenerator
from unseen.training import Progress

EPOCHS = 5


def run(folder: Path | None, key: str, *, last: int = 0) -> TrainedGenerator:
    """The training, with a checkpoint after every step: 20 of them. After the step `last` it waits to be killed."""

    def wait(progress: Progress) -> None:
        if progress.step == last:
            signal.pause()

    return untrained(key).fit(shapes(), training=short(EPOCHS, every=1), folder=folder, progress=wait)


def _serve() -> None:
    import lightning_fabric  # noqa: F401  imported before the fork

    print("ready", flush=True)
    for line in sys.stdin:
        folder, key = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            run(Path(folder), key, last=4 * EPOCHS - 1)  # it must not end before it is killed
            os._exit(0)
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    _serve()
