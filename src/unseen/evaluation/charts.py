"""Charts of the report as small SVG: ROC curves with their pointwise 95 % band, distributions, forest plots.

Colours come from the page's style, for light, dark and print.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from markupsafe import Markup, escape

from unseen.evaluation.bootstrap import cohort_of, draw_all
from unseen.evaluation.intervals import Interval
from unseen.evaluation.metrics import judged_rows
from unseen.evaluation.roc import Floats, RocAt, folds_of

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
    rows, _ = judged_rows(table)
    cohort = cohort_of(rows)
    if shortfall := cohort.shortfall(np.ones(len(cohort), dtype=bool)):
        raise ValueError(f"No ROC curve: {shortfall}.")
    statistic = RocAt(folds_of(cohort.score, cohort.abnormal, cohort.fold), GRID)
    drawn = draw_all({"roc": statistic}, cohort, draws=draws, rng=np.random.default_rng(seed))["roc"]
    low, high = drawn.band()
    return Curve(GRID, drawn.value, low, high)


SIDE, LEFT, TOP, ROOM = 400, 52, 12, 44
"""Side of the ROC's square, its margins left and top, and the space for its axes, in SVG units."""


def _points(xs: Floats, ys: Floats) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))


def roc_chart(curve: Curve, *, shortcut: tuple[str, Floats] | None = None, label: str) -> Markup:
    """ROC with its pointwise band; the strongest shortcut's curve dashed, chance dotted."""
    x, y = LEFT + curve.grid * SIDE, TOP + (1 - curve.sensitivity) * SIDE
    band = _points(np.concatenate([x, x[::-1]]), TOP + (1 - np.concatenate([curve.low, curve.high[::-1]])) * SIDE)
    parts = [_open(LEFT + SIDE + 22, TOP + SIDE + ROOM, label)]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = LEFT + share * SIDE
        up = TOP + (1 - share) * SIDE
        parts.append(f'<path class="grid" d="M{at:.1f} {TOP}V{TOP + SIDE}M{LEFT} {up:.1f}H{LEFT + SIDE}"/>')
        parts.append(f'<text class="tick" x="{at:.1f}" y="{TOP + SIDE + 17}" text-anchor="middle">{share:g}</text>')
        parts.append(f'<text class="tick" x="{LEFT - 8}" y="{up + 4:.1f}" text-anchor="end">{share:g}</text>')
    parts.append(f'<path class="chance" d="M{LEFT} {TOP + SIDE}L{LEFT + SIDE} {TOP}"/>')
    parts.append(f'<polygon class="band" points="{band}"/>')
    legend = [("line", "detector, with 95 % band")]
    if shortcut:
        parts.append(f'<polyline class="rival" points="{_points(x, TOP + (1 - shortcut[1]) * SIDE)}"/>')
        legend.append(("rival", f"{shortcut[0]} alone"))
    parts.append(f'<polyline class="line" points="{_points(x, y)}"/>')
    legend.append(("chance", "chance"))
    for row, (kind, words) in enumerate(legend):
        at = TOP + SIDE - 16 - 20 * (len(legend) - 1 - row)
        parts.append(f'<path class="{kind}" d="M{LEFT + SIDE - 225} {at - 4}h26"/>')
        parts.append(f'<text class="key" x="{LEFT + SIDE - 192}" y="{at}">{escape(words)}</text>')
    parts.append(_axis_titles(LEFT + SIDE / 2, TOP + SIDE + 38, "1 − specificity", "sensitivity"))
    return Markup("".join(parts) + "</svg>")


