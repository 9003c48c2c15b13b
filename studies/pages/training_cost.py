"""Core-hours of trainings that were not run, from the measured rate of the nearest committed row."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from studies.pages.cells import Entry


@dataclass(frozen=True)
class SourceTraining:
    """SourceTraining of a source, and the row of ours whose rate is the nearest to it.

    Args:
        nearest: Name of a row that was trained on a CPU.
        amount: Steps or epochs of one training; None: as many as in the row.
        unit: Whether `amount` counts steps or epochs.
        px: Pixels a side in the source; None: as in the row.
        features: Channels of the first layer in the source; None: as in the row.
        transforms: Transforms per step in the source; None: as in the row.
        runs: Number of trainings.
    """

    nearest: str
    amount: int | None = None
    unit: Literal["steps", "epochs"] = "steps"
    px: int | None = None
    features: int | None = None
    transforms: int | None = None
    runs: int = 1


@dataclass(frozen=True)
class Cost:
    """Computed cost of a training.

    Attributes:
        amount: Steps or epochs of one training.
        core_seconds: Core-seconds of one step or epoch in the nearest row.
        hours: Core-hours of all trainings at the row's size.
        growth: Factor from the row's size to the source's: the ratios of the numbers of pixels, of the squared
            features and of the transforms, which is the growth of a convolutional network's operations.
    """

    amount: int
    core_seconds: float
    hours: float
    growth: float


def core_seconds(row: Entry, unit: Literal["steps", "epochs"] = "steps") -> float:
    """Return the core-seconds of one step or epoch of a row.

    The processor's time where the row has it, else elapsed seconds times threads.

    Raises:
        ValueError: The row has no training or was not trained on a CPU.

    >>> core_seconds({"steps": 100, "seconds": 60.0, "device": "cpu (x86_64), 2 thread(s)"})
    1.2
    """
    found = re.match(r"cpu .*?(\d+) thread", str(row.get("device", "")))
    spent = row.get("trained_seconds") if unit == "epochs" else row.get("seconds")
    count = row["training"]["epochs"] if unit == "epochs" and "training" in row else row.get("steps")
    measured = row.get("cpu_seconds") if unit == "steps" else None
    if found is None or not (measured or spent) or not count:
        raise ValueError("the row has no training on a CPU whose time is known")
    if isinstance(row.get("folds"), dict):
        count = sum(int(fold["steps"]) for fold in row["folds"].values())
    return float(measured or float(spent or 0) * int(found.group(1))) / int(count)


def cost_of(training: SourceTraining, rows: Mapping[str, Entry]) -> Cost | None:
    """Return what a training would cost; None where there is no such row.

    Raises:
        ValueError: The row has no training or was not trained on a CPU.
    """
    row = rows.get(training.nearest)
    if row is None:
        return None
    amount = training.amount or int(row["steps"] if training.unit == "steps" else row["training"]["epochs"])
    each = core_seconds(row, training.unit)
    growth = 1.0
    if training.px is not None:
        growth *= (training.px / int(row["px"])) ** 2
    if training.features is not None:
        growth *= (training.features / int(row["features"])) ** 2
    if training.transforms is not None:
        growth *= training.transforms / int(row["settings"]["transforms"])
    return Cost(amount, each, training.runs * amount * each / 3600, growth)


def cost_text(training: SourceTraining, rows: Mapping[str, Entry]) -> str:
    """Return the cost in words, with the row that it is derived from."""
    cost = cost_of(training, rows)
    if cost is None:
        return f"cost unknown: no row `{training.nearest}`"
    row = rows[training.nearest]
    size = ", ".join(f"{row[name]} {name}" for name in ("px", "features") if row.get(name))
    times = f"{training.runs} × " if training.runs > 1 else ""
    unit = training.unit if cost.amount != 1 else training.unit.removesuffix("s")
    text = f"{two_digits(cost.hours)} core-hours" + (f" at {size}" if size else "")
    if cost.growth > 1:
        text += f", up to {two_digits(cost.hours * cost.growth)} at the source's size"
    rate = f"{two_digits(cost.core_seconds)} core-seconds"
    return f"{text} ({times}{cost.amount:,} {unit} at {rate} each, `{training.nearest}`)"


def cost_of_several(trainings: Sequence[SourceTraining], rows: Mapping[str, Entry]) -> str:
    """Return the cost of several trainings of equally many steps in words: each from a row of its own."""
    known = [(cost_of(one, rows), one) for one in trainings]
    unknown = [f"`{one.nearest}`" for cost, one in known if cost is None]
    if unknown:
        return f"cost unknown: no row {', '.join(unknown)}"
    costs = [cost for cost, _ in known if cost is not None]
    first = rows[trainings[0].nearest]
    least, most = sum(cost.hours for cost in costs), sum(cost.hours * cost.growth for cost in costs)
    rates = sorted(cost.core_seconds for cost in costs)
    return (
        f"{two_digits(least)} core-hours at {first['px']} px, {first['features']} features, up to {two_digits(most)} "
        f"at the source's size ({len(trainings)} × {costs[0].amount:,} {trainings[0].unit} at {two_digits(rates[0])} "
        f"to {two_digits(rates[-1])} core-seconds each, rows such as `{trainings[0].nearest}`)"
    )


ENSEMBLE = "shipped/ensemble-five-0"
"""Row of the pretrained model with the highest figures, cross-validated over four folds."""


def ensemble_line(
    rows: Mapping[str, Entry], films: int, cells: int, *, how: str = "without its lung finder"
) -> list[list[str]]:
    """Return the line of a table that lacks `ensemble-five`: not computed, and at least what it would cost.

    Args:
        rows: all rows.
        films: training films of all trainings together, each counted in each training.
        cells: number of cells of the line.
        how: words behind the cost.

    Returns:
        One line; none where the ensemble has no row from which its cost is known.

    >>> ensemble_line({}, 277, 3)
    []
    """
    row = rows.get(ENSEMBLE)
    if row is None:
        return []
    # of five folds, four are trained on each time: as many normal films as are tested in four folds
    trained = len(row["folds"]) * int(row["metrics"]["n"]["pooled"]["normal"])
    hours = float(row["seconds"]) / trained * films / 3600
    said = f"*not computed: at least {two_digits(hours)} core-hours, {how}*"
    return [["`ensemble-five`", said, *["–"] * (cells - 2)]]


def two_digits(value: float) -> str:
    """Return a positive number with two significant digits.

    >>> two_digits(0.0345), two_digits(3.21), two_digits(45.6), two_digits(12_345)
    ('0.035', '3.2', '46', '12,000')
    """
    digits = 1 - math.floor(math.log10(value))
    return f"{round(value, digits):,.{max(digits, 0)}f}"
