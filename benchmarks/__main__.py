"""`python -m benchmarks` (`make bench`): measure, write bench.json, add a line to its history, render the pages.

python -m benchmarks                    under ten minutes on a machine with nothing else to do
python -m benchmarks --full             the losses at the size of the step too: half an hour more
python -m benchmarks --only inference   this part anew; the others stay as they were measured
python -m benchmarks --render           the page alone

Exit status 1: at 256 px and 64 features, a bound was missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import history
from benchmarks.inference import inference
from benchmarks.kept_figures import as_json
from benchmarks.machine import computes_bfloat16, described
from benchmarks.page import page
from benchmarks.screening import screening
from benchmarks.shipped_ensemble import shipped_ensemble
from studies.evidence.speed import bench_screen
from unseen.artifacts.files import write_text

Figures = dict[str, Any]  # Any: JSON

LEAST_STEP, LEAST_FILM = 1.8, 4.0  # times as fast as plain float32 PyTorch
MOST_LOSS, MOST_SCORE = 0.02, 0.005  # relative differences
MOST_SCREENING = 0.7  # of the time that finding the lungs twice takes
MOST_ENSEMBLE_MS = {"torch": 150, "openvino": 60}  # a film, by runtime, on one core

# glibc hands large blocks back to the system after each use, and the next step pays for each page again.
KEEPING_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": "8589934592",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "THP_MEM_ALLOC_ENABLE": "1",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--render", action="store_true", help="only render the page from --out")
    parser.add_argument("--only", choices=PARTS, help="measure this part, and keep the others of --out")
    parser.add_argument("--full", action="store_true", help="compare losses at --size and --features too")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--features", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=5, help="timed steps, after one to warm up")
    parser.add_argument("--films", type=int, default=12, help="films scored by each, after one to warm up")
    parser.add_argument("--loss-size", type=int, default=64)
    parser.add_argument("--loss-features", type=int, default=32)
    parser.add_argument("--loss-epochs", type=int, default=5, help="of ten batches each")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("studies/results/bench.json"))
    parser.add_argument("--page", type=Path, default=Path("docs/speed.md"))
    parser.add_argument("--history", type=Path, default=Path("studies/results/bench-history.jsonl"))
    parser.add_argument("--history-page", type=Path, default=Path("docs/speed-history.md"))
    given = parser.parse_args()
    figures: Figures = {}
    line = None
    if given.render or given.only:
        figures = json.loads(given.out.read_text(encoding="utf-8"))
    if not given.render:
        figures |= measured(given)
        figures["bounds"] = bounds(figures)
        write_text(given.out, as_json(figures))
        print("wrote", given.out)
        line = history.entry(figures, {given.only} if given.only else set(PARTS))
        if line is not None:
            history.append(line, given.history)
            print("added a line to", given.history)
    if given.render or line is not None:
        history.render(given.history, given.history_page)
        print("rendered", given.history_page)
    write_text(given.page, page(figures))
    bench_screen(figures).write(given.page.parent)
    print("rendered", given.page)
    missed = [name for name, bound in figures["bounds"].items() if bound["met"] is False]
    if missed:
        sys.exit(f"make bench: missed {', '.join(missed)}; see {given.out}")


def measured(given: argparse.Namespace) -> Figures:
    """Return the parts that are asked for, by name, with the date and the machine; of one alone, the part has them."""
    measured_on = {"date": datetime.now(UTC).date().isoformat(), "machine": described()}
    figures: Figures = {} if given.only else dict(measured_on)
    for name, part in PARTS.items():
        if given.only not in (None, name):
            continue
        if name not in ("inference", "screening", "ensemble") and not computes_bfloat16():
            figures["skipped"] = "this processor has no instructions for bfloat16"
            continue
        print(name.replace("_", " "), flush=True)
        figures[name] = part(given) | (measured_on if given.only else {"date": measured_on["date"]})
    return figures


def training_step(given: argparse.Namespace) -> Figures:
    """Medians of both in turn, after one step to warm up."""
    ran = _race(given, given.size, given.features, batches=1, epochs=given.steps + 1)
    ours, plain = ran["unseen_s"][1:], ran["plain_s"][1:]
    return {
        "recipe": _recipe(given, given.size, given.features),
        "steps": given.steps,
        "unseen_bf16_s": round(statistics.median(ours), 3),
        "plain_fp32_s": round(statistics.median(plain), 3),
        "times_as_fast": round(statistics.median(plain) / statistics.median(ours), 2),
        "unseen_bf16_all_s": [round(value, 3) for value in ours],
        "plain_fp32_all_s": [round(value, 3) for value in plain],
    }


def keeping_memory(given: argparse.Namespace) -> Figures:
    """Medians of the package's step alone, without and with the settings, after one step to warm up."""
    steps = max(1, given.steps - 2)

    def seconds(environment: Mapping[str, str]) -> list[float]:
        ran = _race(given, given.size, given.features, batches=1, epochs=steps + 1, alone=True, environment=environment)
        return [round(value, 3) for value in ran["unseen_s"][1:]]

    without, with_them = seconds({}), seconds(KEEPING_MEMORY)
    return {
        "recipe": _recipe(given, given.size, given.features),
        "environment": KEEPING_MEMORY,
        "steps": steps,
        "without_s": statistics.median(without),
        "with_s": statistics.median(with_them),
        "without_all_s": without,
        "with_all_s": with_them,
    }


