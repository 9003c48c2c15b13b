"""A generator's training that another process kills and resumes; run as a server that forks one child a line.

Line in: ``folder<TAB>key``; lines out: the child's process id, then its wait status.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.priors.generators import shapes, short, untrained
from unseen.priors import TrainedGenerator

EPOCHS = 5


def run(folder: Path | None, key: str) -> TrainedGenerator:
    """The training, with a checkpoint after every step: 20 of them."""
    return untrained(key).fit(shapes(), training=short(EPOCHS, every=1), folder=folder)


def _serve() -> None:
    import lightning_fabric  # noqa: F401  imported before the fork

    print("ready", flush=True)
    for line in sys.stdin:
        folder, key = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            run(Path(folder), key)
            os._exit(0)
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    _serve()
