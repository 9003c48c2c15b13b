"""Charts of the report as small SVG: ROC curves with their pointwise 95 % band, distributions, forest plots.

Colours come from the page's style, for light, dark and print.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from markupsafe import Markup

from unseen.evaluation.bootstrap import bootstrap_cohort, draw_all
from unseen.evaluation.intervals import Interval
from unseen.evaluation.metrics import judged_rows
from unseen.evaluation.roc import Floats, RocAt, folds_of
from unseen.evaluation.svg_drawing import SvgDrawing

if TYPE_CHECKING:
    import polars as pl


GRID: Final = np.linspace(0, 1, 201)
DRAWS: Final = 1000


@dataclass(frozen=True, eq=False)
class Curve:
    """A ROC curve on a grid of false positive rates, with its band: each (points,), in [0, 1].

    Args:
        grid: false positive rates.
        sensitivity: true positive rates there.
        low: lower edge of the 95 % band.
        high: upper edge of the 95 % band.

    >>> Curve(grid=GRID, sensitivity=GRID, low=GRID, high=GRID).grid.shape
    (201,)
    """

    grid: Floats
    sensitivity: Floats
    low: Floats
    high: Floats


def roc_curve(table: pl.DataFrame, *, draws: int = DRAWS, seed: int = 0) -> Curve:
    """Return the curve of a table of scores, as `score_table` and `read_scores` give it.

    Where the table has a column `fold`, it is the mean of the folds' curves.

    The same table, seed and draws give the same values.

    Args:
        table: rows from `score_table` or `read_scores`.
        draws: bootstrap samples.
        seed: of the bootstrap.

    Raises:
        ValueError: a class has no film.

    >>> from unseen.data import phantoms
    >>> from unseen.detectors import load
    >>> from unseen.evaluation import score_table
    >>> films = [*phantoms.normals(2, seed=1, size=64), *phantoms.abnormals(2, seed=2, size=64)]
    >>> curve = roc_curve(score_table(load("models/pca"), films).table, draws=20)
    >>> curve.sensitivity.shape == curve.grid.shape
    True
    """
    rows = judged_rows(table).rows
    cohort = bootstrap_cohort(rows)
    if shortfall := cohort.shortfall(np.ones(len(cohort), dtype=bool)):
        raise ValueError(f"No ROC curve: {shortfall}.")
    statistic = RocAt(folds_of(cohort.score, cohort.abnormal, cohort.fold), GRID)
    drawn = draw_all({"roc": statistic}, cohort, draws=draws, rng=np.random.default_rng(seed))["roc"]
    low, high = drawn.band()
    return Curve(GRID, drawn.value, low, high)


SIDE, LEFT, TOP, SPACE = 400, 52, 12, 44
"""Side of the ROC's square, its margins left and top, and the space for its axes, in SVG units."""


def roc_chart(curve: Curve, *, shortcut: tuple[str, Floats] | None = None, label: str) -> Markup:
    """Draw a ROC curve with its pointwise band; the strongest shortcut's curve dashed, chance dotted."""
    x, y = LEFT + curve.grid * SIDE, TOP + (1 - curve.sensitivity) * SIDE
    drawing = SvgDrawing()
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = LEFT + share * SIDE
        up = TOP + (1 - share) * SIDE
        drawing.element("path", class_="grid", d=f"M{at:.1f} {TOP}V{TOP + SIDE}M{LEFT} {up:.1f}H{LEFT + SIDE}")
        drawing.text(at, TOP + SIDE + 17, f"{share:g}", anchor="middle", class_="tick")
        drawing.text(LEFT - 8, up + 4, f"{share:g}", anchor="end", class_="tick")
    drawing.element("path", class_="chance", d=f"M{LEFT} {TOP + SIDE}L{LEFT + SIDE} {TOP}")
    band = TOP + (1 - np.concatenate([curve.low, curve.high[::-1]])) * SIDE
    drawing.area(_points(np.concatenate([x, x[::-1]]), band), class_="band")
    legend = [("line", "detector, with 95 % band")]
    if shortcut:
        drawing.curve(_points(x, TOP + (1 - shortcut[1]) * SIDE), class_="rival")
        legend.append(("rival", f"{shortcut[0]} alone"))
    drawing.curve(_points(x, y), class_="line")
    legend.append(("chance", "chance"))
    for row, (kind, words) in enumerate(legend):
        below = TOP + SIDE - 16 - 20 * (len(legend) - 1 - row)
        drawing.element("path", class_=kind, d=f"M{LEFT + SIDE - 225} {below - 4}h26")
        drawing.text(LEFT + SIDE - 192, below, words, class_="key")
    _axis_titles(drawing, "1 − specificity", "sensitivity")
    return drawing.inline(LEFT + SIDE + 22, TOP + SIDE + SPACE, label=label)