def losses(given: argparse.Namespace) -> Figures:
    """Return the difference of the weighted generator losses, step by step, from the same weights on the same batches.

    The package's step in bfloat16 is compared with plain PyTorch in float32. The control is the package's own step in
    float32: it does not round to bfloat16, but adds in another order.
    """
    size, features = (given.size, given.features) if given.full else (given.loss_size, given.loss_features)
    return {
        "recipe": _recipe(given, size, features),
        "steps": 10 * given.loss_epochs,
        "bf16": _apart(_race(given, size, features, batches=10, epochs=given.loss_epochs)),
        "fp32": _apart(_race(given, size, features, batches=10, epochs=given.loss_epochs, precision="fp32")),
    }


def film_by_film(given: argparse.Namespace) -> Figures:
    """Measure the time of one film's score, in milliseconds."""
    return inference(size=given.size, features=given.features, films=given.films, threads=given.threads)


def film_by_gate_and_detector(given: argparse.Namespace) -> Figures:
    """Compare a screener's time for a film with that of a gate and a detector that each find the lungs."""
    return screening(films=10 * given.films, threads=1)


def film_by_ensemble(given: argparse.Namespace) -> Figures:
    """Measure the time of a film's score and map by the best shipped detector, including the search for the lungs."""
    return shipped_ensemble(films=2 * given.films, threads=1)


PARTS: dict[str, Callable[[argparse.Namespace], Figures]] = {
    "training_step": training_step,
    "keeping_memory": keeping_memory,
    "losses": losses,
    "inference": film_by_film,
    "screening": film_by_gate_and_detector,
    "ensemble": film_by_ensemble,
}


def bounds(figures: Figures) -> Figures:
    """Return each bound with its figure, and whether it is met; at sizes other than 256 px, 64 features met is null."""
    film = figures["inference"]["contenders"]["unseen_openvino"]
    asked = {
        "a film on OpenVINO, times as fast as plain float32": (film["times_as_fast"], ">=", LEAST_FILM),
        "its score, largest relative difference": (film["largest_difference_of_scores"], "<=", MOST_SCORE),
    }
    if "screening" in figures:
        ratio = figures["screening"]["median_ratio"]
        asked["a film screened by `pca`, share of the time with its lungs found twice"] = (ratio, "<=", MOST_SCREENING)
    if "ensemble" in figures:
        for runtime, most in MOST_ENSEMBLE_MS.items():
            took = figures["ensemble"]["median_ms"][runtime]
            asked[f"a film by `{figures['ensemble']['model']}`, runtime {runtime}, ms"] = (took, "<=", most)
    if "training_step" in figures:
        step, loss = figures["training_step"], figures["losses"]["bf16"]
        asked["a training step, times as fast as plain float32"] = (step["times_as_fast"], ">=", LEAST_STEP)
        asked["its loss, mean relative difference"] = (abs(loss["mean_relative_difference"]), "<=", MOST_LOSS)
    recipe = figures["inference"]["recipe"]
    full = (recipe["px"], recipe["features"]) == (256, 64)
    return {
        name: {"seen": seen, "asked": f"{sign} {bound}", "met": _holds(seen, sign, bound) if full else None}
        for name, (seen, sign, bound) in asked.items()
    }


def _holds(seen: float, sign: str, bound: float) -> bool:
    return seen >= bound if sign == ">=" else seen <= bound


def _apart(ran: Mapping[str, list[float]]) -> Figures:
    pairs = list(zip(ran["unseen_loss"], ran["plain_loss"], strict=True))
    relative = [ours / plain - 1 for ours, plain in pairs]
    return {
        "mean_relative_difference": statistics.mean(relative),
        "mean_absolute_relative_difference": statistics.mean(map(abs, relative)),
        "unseen": [round(ours, 4) for ours, _ in pairs],
        "plain": [round(plain, 4) for _, plain in pairs],
    }


def _recipe(given: argparse.Namespace, size: int, features: int) -> Figures:
    return {"method": "ganomaly", "px": size, "features": features, "batch": given.batch, "threads": given.threads}


def _race(
    given: argparse.Namespace,
    size: int,
    features: int,
    *,
    batches: int,
    epochs: int,
    precision: str = "bf16",
    alone: bool = False,
    environment: Mapping[str, str] | None = None,
) -> dict[str, list[float]]:
    """`training_step.race` in a process of its own, which inherits no memory of another's."""
    words = [f"--size={size}", f"--features={features}", f"--batch={given.batch}", f"--threads={given.threads}"]
    words += [f"--batches={batches}", f"--epochs={epochs}", f"--precision={precision}"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.training_step", *words, *(["--alone"] if alone else [])],
        env=os.environ | (environment or {}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    result: dict[str, list[float]] = json.loads(done.stdout)
    return result


if __name__ == "__main__":
    main()
