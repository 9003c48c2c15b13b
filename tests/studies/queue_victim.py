"""A small training of the queue that kills its own process after a step: `python -m tests.studies.queue_victim`.

Arguments: the step after which it kills itself (0: never), the folder of what is returned, and that of the rows. The
data and the runs are those of `$UNSEEN_DATA` and `$UNSEEN_RUNS`.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from studies.gpu_queue.entries import QueueEntry, Work, thesis_entry
from studies.gpu_queue.slot import run
from unseen.artifacts.recipe import Recipe
from unseen.training.limits import RunLimits
from unseen.training.progress import Progress

RECIPE = """
name = "thesis/small"
[data]
manifest = "set/manifest.csv"
split = "set/splits.csv"
column = "thesis"
[view]
size = 32
frame = "whole"
scale = "range"
[method]
key = "ganomaly"
features = 4
latent = 8
[training]
epochs = 3
batch_size = 4
threads = 1
checkpoint_every_s = 900
"""
STEPS = 9
"""12 normal films in batches of 4, three times."""


def entry() -> QueueEntry:
    """Return the entry of a whole-film GANomaly on phantoms."""
    return thesis_entry(Recipe.from_toml(RECIPE), seed=1)


def main(last: int, out: Path, rows: Path) -> None:
    """Run the entry with a checkpoint after each step, and kill this process after the step `last`."""
    seen: list[int] = []

    def kill(name: str, progress: Progress) -> None:
        if name.startswith("reading films"):
            return
        assert name == "ganomaly", f"{name} was trained: a whole-film GANomaly needs no lung finder"
        seen.append(progress.step)
        if progress.step == last:
            print(seen[0], flush=True)
            os.kill(os.getpid(), signal.SIGKILL)

    limits = RunLimits(device="cpu", checkpoint_every_s=0)
    run([entry()], limits=limits, out=out, work=Work(rows, progress=kill), packs=Path("no packs"))
    print(seen[0] if seen else 0, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
