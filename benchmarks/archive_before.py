"""An archive of real-size films scored by this version and by an earlier one, in turns.

    python -m benchmarks.archive_before --before cb4539e --keep

draws phantoms of 2,000 × 2,000 pixels with noise of their own, links them under as many names as there are films, and
lets `unseen score --out parts/` of either version score them, on one worker process. The versions take turns, so load
affects both. The ratio is the median over the rounds. All scores must be equal. It prints JSON:

    films_a_second   all of them by the seconds from the command's start to its end, the median over the rounds
    cpu_s_a_film     processor time of the command and of the processes that decode for it
    ratio            films a second of this version by those of the earlier one, and the least and the most of a round

`--keep` writes studies/results/archive-rate.json and the section of docs/scale.md.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.archive import spent
from benchmarks.kept_figures import as_json
from benchmarks.machine import described
from benchmarks.reading import films
from benchmarks.result_writes import earlier_package
from unseen.artifacts.files import write_text
from unseen.artifacts.research_only import LIMITS
from unseen.data.decoder_child import read_image
from unseen.data.decoder_protocol import DecoderLimits
from unseen.runs.archive.plan import read_parts

ROOT = Path(__file__).parents[1]
KEPT, PAGE = ROOT / "studies" / "results" / "archive-rate.json", ROOT / "docs" / "scale.md"
BEGIN, END = "<!-- archive table -->", "<!-- end of the archive table -->"
DISTINCT = 24
_FORMATS = {"dicom": "DICOM, uncompressed", "png": "PNG, 16 bits"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.archive_before", description=__doc__.splitlines()[0])
    parser.add_argument("--before", required=True, metavar="COMMIT", help="the earlier version")
    parser.add_argument("--films", type=int, default=200)
    parser.add_argument("--side", type=int, default=2000, help="pixels")
    parser.add_argument("--models", nargs="+", default=["models/pca", "models/ensemble-aligned"])
    parser.add_argument("--formats", nargs="+", default=list(_FORMATS), choices=_FORMATS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", action="store_true", help="write the file of results and the page")
    given = parser.parse_args()
    runs = []
    with tempfile.TemporaryDirectory() as name, earlier_package(given.before) as earlier:
        for kind in given.formats:
            manifest = drawn(Path(name) / kind, kind, given.films, given.side)
            for model in given.models:
                said = {"model": model, "format": kind, "films": given.films, "rounds": given.rounds}
                said["date"] = datetime.now(UTC).date().isoformat()
                runs.append(said | compared(manifest, model, earlier, given.rounds))
                print(json.dumps(runs[-1]), flush=True)
    figures = {
        "machine": described(),
        "before": given.before,
        "side": given.side,
        "runs": [*others(given, runs), *runs],
        "limits": LIMITS,
    }
    if given.keep:
        write_text(KEPT, as_json(figures))
        write_table(figures)


def others(given: argparse.Namespace, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:  # Any: JSON
    """Return the kept runs of other models and formats, where they compare the same versions on the same machine."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    if (kept["before"], kept["side"], kept["machine"]) != (given.before, given.side, described()):
        return []
    measured = {(run["model"], run["format"]) for run in runs}
    return [run for run in kept["runs"] if "films" in run and (run["model"], run["format"]) not in measured]


def drawn(folder: Path, kind: str, number: int, side: int) -> Path:
    """Films in `folder`, and their manifest."""
    folder.mkdir()
    for place, content in enumerate(islice(as_files(kind, side), min(number, DISTINCT))):
        (folder / f"{place:05d}.{kind}").write_bytes(content)
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["file"], *([name] for name in linked(folder, kind, number))])
    return folder / "manifest.csv"


def linked(folder: Path, kind: str, number: int) -> list[str]:
    """The names of so many films: the first are in `folder`, and the others become links to them, over and over."""
    names = [f"{place:05d}.{kind}" for place in range(number)]
    for place in range(DISTINCT, number):
        os.link(folder / names[place % DISTINCT], folder / names[place])
    return names


def as_files(kind: str, side: int) -> Iterator[bytes]:
    """Ever other films, as DICOM or as PNG of 16 bits."""
    for content in films(side, seed=1):
        if kind == "dicom":
            yield content
            continue
        made = io.BytesIO()
        Image.fromarray(pixels_of(content).astype(np.uint16)).save(made, format="PNG")
        yield made.getvalue()


