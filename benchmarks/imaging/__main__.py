"""`make bench-imaging`: measure, write studies/results/bench-imaging.json, render docs/speed-imaging.md from it.

python -m benchmarks.imaging               some minutes on a machine with nothing else to do
python -m benchmarks.imaging --quick       every case once, at small sizes: does it run?
python -m benchmarks.imaging --only mri    these problems anew; the others stay as they were measured
python -m benchmarks.imaging --render      the page alone

Without .venv-peers (make peers) deepinv and ASTRA are left out, and the page says so. Exit status 1: a bound was
missed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.history import append, imaging_entry, render
from benchmarks.imaging.bounds import bounds
from benchmarks.imaging.contender import Settings
from benchmarks.imaging.page import page
from benchmarks.imaging.racing import PEERS, ROOT, ROUNDS, pooled, race, sides
from benchmarks.kept_figures import as_json
from benchmarks.machine import described
from studies.evidence.speed import imaging_speed_screen
from unseen.artifacts.files import write_text

CASES: list[Settings] = [
    {"problem": "tomography", "size": 256, "views": 50, "batches": [1, 8]},
    {"problem": "tomography", "size": 256, "views": 180, "batches": [1, 8]},
    {"problem": "mri", "size": 256, "batches": [1, 8]},
    {"problem": "multi-coil", "size": 256, "batches": [1]},
    {"problem": "mask", "size": 256, "batches": [1, 8]},
    {"problem": "blur", "size": 256, "batches": [1, 8]},
    {"problem": "steps", "size": 64, "batch": 2},
    # cost against size
    *({"problem": "tomography", "size": size, "views": 50, "batches": [1]} for size in (64, 128, 512)),
    *({"problem": "mri", "size": size, "batches": [1]} for size in (64, 128, 512)),
    *({"problem": "multi-coil", "size": size, "batches": [1]} for size in (64, 128, 512)),
]
SMALL = {"size": 32, "views": 10, "batch": 2}
VERSIONS = {
    "torch": "import torch; print(torch.__version__)",
    "deepinv": "import deepinv; print(deepinv.__version__)",
    "astra": "from benchmarks.imaging.astra_side import load_cuda_libraries as load; load(); "
    "import astra; print(astra.__version__)",
}
PROBLEMS = sorted({case["problem"] for case in CASES})
QUALITY = {
    "precision": (["--size=64", "--steps=200"], ["--size=16", "--steps=10"]),
    "estimators": (["--size=64", "--steps=300", "--seeds=3"], ["--size=16", "--steps=10", "--seeds=2"]),
}
"""Module of this package that measures what speed costs in quality → its options, and those of --quick."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imaging", description=__doc__.splitlines()[0])
    parser.add_argument("--render", action="store_true", help="only render the page from --out")
    parser.add_argument("--only", nargs="+", choices=[*PROBLEMS, *QUALITY], help="these anew, keep the others of --out")
    parser.add_argument("--quick", action="store_true", help="two calls each, at small sizes")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "studies" / "results" / "bench-imaging.json")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "speed-imaging.md")
    parser.add_argument("--history", type=Path, help="file to which a line of ratios is added")
    given = parser.parse_args()
    figures: Settings = {"rows": []}
    if given.render or given.only:
        figures = json.loads(given.out.read_text(encoding="utf-8"))
    if not given.render:
        _measure(figures, given)
        write_text(given.out, as_json(figures))
        print("wrote", given.out)
        line = None if given.quick else imaging_entry(figures, set(given.only or PROBLEMS))
        if line is not None and given.history is not None:
            append(line, given.history)
            render(given.history, given.page.parent / "speed-history.md")
    write_text(given.page, page(figures))
    if (first := imaging_speed_screen(figures)) is not None:
        first.write(given.page.parent)
    print("rendered", given.page)
    missed = [bound["what"] for bound in figures["bounds"] if bound["met"] is False]
    if missed:
        sys.exit(f"make bench-imaging: missed {', '.join(missed)}; see {given.out}")


