"""The history of `make bench` and `make bench-imaging`: a line of JSON a run, and docs/speed-history.md.

A line has the date, the machine and the ratios of the parts that were measured. A ratio compares two programs that take
turns in one process, so that it can be compared over time where seconds cannot.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.imaging.bounds import times_as_fast
from studies.evidence.screen import folded
from studies.evidence.speed import SERIES, history_screen
from unseen.artifacts.files import write_text

Figures = dict[str, Any]  # Any: JSON

FULL = (256, 64)
"""Pixels and features of a run that counts."""


def entry(figures: Figures, parts: set[str]) -> Figures | None:
    """Return the line for this run; None for a run of another size, or without a ratio.

    parts  the parts that this run measured; other parts in `figures` are of an earlier run
    """
    ratios: dict[str, float] = {}
    if "training_step" in parts & set(figures) and _full(figures["training_step"]):
        ratios["training_step"] = figures["training_step"]["times_as_fast"]
    if "inference" in parts & set(figures) and _full(figures["inference"]):
        contenders = figures["inference"]["contenders"]
        ratios["film_openvino"] = contenders["unseen_openvino"]["times_as_fast"]
        ratios["film_torch"] = contenders["unseen_torch"]["times_as_fast"]
    if "screening" in parts & set(figures):
        ratios["screened_film"] = round(1 / figures["screening"]["median_ratio"], 2)
    if "ensemble" in parts & set(figures):
        took = figures["ensemble"]["median_ms"]
        ratios["ensemble_openvino"] = round(took["torch"] / took["openvino"], 2)
    if not ratios:
        return None
    there = [figures[part] for part in parts & set(figures)]
    date = max(part.get("date", figures["date"]) for part in there)
    return {"date": date, "machine": there[0].get("machine", figures["machine"]), "ratios": ratios}


IMAGING = {
    "imaging_blur": ("blur", "forward", 8),
    "imaging_mask": ("mask", "forward", 8),
    "imaging_ei": ("steps", "EI step", None),
    "imaging_rei": ("steps", "REI step", None),
    "imaging_rei_shared": ("steps", "REI step, shared pass", None),
}
"""Ratio → problem, operation and batch (None: as it was measured) of `make bench-imaging` that it is of."""


def imaging_entry(figures: Figures, parts: set[str]) -> Figures | None:
    """Return the line for this run of `make bench-imaging`: how many times as fast as deepinv; None without such a
    ratio.

    parts  the problems that this run measured
    """
    ratios: dict[str, float] = {}
    for name, (problem, operation, batch) in IMAGING.items():
        rows = {
            row["contender"]: row
            for row in figures["rows"]
            if (row["case"]["problem"], row["operation"]) == (problem, operation) and batch in (None, row["batch"])
        }
        if problem in parts and {"unseen", "deepinv"} <= set(rows):
            ratios[name] = round(times_as_fast(rows["unseen"], rows["deepinv"]), 2)
    if not ratios:
        return None
    here = next(figures["measured"][problem] for problem, *_ in IMAGING.values() if problem in parts)
    return {"date": here["date"], "machine": here["machine"], "ratios": ratios}


def append(line: Figures, path: Path) -> None:
    """Add a line at the end of the file; the lines before it stay as they are."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    write_text(path, before + json.dumps(line, ensure_ascii=False) + "\n")


def read(path: Path) -> list[Figures]:
    """Return the lines, oldest first."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def page(lines: list[Figures]) -> str:
    """Return the whole page as Markdown."""
    names = [name for name in SERIES if any(name in line["ratios"] for line in lines)]
    head = ["date", "processor", "cores", "torch", *(SERIES[name] for name in names)]
    rows = []
    for line in reversed(lines):
        machine = line["machine"]
        ratios = [f"{line['ratios'][name]:.2f}" if name in line["ratios"] else "–" for name in names]
        rows.append([line["date"], machine["cpu"], str(machine["cores"]), machine["torch"], *ratios])
    table = [head, ["---"] * len(head), *rows]
    return "\n\n".join(
        [
            "# Speed over time",
            *history_screen(lines).blocks(),
            *folded(
                [
                    "## All runs",
                    "Each run of `make bench` and of `make bench-imaging` adds a line. A ratio is the time of the "
                    "reference divided by that of `unseen`, on the same machine ([method](speed.md)). In some earlier "
                    "runs blur and mask include page faults of freed memory; now both sides keep freed memory.",
                    "\n".join(f"| {' | '.join(row)} |" for row in table),
                ]
            ),
        ]
    ) + "\n"  # fmt: skip


def render(history: Path, to: Path) -> None:
    """The page at `to`, and its figure beside it."""
    lines = read(history)
    write_text(to, page(lines))
    history_screen(lines).write(to.parent)


def _full(part: Figures) -> bool:
    return (part["recipe"]["px"], part["recipe"]["features"]) == FULL
