"""`python -m studies.gpu_queue`: pack data, run the rows of the queue for some minutes, merge what they return.

python -m studies.gpu_queue list                    names of the entries, in their order
python -m studies.gpu_queue list --costs            the command of each entry, and its cost
python -m studies.gpu_queue render                  the table of costs in docs/how-to/gpu.md, from the committed rows
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
from studies.gpu_queue.page import cost_cell, costs_of, write_table
from studies.gpu_queue.returned import merge
from studies.gpu_queue.slot import CHECKPOINT_EVERY_S, FAILED, STOP_AFTER_S, run
from studies.row_files import add_rows_option, read_rows
from unseen.artifacts.errors import UserError
from unseen.artifacts.run_folder import runs_root
from unseen.training.limits import RunLimits
from unseen.training.progress_display import shown_on

PACKS, OUT = Path("gpu-pack"), Path("gpu-out")


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, run, and report a user's mistake in one sentence, with status 2."""
    given = parsed(arguments)
    try:
        {"list": _list, "render": _render, "pack": _pack, "run": _run, "merge": _merge}[given.command](given)
    except UserError as error:
        print(f"studies.gpu_queue: {error}", file=sys.stderr)
        sys.exit(2)


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m studies.gpu_queue", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="names of the entries")
    listing.add_argument("--costs", action="store_true", help="the command of each, and its cost on a CPU")
    rendering = commands.add_parser("render", help="table of costs")
    rendering.add_argument("--docs", type=Path, default=Path("docs"), help="where how-to/gpu.md lies (default: docs)")
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
    for one in (listing, rendering, running, merging):
        add_rows_option(one)
    return parser.parse_args(arguments)


def _list(given: argparse.Namespace) -> None:
    rows = read_rows(given.rows) if given.costs else {}
    for entry in chosen([]):
        print(f"{entry.command}  # {cost_cell(costs_of(entry, rows))} core-hours" if given.costs else entry.name)


def _render(given: argparse.Namespace) -> None:
    print("rendered", write_table(read_rows(given.rows), docs=given.docs))


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
