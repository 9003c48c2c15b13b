"""The table of the queue's costs in `docs/how-to/gpu.md`: a line for each recipe and arm, from the committed rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from studies.gpu_queue.entries import QueueEntry, queue
from studies.pages.cells import put_between, table
from studies.pages.training_cost import Cost, cost_of, two_digits
from studies.rows import Row

BEGIN, END = "<!-- gpu queue costs -->", "<!-- end of the gpu queue costs -->"
_HEAD = ["recipe and arm", "entries", "core-hours of each on a CPU", "from: trainings, rows"]


def costs_of(entry: QueueEntry, rows: Mapping[str, Row]) -> list[Cost]:
    """Return the cost of each of an entry's trainings.

    Raises:
        ValueError: a row that a cost is derived from is missing.
    """
    found = [(training.nearest, cost_of(training, rows)) for training in entry.costs]
    known = [cost for _, cost in found if cost is not None]
    if not known or len(known) < len(found):
        missing = [nearest for nearest, cost in found if cost is None]
        raise ValueError(f"{entry.name}: its cost is not known without the rows {', '.join(missing)}")
    return known


def cost_cell(costs: Sequence[Cost]) -> str:
    """Return the core-hours of trainings at the nearest rows' sizes, and up to what at their own."""
    hours, most = sum(cost.hours for cost in costs), sum(cost.hours * max(cost.growth, 1) for cost in costs)
    return two_digits(hours) + (f", up to {two_digits(most)}" if two_digits(most) != two_digits(hours) else "")


def costs_table(entries: Sequence[QueueEntry], rows: Mapping[str, Row]) -> str:
    """Return the table, in the order of the entries; seeds and folds of a recipe and arm share a line."""
    lines = []
    for (recipe, arm), some in groupby(entries, key=lambda entry: (entry.recipe, entry.arm)):
        alike = list(some)
        first = alike[0]
        costs = costs_of(first, rows)
        parts = [
            f"{cost.amount:,} {training.unit}, {two_digits(cost.core_seconds)} s each in `{training.nearest}`"
            for training, cost in zip(first.costs, costs, strict=True)
        ]
        names = f"`{first.name}`" if len(alike) == 1 else f"{len(alike)}: `{first.name}` to `{alike[-1].name}`"
        lines.append([f"`{recipe}`" + (f", `{arm}`" if arm else ""), names, cost_cell(costs), "; ".join(parts)])
    return table(_HEAD, lines)


def write_table(rows: Mapping[str, Row], *, docs: Path) -> Path:
    """Write the table into the page, and return the page's path."""
    path = docs / "how-to" / "gpu.md"
    put_between(path, BEGIN, END, costs_table(queue(), rows))
    return path
