"""How many films a second `unseen score --out parts/` scores with one worker process and with two.

    python -m benchmarks.archive --films 200 --workers 1 2

draws that many phantoms of 512 × 512 pixels, scores them with each number of workers into a new folder, and compares
the parts byte by byte. It prints JSON:

    films_a_second  all of them by the seconds from the command's start to its end; the model is loaded in these, too
    cpu_s_a_film    processor time of the command, its workers and their decoders
    load            of the machine, before the command: where it is not near zero, films_a_second are too low

`--keep` writes studies/results/archive-workers.json. A gate that refuses phantoms changes nothing: without a policy
each film is scored.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import described
from unseen.artifacts.files import sha256_of, write_text
from unseen.artifacts.installation import LIMITS
from unseen.data import phantoms

KEPT = Path("studies/results/archive-workers.json")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.archive", description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=200)
    parser.add_argument("--side", type=int, default=512, help="pixels")
    parser.add_argument("--model", default="models/pca")
    parser.add_argument("--part-size", type=int, default=10)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--keep", action="store_true", help=f"write {KEPT}")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = phantoms.write(phantoms.normals(given.films, seed=0, size=given.side), folder / "films")
        runs = [measured(manifest, folder / f"workers-{workers}", given, workers) for workers in given.workers]
        parts = [digests(folder / f"workers-{workers}") for workers in given.workers]
    if any(part != parts[0] for part in parts):
        sys.exit("benchmarks.archive: the parts differ with the number of workers")
    figures = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": described(),
        "model": given.model,
        "films": given.films,
        "side": given.side,
        "part_size": given.part_size,
        "parts_identical": True,
        "runs": runs,
        "limits": LIMITS,
    }
    text = json.dumps(figures, indent=1, ensure_ascii=False) + "\n"
    print(text, end="")
    if given.keep:
        write_text(KEPT, text)


def measured(manifest: Path, out: Path, given: argparse.Namespace, workers: int) -> dict[str, float]:
    """One run of the command."""
    load, before, began = os.getloadavg()[0], spent(), time.monotonic()
    words = ["score", given.model, "--data", manifest, "--out", f"{out}/", "--part-size", given.part_size]
    command = [Path(sys.executable).with_name("unseen"), *words, "--workers", workers]
    subprocess.run([str(word) for word in command], check=True, stderr=subprocess.DEVNULL)
    seconds = time.monotonic() - began
    return {
        "workers": workers,
        "seconds": round(seconds, 1),
        "films_a_second": round(given.films / seconds, 2),
        "cpu_s_a_film": round((spent() - before) / given.films, 3),
        "load": round(load, 1),
    }


def spent() -> float:
    """Processor time of the commands that have ended, s."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def digests(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in sorted(folder.glob("part-*.parquet"))}


if __name__ == "__main__":
    main()