def pixels_of(dicom: bytes) -> NDArray[np.generic]:
    """Return the pixels of a DICOM file, as its header shows them."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(dicom)
        file.flush()
        return read_image(file.name, limits=DecoderLimits()).pixels


def compared(manifest: Path, model: str, earlier: Path, rounds: int) -> dict[str, Any]:  # Any: JSON
    """Return both versions, in turns; each round begins with the other one."""
    measured: dict[str, list[dict[str, float]]] = {"before": [], "now": []}
    load = os.getloadavg()[0]
    for place in range(rounds):
        tables = {}
        for version in ("before", "now") if place % 2 == 0 else ("now", "before"):
            source = earlier / "src" if version == "before" else ROOT / "src"
            with tempfile.TemporaryDirectory() as out:
                measured[version].append(scored(manifest, model, source, Path(out)))
                tables[version] = read_parts(out)
        if not tables["before"].equals(tables["now"]):
            sys.exit(f"benchmarks.archive_before: {model}: the versions give different rows")
    ratios = [
        now["films_a_second"] / before["films_a_second"]
        for before, now in zip(measured["before"], measured["now"], strict=True)
    ]
    return {
        version: {name: round(statistics.median(one[name] for one in found), 3) for name in found[0]}
        for version, found in measured.items()
    } | {
        "ratio": round(statistics.median(ratios), 2),
        "least_ratio": round(min(ratios), 2),
        "most_ratio": round(max(ratios), 2),
        "rows_equal": True,
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],
    }


def scored(manifest: Path, model: str, source: Path, out: Path) -> dict[str, float]:
    """Return one run of the command with the package in `source`."""
    number = sum(1 for _ in manifest.open(encoding="utf-8")) - 1
    words = [sys.executable, "-m", "unseen", "score", model, "--data", str(manifest), "--out", f"{out}/"]
    environment = os.environ | {"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    before, began = spent(), time.monotonic()
    subprocess.run(words, check=True, stderr=subprocess.DEVNULL, env=environment, cwd=out)
    return {
        "films_a_second": number / (time.monotonic() - began),
        "cpu_s_a_film": (spent() - before) / number,
    }


def write_table(figures: dict[str, Any]) -> None:  # Any: JSON
    """The section of docs/scale.md."""
    machine = figures["machine"]
    lines = [
        "| model | file | films | rounds | before, films/s | now, films/s | ratio | least to most | before, processor "
        "s per film | now, processor s per film |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for run in figures["runs"]:
        cells = [
            f"`{run['model']}`",
            _FORMATS[run["format"]],
            f"{run['films']:,}",
            f"{run['rounds']}",
            *(f"{run[version]['films_a_second']:.2f}" for version in ("before", "now")),
            f"{run['ratio']:.2f}",
            spread(run),
            *(f"{run[version]['cpu_s_a_film']:.3f}" for version in ("before", "now")),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    loads = [load for run in figures["runs"] for load in run["load"]]
    dates = sorted({run["date"] for run in figures["runs"]})
    measured = (
        f"Measured on {machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, {' and '.join(dates)}: "
        f"phantoms of {figures['side']:,} × {figures['side']:,} pixels, in each round both versions take turns, load "
        f"average {min(loads)} to {max(loads)}. Before: commit {figures['before']}. Scores, reasons and order of all "
        "rows are equal. The time of starting, some seconds, is in all figures. Other programs that run meanwhile take "
        "processor time from both."
    )
    table = "\n".join(lines)
    write_section(BEGIN, END, f"{table}\n\n{measured}")


def spread(run: dict[str, Any]) -> str:  # Any: JSON
    """Return the ratio's least and most, where there are several rounds."""
    return f"{run['least_ratio']:.2f} to {run['most_ratio']:.2f}" if run["rounds"] > 1 else "one round"


def write_section(first: str, last: str, section: str) -> None:
    """Replace what stands between two marks of docs/scale.md."""
    text = PAGE.read_text(encoding="utf-8")
    begin, end = text.index(first) + len(first), text.index(last)
    write_text(PAGE, f"{text[:begin]}\n\n{section}\n\n{text[end:]}")


if __name__ == "__main__":
    main()
