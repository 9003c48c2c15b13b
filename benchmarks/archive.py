"""Films per second of `unseen score --out parts/` with one worker process and with two.

    python -m benchmarks.archive --films 200 --workers 1 2

draws that many phantoms of 512 × 512 pixels (with `--side 2048` DICOM films of 8.4 MB), scores them with each number of
workers into a new folder, and compares the parts byte by byte. It prints JSON:

    films_a_second  all of them by the seconds from the command's start to its end; the model is loaded in these, too
    start_cpu_s     processor time of the command with one film alone
    cpu_s_a_film    processor time of the command, its workers and their decoders per film, without that of starting
    bytes_a_film    of the files that are read
    load            of the machine, before the command: where it is not near zero, films_a_second are too low

`--keep` writes studies/results/archive.json. A gate that refuses phantoms changes nothing: without a policy each film
is scored.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.kept_figures import record, show
from benchmarks.pacs import written as written_film
from unseen.artifacts.file_digest import sha256_of
from unseen.data import phantoms
from unseen.data.film import Film
from unseen.data.manifest import stream_manifest

_LARGEST = 1024  # pixels of a phantom's side
KEPT = Path("studies/results/archive.json")
UNSEEN = Path(sys.executable).with_name("unseen")


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
        manifest = drawn(folder / "films", films=given.films, side=given.side)
        lines = manifest.read_text(encoding="utf-8").splitlines(keepends=True)
        one = manifest.with_name("one.csv")
        one.write_text("".join(lines[:2]), encoding="utf-8")
        start_s = measured(one, folder / "one", given, 1, films=1, start_s=0.0)["cpu_s_a_film"]
        runs = [
            measured(manifest, folder / f"workers-{workers}", given, workers, films=given.films, start_s=start_s)
            for workers in given.workers
        ]
        sizes = [entry.path.stat().st_size for entry in stream_manifest(manifest)]
        parts = [digests(folder / f"workers-{workers}") for workers in given.workers]
    if any(part != parts[0] for part in parts):
        sys.exit("benchmarks.archive: the parts differ with the number of workers")
    figures = record(
        model=given.model,
        films=given.films,
        side=given.side,
        part_size=given.part_size,
        parts_identical=True,
        bytes_a_film=round(sum(sizes) / given.films),
        start_cpu_s=start_s,
        runs=runs,
    )
    show(figures, KEPT if given.keep else None)


def drawn(folder: Path, *, films: int, side: int) -> Path:
    """Return a manifest of phantoms: up to 1024 pixels PNG files; above, uncompressed DICOM of 12 bits, drawn at half
    the side and enlarged."""
    if side <= _LARGEST:
        return phantoms.write(phantoms.normals(films, seed=0, size=side), folder)
    folder.mkdir()
    for number, film in enumerate(phantoms.normals(films, seed=0, size=side // 2)):
        assert isinstance(film, Film)
        large = np.kron(np.asarray(np.rint(film.pixels * 4095), np.uint16), np.ones((2, 2), np.uint16))
        written_film(folder / f"{number}.dcm", large, number)
    manifest = folder / "manifest.csv"
    manifest.write_text("\n".join(["file", *(f"{number}.dcm" for number in range(films))]) + "\n", encoding="utf-8")
    return manifest


def measured(
    manifest: Path, out: Path, given: argparse.Namespace, workers: int, *, films: int, start_s: float
) -> dict[str, float]:
    """Return one run of the command; `start_s` is the processor time of a run of one film."""
    load, before = os.getloadavg()[0], spent()
    options = ("--part-size", given.part_size, "--workers", workers)
    seconds = seconds_of(given.model, manifest, out, *options)
    used_s = spent() - before
    return {
        "workers": workers,
        "seconds": round(seconds, 1),
        "films_a_second": round(films / seconds, 2),
        "cpu_s_a_film": round(used_s / films if films == 1 else (used_s - workers * start_s) / (films - workers), 4),
        "load": round(load, 1),
    }


def seconds_of(model: Path | str, manifest: Path, out: Path, *options: object, **environment: str) -> float:
    """Return the seconds that `unseen score` takes for an archive, from the command's start to its end."""
    command = [UNSEEN, "score", model, "--data", manifest, "--out", f"{out}/", *options]
    began = time.monotonic()
    subprocess.run([str(word) for word in command], check=True, stderr=subprocess.DEVNULL, env=os.environ | environment)
    return time.monotonic() - began


def spent() -> float:
    """Processor time of the commands that have ended, s."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def digests(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in sorted(folder.glob("part-*.parquet"))}


if __name__ == "__main__":
    main()
