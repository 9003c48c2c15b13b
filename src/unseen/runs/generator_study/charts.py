"""The charts of a study's report: one line a generator, on one axis, as small SVG; colours are the page's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from unseen.evaluation.roc import Floats

_LEFT, _SPAN, _STEP, _TOP, _FOOT = 190, 640, 34, 6, 46


@dataclass(frozen=True, eq=False)
class Line:
    """`words` before it; `values` (n,); `real`: of real pictures, drawn in another colour."""

    words: str
    values: Floats
    real: bool = False


def spread_chart(lines: Sequence[Line], *, axis: str, label: str, percent: bool = False) -> Markup:
    """For each line its values from the 5th to the 95th in a hundred, a box from quarter to quarter, and the median.

    Args:
        lines: one or more, with a value each at least.
        axis: what is drawn, in words.
        label: of the picture, for those who do not see it.
        percent: whether a value of 1 is 100 %.
    """
    spreads = [np.quantile(line.values, [0.05, 0.25, 0.5, 0.75, 0.95]) for line in lines]
    ticks = ticks_to(max(float(spread[-1]) for spread in spreads))
    height = _TOP + _STEP * len(lines) + _FOOT

    def at(value: float) -> float:
        return _LEFT + _SPAN * min(value / ticks[-1], 1)

    foot = _TOP + _STEP * len(lines)
    parts = [f'<svg viewBox="0 0 {_LEFT + _SPAN + 40} {height}" role="img" aria-label="{escape(label)}">']
    for tick in ticks:
        words = f"{tick:.4g}" if not percent else f"{100 * tick:.3g} %"
        parts.append(f'<path class="grid" d="M{at(tick):.1f} {_TOP}V{foot}"/>')
        parts.append(f'<text class="tick" x="{at(tick):.1f}" y="{foot + 17}" text-anchor="middle">{words}</text>')
    for row, (line, spread) in enumerate(zip(lines, spreads, strict=True)):
        y, kind = _TOP + _STEP * (row + 0.5), "real" if line.real else "made"
        low, quarter, middle, three, high = (at(float(value)) for value in spread)
        parts.append(
            f'<text class="key" x="{_LEFT - 14}" y="{y + 4:.1f}" text-anchor="end">{escape(_short(line.words))}</text>'
            f'<path class="whisker {kind}" d="M{low:.1f} {y:.1f}H{high:.1f}"/>'
            f'<rect class="box {kind}" x="{quarter:.1f}" y="{y - 7:.1f}" width="{max(three - quarter, 1):.1f}" '
            f'height="14" rx="3"/>'
            f'<circle class="dot {kind}" cx="{middle:.1f}" cy="{y:.1f}" r="4.5"/>'
        )
    parts.append(
        f'<text class="axis" x="{_LEFT + _SPAN / 2}" y="{foot + 38}" text-anchor="middle">{escape(axis)}</text>'
    )
    return Markup("".join(parts) + "</svg>")


def ticks_to(high: float) -> list[float]:
    """Round numbers from 0 to the first one that is not below `high`.

    >>> ticks_to(0.57), ticks_to(8.1)
    ([0.0, 0.2, 0.4, 0.6], [0.0, 2.0, 4.0, 6.0, 8.0, 10.0])
    """
    if not high > 0:
        return [0.0, 1.0]
    scale = 10.0 ** np.floor(np.log10(high))
    step = next(part * scale for part in (0.2, 0.5, 1.0, 2.0) if high / (part * scale) <= 5)
    return [round(float(step * k), 12) for k in range(int(np.ceil(high / step - 1e-9)) + 1)]


def _short(words: str) -> str:
    return words if len(words) <= 25 else words[:24] + "…"