def distribution_chart(normal: Floats, abnormal: Floats, *, label: str) -> Markup:
    """Share of each class per score bin, as two outlined areas on one axis; the far tails gather in the end bins."""
    both = np.concatenate([normal, abnormal])
    low, high = np.quantile(both, [0.005, 0.995])
    if high <= low:
        low, high = low - 0.5, high + 0.5
    bins = int(np.clip(2 * np.sqrt(min(len(normal), len(abnormal))), 8, 32))
    edges = np.linspace(low, high, bins + 1)
    shares = [np.histogram(np.clip(v, low, high), edges)[0] / max(len(v), 1) for v in (normal, abnormal)]
    top = max(float(shares[0].max()), float(shares[1].max()), 1e-9)
    parts = [_open(LEFT + SIDE + 22, TOP + SIDE + ROOM, label)]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        at, up = LEFT + share * SIDE, TOP + (1 - share * 0.94) * SIDE
        value = low + share * (high - low)
        parts.append(f'<path class="grid" d="M{LEFT} {up:.1f}H{LEFT + SIDE}"/>')
        parts.append(f'<text class="tick" x="{at:.1f}" y="{TOP + SIDE + 17}" text-anchor="middle">{value:.3g}</text>')
        parts.append(
            f'<text class="tick" x="{LEFT - 8}" y="{up + 4:.1f}" text-anchor="end">{100 * share * top:.0f} %</text>'
        )
    x = LEFT + np.repeat((edges - low) / (high - low), 2) * SIDE  # (2 bins + 2,)
    for name, values in (("normal", shares[0]), ("abnormal", shares[1])):
        y = TOP + (1 - np.concatenate([[0.0], np.repeat(values, 2), [0.0]]) / top * 0.94) * SIDE
        parts.append(f'<polygon class="area {name}" points="{_points(x, y)}"/>')
    for row, (name, values) in enumerate((("normal", normal), ("abnormal", abnormal))):
        at = TOP + 20 + 20 * row
        parts.append(f'<rect class="area {name}" x="{LEFT + SIDE - 152}" y="{at - 10}" width="22" height="11"/>')
        parts.append(f'<text class="key" x="{LEFT + SIDE - 123}" y="{at}">{name}, {len(values)} films</text>')
    parts.append(_axis_titles(LEFT + SIDE / 2, TOP + SIDE + 38, "score", "share of the class"))
    return Markup("".join(parts) + "</svg>")


@dataclass(frozen=True)
class ForestRow:
    """One line of the forest chart: `strength` on 0.5 to 1, `kind` "detector", "single", "acquisition" or "mix"."""

    words: str
    strength: Interval
    kind: str


def forest_chart(rows: Sequence[ForestRow], *, label: str) -> Markup:
    """Strengths with their intervals, one above the other, on one axis from 0.5 to 1."""
    step, left, span = 25, 250, 600
    height = TOP + step * len(rows) + 40
    parts = [_open(left + span + 78, height, label)]
    for share in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        at = left + (share - 0.5) * 2 * span
        parts.append(f'<path class="grid" d="M{at:.1f} {TOP}V{TOP + step * len(rows)}"/>')
        parts.append(
            f'<text class="tick" x="{at:.1f}" y="{TOP + step * len(rows) + 18}" text-anchor="middle">{share:g}</text>'
        )
    for row, one in enumerate(rows):
        y = TOP + step * (row + 0.5)
        ends = [left + (min(max(v, 0.5), 1.0) - 0.5) * 2 * span for v in (one.strength.low, one.strength.high)]
        at = left + (min(max(one.strength.value, 0.5), 1.0) - 0.5) * 2 * span
        parts.append(
            f'<text class="key {one.kind}" x="{left - 14}" y="{y + 4:.1f}" text-anchor="end">{escape(one.words)}</text>'
            f'<path class="whisker {one.kind}" d="M{ends[0]:.1f} {y:.1f}H{ends[1]:.1f}"/>'
            f'<circle class="dot {one.kind}" cx="{at:.1f}" cy="{y:.1f}" r="4.5"/>'
            f'<text class="tick" x="{left + span + 16}" y="{y + 4:.1f}">{one.strength.value:.2f}</text>'
        )
    return Markup("".join(parts) + "</svg>")


def _open(width: float, height: float, label: str) -> str:
    return f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(label)}">'


def _axis_titles(x: float, y: float, across: str, up: str) -> str:
    middle = TOP + SIDE / 2
    return (
        f'<text class="axis" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{across}</text>'
        f'<text class="axis" transform="translate(13 {middle:.1f}) rotate(-90)" text-anchor="middle">{up}</text>'
    )
