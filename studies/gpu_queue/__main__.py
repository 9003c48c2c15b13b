"""`python -m studies.gpu_queue`: pack data, run the rows of the queue for some minutes, merge what they return.

python -m studies.gpu_queue list                    names of the entries, in their order
python -m studies.gpu_queue pack [ENTRY …]          a pack of data for each study, where the data are
python -m studies.gpu_queue run [ENTRY …] --out OUT    the entries in order, on the machine with the GPU
python -m studies.gpu_queue merge OUT               returned rows into the results, returned runs into $UNSEEN_RUNS
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from studies.gpu_queue.entries import Work, chosen
from studies.gpu_queue.packing import write_packs
from studies.gpu_queue.returned import merge
from studies.gpu_queue.slot import CHECKPOINT_EVERY_S, FAILED, STOP_AFTER_S, run
from unseen.artifacts.errors import UserError
from unseen.artifacts.run_folder import runs_root
from unseen.training.limits import RunLimits
from unseen.training.progress_display import shown_on

PACKS, OUT = Path("gpu-pack"), Path("gpu-out")


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, run, and report a user's mistake in one sentence, with status 2."""
    parser = argparse.ArgumentParser(prog="python -m studies.gpu_queue", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="names of the entries")
    packing = commands.add_parser("pack", help="packs of data")
    running = commands.add_parser("run", help="entries in order, until the time is up")
    for one in (packing, running):
        one.add_argument("entries", nargs="*", metavar="ENTRY", help="recipe, or recipe with fold and seed; none: all")
        one.add_argument("--packs", type=Path, default=PACKS, help="folder of the packs (default: gpu-pack)")
    running.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1 (default: auto)")
    running.add_argument("--out", type=Path, default=OUT, help="folder for what is returned (default: gpu-out)")
    running.add_argument("--checkpoint-every", type=float, default=CHECKPOINT_EVERY_S, metavar="SECONDS")
    running.add_argument("--stop-after", type=float, default=STOP_AFTER_S, metavar="SECONDS")
    running.add_argument(
        "--again", action="store_true", help="train entries that have rows of this type of device, too"
    )
    merging = commands.add_parser("merge", help="returned rows and runs into place")
    merging.add_argument("out", type=Path, nargs="?", default=OUT, help="folder that `run` wrote (default: gpu-out)")
    for one in (running, merging):
        one.add_argument("--rows", type=Path, default=Path("studies/results"), help="folder of the committed rows")
    given = parser.parse_args(arguments)
    try:
        {"list": _list, "pack": _pack, "run": _run, "merge": _merge}[given.command](given)
    except UserError as error:
        print(f"studies.gpu_queue: {error}", file=sys.stderr)
        sys.exit(2)


def _list(given: argparse.Namespace) -> None:
    for entry in chosen([]):
        print(entry.name)


def _pack(given: argparse.Namespace) -> None:
    for path, size in write_packs(chosen(given.entries), given.packs):
        print(f"wrote {path} {size / 2**20:.2f} MiB", flush=True)


def _run(given: argparse.Namespace) -> None:
    limits = RunLimits(given.device, given.checkpoint_every, given.stop_after)
    work = Work(given.rows, progress=shown_on())
    outcome = run(chosen(given.entries), limits=limits, out=given.out, work=work, packs=given.packs, again=given.again)
    for name, state in outcome.entries.items():
        print(f"{name}: {state}")
    for name in outcome.left_out:
        print(f"not returned, too large: {name}")
    if any(state.startswith(FAILED) for state in outcome.entries.values()):
        sys.exit(1)


def _merge(given: argparse.Namespace) -> None:
    merged = merge(given.out, rows=given.rows, root=runs_root())
    for words, names in (
        ("row", merged.rows),
        ("row not written", merged.conflicts),
        ("run", merged.replaced),
        ("run kept as it is", merged.kept),
    ):
        for name in names:
            print(f"{words}: {name}")
    if merged.conflicts:
        sys.exit(1)


if __name__ == "__main__":
    main()