def _measure(figures: Settings, given: argparse.Namespace) -> None:
    """Put what is asked for into the figures."""
    peers = _peers()
    if not peers:
        print("deepinv and ASTRA are left out: there is no .venv-peers. make peers installs them.")
    figures |= {"peers": peers, "threads": given.threads}
    wanted = given.only or [*PROBLEMS, *QUALITY]
    here = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": described(),
        "clock": "cpu",
        "load": round(os.getloadavg()[2], 1),  # of the 15 minutes before
    }
    figures["measured"] = figures.get("measured", {}) | {
        one: here | {"kept": _is_kept(one), "rounds": _rounds(one, quick=given.quick)} for one in wanted
    }
    figures["rows"] = [row for row in figures["rows"] if row["case"]["problem"] not in wanted]
    cases = [case for case in CASES if case["problem"] in wanted]
    spent = {problem: [0.0, 0.0] for problem in wanted}  # core-seconds of other programs, seconds
    if given.quick:
        first = {case["problem"]: case for case in reversed(cases)}
        cases = [case | {name: value for name, value in SMALL.items() if name in case} for case in first.values()]
    for case in cases:
        print(*(f"{name}={value}" for name, value in case.items()), flush=True)
        names = ["unseen", *(["deepinv"] if "deepinv" in peers else [])]
        names += ["plain"] if case["problem"] in ("tomography", "mri", "steps") else []
        names += ["astra"] if case["problem"] == "tomography" and "astra" in peers else []
        rounds, before = [], _processor_seconds()
        for _ in range(_rounds(case["problem"], quick=given.quick)):
            with sides(names, threads=given.threads, freed_is_kept=_is_kept(case["problem"])) as contenders:
                rounds.append(race(case, contenders, quick=given.quick))
        figures["rows"] += pooled(rounds)
        _add_since(spent[case["problem"]], before)
    for name, options in QUALITY.items():
        if name in wanted:
            print(name, flush=True)
            before = _processor_seconds()
            figures[name] = _quality(name, options[given.quick])
            _add_since(spent[name], before)
    for one, (others, seconds) in spent.items():
        figures["measured"][one]["other_cores"] = round(max(0.0, others) / max(seconds, 1e-9), 2)
    figures["bounds"] = bounds(figures)


def _processor_seconds() -> tuple[float, float]:
    """Return the core-seconds of all programs other than this one and its ended children, and the time."""
    machine, own = psutil.cpu_times(), os.times()
    busy = machine.user + machine.nice + machine.system
    return busy - (own.user + own.system + own.children_user + own.children_system), time.monotonic()


def _add_since(spent: list[float], before: tuple[float, float]) -> None:
    """Add to the core-seconds of other programs, and to the seconds, what has passed since `before`."""
    for at, (now, then) in enumerate(zip(_processor_seconds(), before, strict=True)):
        spent[at] += now - then


def _rounds(problem: str, *, quick: bool) -> int:
    return 1 if quick else ROUNDS.get(problem, 1)


def _is_kept(problem: str) -> bool:
    """Return whether freed memory is kept: not in trainings, which are measured as users run them."""
    return problem != "steps" and problem not in QUALITY


def _quality(module: str, options: list[str]) -> Settings:
    words = [sys.executable, "-m", f"benchmarks.imaging.{module}", *options]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    result: Settings = json.loads(done.stdout)
    return result


def _peers() -> dict[str, str]:
    """Return the versions of what the peers' environment holds and can be imported; nothing: there is none."""
    found: dict[str, str] = {}
    for name, say in VERSIONS.items():
        if PEERS.is_file():
            done = subprocess.run([str(PEERS), "-c", say], cwd=ROOT, capture_output=True, text=True)
            if done.returncode == 0:
                found[name] = done.stdout.split()[-1]
            else:
                print(f"{name} is left out: {done.stderr.strip().splitlines()[-1]}")
    return found


if __name__ == "__main__":
    main()