def distribution_chart(normal: Floats, abnormal: Floats, *, label: str) -> Markup:
    """Draw each class's share per score bin as an outlined area; the far tails gather in the end bins."""
    both = np.concatenate([normal, abnormal])
    low, high = np.quantile(both, [0.005, 0.995])
    if high <= low:
        low, high = low - 0.5, high + 0.5
    bins = int(np.clip(2 * np.sqrt(min(len(normal), len(abnormal))), 8, 32))
    edges = np.linspace(low, high, bins + 1)
    shares = [np.histogram(np.clip(v, low, high), edges)[0] / max(len(v), 1) for v in (normal, abnormal)]
    top = max(float(shares[0].max()), float(shares[1].max()), 1e-9)
    drawing = SvgDrawing()
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        at, up = LEFT + share * SIDE, TOP + (1 - share * 0.94) * SIDE
        drawing.element("path", class_="grid", d=f"M{LEFT} {up:.1f}H{LEFT + SIDE}")
        drawing.text(at, TOP + SIDE + 17, f"{low + share * (high - low):.3g}", anchor="middle", class_="tick")
        drawing.text(LEFT - 8, up + 4, f"{100 * share * top:.0f} %", anchor="end", class_="tick")
    x = LEFT + np.repeat((edges - low) / (high - low), 2) * SIDE  # (2 bins + 2,)
    for name, values in (("normal", shares[0]), ("abnormal", shares[1])):
        y = TOP + (1 - np.concatenate([[0.0], np.repeat(values, 2), [0.0]]) / top * 0.94) * SIDE
        drawing.area(_points(x, y), class_=f"area {name}")
    for row, (name, values) in enumerate((("normal", normal), ("abnormal", abnormal))):
        below = TOP + 20 + 20 * row
        drawing.rectangle(LEFT + SIDE - 152, below - 10, 22, 11, class_=f"area {name}")
        drawing.text(LEFT + SIDE - 123, below, f"{name}, {len(values)} films", class_="key")
    _axis_titles(drawing, "score", "share of the class")
    return drawing.inline(LEFT + SIDE + 22, TOP + SIDE + SPACE, label=label)


@dataclass(frozen=True)
class ForestRow:
    """One line of the forest chart: `strength` on 0.5 to 1, `kind` "detector", "single", "acquisition" or "mix"."""

    words: str
    strength: Interval
    kind: str


def forest_chart(rows: Sequence[ForestRow], *, label: str) -> Markup:
    """Draw strengths with their intervals, one above the other, on one axis from 0.5 to 1."""
    step, left, span = 25, 250, 600
    bottom = TOP + step * len(rows)

    def across(strength: float) -> float:
        return left + (min(max(strength, 0.5), 1.0) - 0.5) * 2 * span

    drawing = SvgDrawing()
    for share in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        drawing.element("path", class_="grid", d=f"M{across(share):.1f} {TOP}V{bottom}")
        drawing.text(across(share), bottom + 18, f"{share:g}", anchor="middle", class_="tick")
    for row, one in enumerate(rows):
        y, strength = TOP + step * (row + 0.5), one.strength
        drawing.text(left - 14, y + 4, one.words, anchor="end", class_=f"key {one.kind}")
        ends = f"M{across(strength.low):.1f} {y:.1f}H{across(strength.high):.1f}"
        drawing.element("path", class_=f"whisker {one.kind}", d=ends)
        drawing.circle(across(strength.value), y, 4.5, class_=f"dot {one.kind}")
        drawing.text(left + span + 16, y + 4, f"{strength.value:.2f}", class_="tick")
    return drawing.inline(left + span + 78, bottom + 40, label=label)


def _points(xs: Floats, ys: Floats) -> Iterator[tuple[float, float]]:
    return zip(xs.tolist(), ys.tolist(), strict=True)


def _axis_titles(drawing: SvgDrawing, across: str, up: str) -> None:
    drawing.text(LEFT + SIDE / 2, TOP + SIDE + 38, across, anchor="middle", class_="axis")
    place = f"translate(13 {TOP + SIDE / 2:.1f}) rotate(-90)"
    drawing.element("text", up, class_="axis", transform=place, text_anchor="middle")
