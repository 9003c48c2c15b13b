"""An archive of real-size films scored with PaDiM by `unseen score --out parts/` and by anomalib, in turns.

    python -m benchmarks.archive_anomalib --films 200 --keep

Both have PaDiM on EfficientNet-lite0 at 256 pixels, with the same weights, fitted to the same phantoms, and both may
use all cores. The films are PNG files of 8 bits. anomalib runs in an environment of its own (`make peers-anomalib`), by
its own engine at its defaults, and sees the whole film. Its time is that of `predict` alone. Ours is the whole
command's: starting, loading, the lung finder and the file of results are in it. Ours is also timed as our recipes have
it, with each film aligned by its lungs. It prints JSON:

    films_a_second  the median over the rounds
    ratio           films a second of ours by anomalib's of the same round: the median, the least and the most

`--keep` writes studies/results/archive-peer.json and the section of docs/scale.md.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.archive import UNSEEN, seconds_of
from benchmarks.archive_before import DISTINCT, linked, pixels_of, spread, write_section
from benchmarks.kept_figures import record, show
from benchmarks.reading import films
from unseen.data import phantoms
from unseen.detectors.frozen_features import published_file

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "studies" / "results" / "archive-peer.json"
BEGIN, END = "<!-- anomalib table -->", "<!-- end of the anomalib table -->"
PEER, PEER_SCRIPT = ROOT / ".venv-anomalib" / "bin" / "python", ROOT / "studies" / "peers" / "anomalib_scores.py"
LEARNT = 60
RECIPE = """\
# PaDiM on features of photographs; phantoms, 256 px
[view]
frame = "{frame}"
aspect = "stretch"
scale = "zscore"
size = 256
align = {align}

[method]
key = "padim"

