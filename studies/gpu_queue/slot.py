"""One run of the queue: its entries in order, until its time is up.

Trainings write a checkpoint every `CHECKPOINT_EVERY_S` seconds and stop themselves after `STOP_AFTER_S`, with a
checkpoint, where the command gives no other values. Neither is part of a recipe, so digests and rows are those of
`make results`. The next run resumes.
"""

from __future__ import annotations

import os
import shutil
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import torch

from studies.gpu_queue.entries import QueueEntry, Work
from studies.gpu_queue.packing import pack_of
from studies.gpu_queue.returned import add_row, add_runs, changed_files, times, write_report
from studies.packs import unpack
from studies.row_files import read_rows
from unseen.artifacts.errors import UserError
from unseen.artifacts.recipe import RecipeError
from unseen.artifacts.run_folder import runs_root
from unseen.training.limits import RunLimits, RunStopped, limited, time_is_up

CHECKPOINT_EVERY_S, STOP_AFTER_S = 60.0, 560.0
"""A command on a shared machine has ten minutes at most; 40 s are left to write what is returned."""
DONE, FOUND, STOPPED, WAITING, FAILED = "done", "was done before", "stopped", "not started", "failed"


@dataclass(frozen=True)
class Outcome:
    """State of each entry by its name, and the files that did not fit into the returned folder."""

    entries: dict[str, str]
    left_out: tuple[str, ...]


def run(
    entries: Sequence[QueueEntry], *, limits: RunLimits, out: Path, work: Work, packs: Path, again: bool = False
) -> Outcome:
    """Run the entries in order, and write their rows, the changed runs and a report into `out`.

    Args:
        entries: entries of the queue.
        limits: device, seconds between checkpoints, seconds after which the run stops itself.
        out: folder for what is returned; its earlier files of that name are removed.
        work: folders and progress display.
        packs: folder of the packs, for an entry whose files are not in `$UNSEEN_DATA`.
        again: train an entry also where its rows of this type of device are there.
    """
    out.mkdir(parents=True, exist_ok=True)
    for old in (*out.glob("runs.tar.gz.*"), out / "rows.jsonl", out / "report.json"):
        old.unlink(missing_ok=True)
    root = runs_root() if work.root is None else work.root
    root.mkdir(parents=True, exist_ok=True)
    before, kind = times(root), _kind(limits.device)
    states = {entry.name: WAITING for entry in entries}
    known = {} if again else read_rows(work.rows)
    with limited(limits):
        for entry in entries:
            try:
                with _data_of(entry, packs):
                    if not again and entry.is_done(known, work, kind):
                        states[entry.name] = FOUND
                        continue
                    for row in entry.made(work):
                        add_row(out, row)
                states[entry.name] = DONE
            except RunStopped as stopped:
                states[entry.name] = f"{STOPPED}: {stopped}"
                break
            except (UserError, RuntimeError) as error:  # such as too little memory: the others keep their minutes
                traceback.print_exc()
                states[entry.name] = f"{FAILED}: {error}"
            if time_is_up():
                break
    left_out = tuple(add_runs(out, root, changed_files(root, before)))
    write_report(out, {"entries": states, "left_out": list(left_out)})
    return Outcome(states, left_out)


def _kind(device: str | None) -> str:
    """Return the type of a device: cpu, cuda or mps."""
    kind = (device or "auto").partition(":")[0]
    return ("cuda" if torch.cuda.is_available() else "cpu") if kind == "auto" else kind


@contextmanager
def _data_of(entry: QueueEntry, packs: Path) -> Iterator[None]:
    """Let `$UNSEEN_DATA` be a folder with the entry's files: as it is where it has them, else its pack, unpacked.

    Raises:
        RecipeError: neither the files nor the pack are there, or the pack lacks a file.
    """
    if not entry.pack:
        yield
        return
    if os.environ.get("UNSEEN_DATA"):
        missing = entry.needed().missing()
        if missing:
            raise RecipeError(f"{entry.name}: $UNSEEN_DATA has no {missing[0]}, and {len(missing) - 1} files more")
        yield
        return
    path = pack_of(entry, packs)
    if not path.is_file():
        raise RecipeError(
            f"{entry.name}: no $UNSEEN_DATA and no {path}. Make the pack where the data are (make gpu-pack)"
        )
    folder = Path(mkdtemp(prefix="unseen-pack-"))
    try:
        unpack(path, folder)
        os.environ["UNSEEN_DATA"] = str(folder)
        missing = entry.needed().missing()
        if missing:
            raise RecipeError(f"{path}: has no {missing[0]}, which {entry.name} reads. Make the pack again")
        yield
    finally:
        os.environ.pop("UNSEEN_DATA", None)
        shutil.rmtree(folder)
