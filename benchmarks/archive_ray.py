"""An archive of real-size films scored on one node of a Ray cluster and on two, each with a core of its own.

    python -m benchmarks.archive_ray --films 1000 --keep

starts a Ray cluster on this machine: a head without cores for tasks and a node with one, all on the first core of the
machine, and scores the films with `unseen score --engine ray`, which runs there, too. Then a second node joins, on the
second core, which has that core alone. The parts
of both runs must be equal byte by byte. It prints JSON:

    films_a_second  on one node and on two, from the command's start to its end, the median over the rounds
    ratio           of the two, of the same round: the median, the least and the most

`--keep` writes studies/results/archive-ray.json and the section of docs/scale.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.archive import digests, seconds_of
from benchmarks.archive_before import drawn, spread, write_section
from benchmarks.kept_figures import record, show

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "studies" / "results" / "archive-ray.json"
BEGIN, END = "<!-- ray table -->", "<!-- end of the ray table -->"
_STORE_BYTES = 80_000_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.archive_ray", description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=1000)
    parser.add_argument("--side", type=int, default=2000, help="pixels")
    parser.add_argument("--model", default="models/pca")
    parser.add_argument("--part-size", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--keep", action="store_true", help="write the file of results and the page")
    given = parser.parse_args()
    first, second, *_ = sorted(os.sched_getaffinity(0))
    rates: list[tuple[float, float]] = []
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        manifest = drawn(Path(name) / "dicom", "dicom", given.films, given.side)
        for place in range(given.rounds):
            outs = [Path(name) / f"{nodes}-{place}" for nodes in (1, 2)]
            rates.append(of_one_and_two(manifest, outs, given, first, second))
            print(rates[-1], file=sys.stderr, flush=True)
            if digests(outs[0]) != digests(outs[1]):
                sys.exit("benchmarks.archive_ray: the parts differ with the number of nodes")
    ratios = [two / one for one, two in rates]
    figures = record(
        model=given.model,
        films=given.films,
        side=given.side,
        part_size=given.part_size,
        rounds=given.rounds,
        load=[round(load, 1), round(os.getloadavg()[0], 1)],
        films_a_second=[round(statistics.median(rate), 2) for rate in zip(*rates, strict=True)],
        ratio=round(statistics.median(ratios), 2),
        least_ratio=round(min(ratios), 2),
        most_ratio=round(max(ratios), 2),
        parts_identical=True,
    )
    show(figures, KEPT if given.keep else None)
    if given.keep:
        write_section(BEGIN, END, section(figures))


def of_one_and_two(
    manifest: Path, outs: list[Path], given: argparse.Namespace, first: int, second: int
) -> tuple[float, float]:
    """Films a second with one node, and with two."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.sched_setaffinity(0, {first})  # whatever starts from here has this core
    few: dict[str, Any] = {"object_store_memory": _STORE_BYTES}  # Any: Ray's own parameters
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **few})
    try:
        cluster.add_node(num_cpus=1, **few)
        one = rate(manifest, outs[0], given, cluster.address)
        os.sched_setaffinity(0, {second})
        cluster.add_node(num_cpus=1, **few)
        os.sched_setaffinity(0, {first})
        return one, rate(manifest, outs[1], given, cluster.address)
    finally:
        cluster.shutdown()
        os.sched_setaffinity(0, {first, second})


def rate(manifest: Path, out: Path, given: argparse.Namespace, address: str) -> float:
    """Films a second of one run of the command on the cluster."""
    options = ("--part-size", given.part_size, "--engine", "ray")
    return float(
        given.films / seconds_of(given.model, manifest, out, *options, RAY_ADDRESS=address, OMP_NUM_THREADS="1")
    )


def section(figures: dict[str, Any]) -> str:  # Any: JSON
    """Return the paragraph for docs/scale.md."""
    one, two = figures["films_a_second"]
    machine = figures["machine"]
    return (
        f"`{figures['model']}` scores {one:.2f} films/s on one node and {two:.2f} on two: {figures['ratio']:.2f} times "
        f"as many ({spread(figures)}). The parts are equal byte by byte.\n\n"
        f"Measured on {machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, {figures['date']}: "
        f"{figures['films']:,} phantoms of {figures['side']:,} × {figures['side']:,} pixels as DICOM; the cluster's "
        "head, the command and the first node on one core, the second node on the other; first one node, then two; "
        f"load average {min(figures['load'])} to {max(figures['load'])}."
    )


if __name__ == "__main__":
    main()