[training]
threads = 1
"""
VIEWS = {
    "whole film": {"frame": "whole", "align": "false"},
    "aligned lung crop": {"frame": "lungs", "align": "true"},
}
"""View settings of the network's input: as in anomalib, or as in our recipes. Lungs are found for both."""
OURS: dict[str, tuple[str, tuple[str, ...]]] = {
    "whole film, torch": ("whole film", ()),
    "whole film, OpenVINO": ("whole film", ("--runtime", "openvino")),
    "whole film, OpenVINO, two workers": ("whole film", ("--runtime", "openvino", "--workers", "2")),
    "aligned lung crop, OpenVINO, two workers": ("aligned lung crop", ("--runtime", "openvino", "--workers", "2")),
}
"""The view and what `unseen score` is given, for each row of the table."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.archive_anomalib", description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=200)
    parser.add_argument("--side", type=int, default=2000, help="pixels")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", action="store_true", help="write the file of results and the page")
    given = parser.parse_args()
    if not PEER.is_file():
        sys.exit("benchmarks.archive_anomalib: anomalib is missing. Run `make peers-anomalib`")
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = drawn(folder, given.films, given.side)
        models = {view: fitted(folder, view) for view in VIEWS}
        rates: dict[str, list[float]] = {kind: [] for kind in ("anomalib", *OURS)}
        for place in range(given.rounds):
            for kind in sorted(rates, reverse=place % 2 == 1):
                if kind == "anomalib":
                    rates[kind].append(of_anomalib(folder))
                else:
                    view, options = OURS[kind]
                    out = folder / f"out-{place}-{kind}"
                    rates[kind].append(ours(manifest, models[view], out, options, films=given.films))
                print(kind, round(rates[kind][-1], 2), file=sys.stderr, flush=True)
    figures = record(
        films=given.films,
        side=given.side,
        rounds=given.rounds,
        load=[round(load, 1), round(os.getloadavg()[0], 1)],
        runs=[row(kind, rates[kind], rates["anomalib"]) for kind in rates],
    )
    show(figures, KEPT if given.keep else None)
    if given.keep:
        write_section(BEGIN, END, section(figures))


def drawn(folder: Path, number: int, side: int) -> Path:
    """The films, where anomalib looks for them, and their manifest; beside them the phantoms that both learn from."""
    tested = folder / "peer" / "test" / "normal"
    for path in (tested, folder / "peer" / "test" / "abnormal"):
        path.mkdir(parents=True)
    for place, content in enumerate(islice(films(side, seed=1), min(number, DISTINCT))):
        pixels = pixels_of(content).astype(np.float32)
        lowest, highest = float(pixels.min()), float(pixels.max())
        grey = np.asarray(np.rint((pixels - lowest) * (255 / (highest - lowest))), np.uint8)
        Image.fromarray(grey).save(tested / f"{place:05d}.png")
    names = linked(tested, "png", number)
    os.link(tested / names[0], folder / "peer" / "test" / "abnormal" / names[0])  # anomalib asks for the folder
    phantoms.write(phantoms.normals(LEARNT, seed=2, size=512), folder / "learnt")
    learnt = folder / "peer" / "train" / "normal"
    learnt.mkdir(parents=True)
    for path in sorted((folder / "learnt" / "films").iterdir()):
        os.link(path, learnt / path.name)
    manifest = folder / "manifest.csv"
    lines = ["file", *(f"peer/test/normal/{name}" for name in names)]
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return manifest


def fitted(folder: Path, view: str) -> Path:
    """Our bundle of PaDiM with this view, fitted to the phantoms."""
    name = view.replace(" ", "-")
    recipe, model = folder / f"{name}.toml", folder / name
    recipe.write_text(RECIPE.format(**VIEWS[view]), encoding="utf-8")
    words = ["train", recipe, "--data", folder / "learnt" / "manifest.csv", "--out", model]
    words += ["--finder", "models/lungs"] if view != "whole film" else []
    environment = os.environ | {"UNSEEN_RUNS": str(folder / "runs")}
    subprocess.run([str(word) for word in [UNSEEN, *words]], check=True, env=environment)
    return model


def ours(manifest: Path, model: Path, out: Path, options: tuple[object, ...], *, films: int) -> float:
    """Films a second of one run of the command."""
    options = ("--part-size", max(1, films // 8), *options)
    return films / seconds_of(model, manifest, out, *options, OMP_NUM_THREADS="1")


def of_anomalib(folder: Path) -> float:
    """Films a second of anomalib's `predict`, with a thread on each core."""
    cores = len(os.sched_getaffinity(0))
    words = [PEER, "-W", "ignore", PEER_SCRIPT, "--films", folder / "peer", "--model", "padim"]
    words += ["--weights", published_file(), "--size", "256", "--threads", cores, "--out", folder / "peer.csv"]
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [str(word) for word in words], check=True, env=environment, capture_output=True, text=True, cwd=folder
    )
    found = re.search(r"([\d.]+) ms on the clock", done.stdout)
    assert found is not None, done.stdout
    return 1000 / float(found.group(1))


def row(kind: str, rates: list[float], peer: list[float]) -> dict[str, Any]:  # Any: JSON
    ratios = [rate / other for rate, other in zip(rates, peer, strict=True)]
    return {
        "kind": kind,
        "films_a_second": round(statistics.median(rates), 2),
        "ratio": round(statistics.median(ratios), 2),
        "least_ratio": round(min(ratios), 2),
        "most_ratio": round(max(ratios), 2),
    }


def section(figures: dict[str, Any]) -> str:  # Any: JSON
    """Return the table for docs/scale.md."""
    lines = [
        "| PaDiM on EfficientNet-lite0, 256 px | films/s | by anomalib's | least to most |",
        "| --- | ---: | ---: | ---: |",
    ]
    for run in figures["runs"]:
        name = "anomalib 2.7.0, `predict` alone" if run["kind"] == "anomalib" else f"`unseen score`, {run['kind']}"
        between = "" if run["kind"] == "anomalib" else spread(run | {"rounds": figures["rounds"]})
        lines.append(f"| {name} | {run['films_a_second']:.2f} | {run['ratio']:.2f} | {between} |")
    machine, load = figures["machine"], figures["load"]
    measured = (
        f"Measured on {machine['cpu']}, {machine['cores']} cores, Python {machine['python']}, {figures['date']}: "
        f"{figures['films']:,} phantoms of {figures['side']:,} × {figures['side']:,} pixels as PNG of 8 bits, "
        f"rounds in turns: {figures['rounds']}, load average {min(load)} to {max(load)}."
    )
    return "\n".join(lines) + f"\n\n{measured}"


if __name__ == "__main__":
    main()
