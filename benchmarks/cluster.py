"""An archive on a Ray cluster of two nodes with a core each, and of one, in turns; both nodes are on this machine.

    python -m benchmarks.cluster --films 240 --rounds 3

draws phantoms, lists them under as many names as there are films, and scores them by `unseen score --engine ray` in
parts. It prints JSON: films a second of either cluster from the first task to the last part, their ratio with the
least and the most of a round, and whether the parts are the same bytes. Each node's process loads the model once, in a
round that does not count.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path

from benchmarks.machine import described
from unseen.artifacts.installation import LIMITS
from unseen.data import phantoms
from unseen.data.manifest import entries
from unseen.runs.archive.scoring import Task, score_archive

PART = 20
_FEW = {"include_dashboard": False, "object_store_memory": 80_000_000}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=240)
    parser.add_argument("--side", type=int, default=1024, help="pixels")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="models/pca")
    given = parser.parse_args()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    with tempfile.TemporaryDirectory(prefix="unseen-cluster-") as name:
        folder = Path(name)
        manifest = _drawn(folder, given.films, given.side)
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **_FEW})
        os.environ["RAY_ADDRESS"] = cluster.address
        cluster.add_node(num_cpus=1, object_store_memory=_FEW["object_store_memory"])
        rates: dict[int, list[float]] = {1: [], 2: []}
        parts: set[tuple[bytes, ...]] = set()
        for number in range(given.rounds + 1):
            for nodes in (1, 2):
                second = (
                    cluster.add_node(num_cpus=1, object_store_memory=_FEW["object_store_memory"])
                    if nodes == 2
                    else None
                )
                cluster.wait_for_nodes()
                _scored(given.model, manifest, folder / f"warm-{number}-{nodes}")
                out = folder / f"{number}-{nodes}"
                rates[nodes].append(given.films / _scored(given.model, manifest, out))
                parts.add(tuple(path.read_bytes() for path in sorted(out.glob("part-*.parquet"))))
                if second is not None:
                    cluster.remove_node(second)
        cluster.shutdown()  # type: ignore[no-untyped-call]
    ratios = [two / one for one, two in zip(rates[1][1:], rates[2][1:], strict=True)]
    row = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": described(),
        "load": os.getloadavg()[0],
        "model": given.model,
        "films": given.films,
        "side": given.side,
        "films_a_second": {str(nodes): statistics.median(found[1:]) for nodes, found in rates.items()},
        "ratio": [statistics.median(ratios), min(ratios), max(ratios)],
        "same_bytes": len(parts) == 1,
        "limits": LIMITS,
    }
    print(json.dumps(row, indent=1))


def _drawn(folder: Path, films: int, side: int) -> Path:
    """A manifest that lists some phantoms under so many rows."""
    drawn = phantoms.write(phantoms.normals(20, seed=1, size=side), folder / "drawn")
    paths = [str(entry.path) for entry in entries(drawn)]
    manifest = folder / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["file"], *([path] for path in islice(cycle(paths), films))])
    return manifest


def _scored(model: str, manifest: Path, out: Path) -> float:
    """Seconds between the first call and the last part."""
    began = time.monotonic()
    score_archive(Task(folder=out, model=model), manifest, part_size=PART, engine="ray")
    return time.monotonic() - began


if __name__ == "__main__":
    main()
