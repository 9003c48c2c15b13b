"""One figure for all problems: how far each way of learning is above or below TV, as an SVG written here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from unseen.evaluation.intervals import Interval

WIDTH, LEFT, LINE, TOP = 900, 330, 24, 46
KINDS = {"direct": ("#9aa0a6", "A†, nothing learnt"), "free": ("#0b7285", "best without truth"),
         "supervised": ("#c2410c", "supervised")}  # fmt: skip
NEAREST = 14.0  # dB from TV, at most, that the figure shows


@dataclass(frozen=True)
class Point:
    """One problem's line: the differences from TV in dB, by kind of `KINDS`."""

    title: str
    differences: dict[str, Interval]


def drawn(points: Sequence[Point]) -> str:
    """The figure; where there is no point, an empty one."""
    height = TOP + LINE * len(points) + 34
    low = max(-NEAREST, min((p.value for point in points for p in point.differences.values()), default=-1.0) - 1)
    high = min(NEAREST, max((p.value for point in points for p in point.differences.values()), default=1.0) + 1)

    def x(value: float) -> float:
        return LEFT + (min(max(value, low), high) - low) / (high - low) * (WIDTH - LEFT - 20)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        'font-size="13" role="img">',
        "<title>PSNR less that of total variation, by problem</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for i, (colour, words) in enumerate(KINDS.values()):
        parts.append(f'<circle cx="{LEFT + 190 * i}" cy="18" r="5" fill="{colour}"/>')
        parts.append(f'<text x="{LEFT + 190 * i + 10}" y="22">{escape(words)}</text>')
    zero, bottom = x(0), TOP + LINE * len(points)
    parts.append(f'<line x1="{zero:.1f}" y1="{TOP - 12}" x2="{zero:.1f}" y2="{bottom}" stroke="#333"/>')
    parts.append(f'<text x="{zero:.1f}" y="{bottom + 20}" text-anchor="middle">TV</text>')
    for value in range(-12, 13, 4):
        if value and low < value < high:
            parts.append(f'<line x1="{x(value):.1f}" y1="{TOP - 12}" x2="{x(value):.1f}" y2="{bottom}" stroke="#ddd"/>')
            words = f"{value:+d} dB".replace("-", "−")
            parts.append(f'<text x="{x(value):.1f}" y="{bottom + 20}" text-anchor="middle">{words}</text>')
    for row, point in enumerate(points):
        y = TOP + LINE * row
        parts.append(f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end">{escape(point.title)}</text>')
        for kind, found in point.differences.items():
            colour = KINDS[kind][0]
            ends = f'x1="{x(found.low):.1f}" y1="{y}" x2="{x(found.high):.1f}" y2="{y}"'
            parts.append(f'<line {ends} stroke="{colour}" stroke-width="2"/>')
            parts.append(f'<circle cx="{x(found.value):.1f}" cy="{y}" r="5" fill="{colour}"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"
