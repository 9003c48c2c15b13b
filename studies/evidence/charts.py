"""Charts of the documentation as SVG: horizontal intervals (`forest`), bars (`bars`) and curves or points (`plane`).

Drawn by `SvgDrawing` and not by matplotlib, so that the bytes depend on the rows alone: not on a machine's fonts and
not on a library's version. Letters are 12 of 440 units, which a screen of 390 px shows at some 10 px.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from unseen.evaluation.svg_drawing import SvgDrawing

WIDTH, SHOWN = 440, 600  # units of the drawing; pixels on a wide screen
BLUE, ORANGE, GREEN, GREY, RED, VIOLET = "#0b5c8a", "#c2410c", "#15803d", "#5f6368", "#b00020", "#7b2d8b"
_INK, _FAINT, _LETTER, _LABEL, _ROW = "#1f2328", "#dfe3e8", 6.3, 6.7, 17
_MANY, _DENSE = 16, 13.5  # rows beyond which they stand closer, and how close
_TOP, _MARGIN = 8, 10
_AXIS, _ABOVE = 300 * WIDTH / SHOWN, 15  # units: the shortest axis, and the height of a label above its marks


@dataclass(frozen=True)
class Mark:
    """A value, with an interval where there is one."""

    value: float
    low: float | None = None
    high: float | None = None
    colour: str = BLUE
    hollow: bool = False


@dataclass(frozen=True)
class ChartRow:
    """Row of a forest plot or of bars; the best one is `strong`."""

    label: str
    marks: tuple[Mark, ...]
    strong: bool = False


@dataclass(frozen=True)
class ReferenceLine:
    """Vertical line across a chart, at a value to compare with."""

    value: float
    label: str
    colour: str = GREY


@dataclass(frozen=True)
class Series:
    """A curve, or points, of `plane`: (x, y), with the ends of y and of x where there are intervals."""

    name: str
    points: tuple[tuple[float, float], ...]
    colour: str
    y_ends: tuple[tuple[float, float], ...] = ()
    x_ends: tuple[tuple[float, float], ...] = ()
    joined: bool = True
    dashed: bool = False
    labels: tuple[str, ...] = ()
    dots: bool = True


@dataclass(frozen=True)
class _Scale:
    """A linear or logarithmic axis from `low` to `high` on units `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.logarithmic:
            low, high, at = log10(low), log10(high), log10(at)
        return self.start + (at - low) / (high - low) * (self.end - self.start)


@dataclass(frozen=True)
class _Lines:
    """Positions of a chart's rows: `left` is the x where the labels end, `ys` are the y of the marks."""

    left: float
    ys: tuple[float, ...]
    bottom: float
    above: bool


class _Sheet:
    """Chart of `WIDTH` units, with the colours and line widths of all charts."""

    def __init__(self, title: str) -> None:
        self._title, self._drawing = title, SvgDrawing()

    def text(self, x: float, y: float, words: str, *, anchor: str = "start", colour: str = _INK, **more: str) -> None:
        self._drawing.text(float(x), float(y), words, anchor=anchor, fill=colour, **more)

    def line(self, x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1, dash: str = "") -> None:
        ends = (float(x1), float(y1), float(x2), float(y2))
        self._drawing.line(*ends, stroke=colour, stroke_width=f"{width:g}", stroke_dasharray=dash or None)

    def label(self, row: ChartRow, lines: _Lines, y: float) -> None:
        """The row's label, left of its marks at `y` or above them."""
        more = {"font_weight": "bold"} if row.strong else {}
        if row.label and lines.above:
            clear = {"stroke": "#ffffff", "stroke_width": "3", "paint_order": "stroke"}
            self.text(_MARGIN, y - 9, row.label, **more, **clear)
        elif row.label:
            self.text(lines.left, y + 4, row.label, anchor="end", **more)

    def dot(self, x: float, y: float, colour: str, *, hollow: bool = False, size: float = 4) -> None:
        fill = "#ffffff" if hollow else colour
        self._drawing.circle(float(x), float(y), size, fill=fill, stroke=colour, stroke_width="1.5")

    def bar(self, x: float, y: float, width: float, colour: str) -> None:
        self._drawing.rectangle(float(x), y - 6.0, max(1.0, width), 12, fill=colour)

    def curve(self, points: Sequence[tuple[float, float]], colour: str, dash: str = "") -> None:
        self._drawing.curve(points, fill="none", stroke=colour, stroke_width="1.8", stroke_dasharray=dash or None)

    def legend(self, names: Sequence[tuple[str, str, bool]], y: float) -> float:
        """Return names with their colours (dashed or not), in as many lines as they need; the y below them."""
        x: float = _MARGIN
        for name, colour, dashed in names:
            wide = 26 + _LETTER * len(name)
            if x + wide > WIDTH and x > _MARGIN:
                x, y = _MARGIN, y + 16
            self.line(x, y + 8, x + 16, y + 8, colour, 3, "4 3" if dashed else "")
            self.text(x + 21, y + 12, name)
            x += wide + 8
        return y + 20 if names else y

    def written(self, height: float) -> str:
        """Return the whole file."""
        return self._drawing.file(WIDTH, height, shown=SHOWN, title=self._title)


def ticks(low: float, high: float, *, most: int = 6) -> list[float]:
    """Round values within [low, high], `most` at most.

    >>> ticks(0.45, 0.92)
    [0.5, 0.6, 0.7, 0.8, 0.9]
    """
    raw = (high - low) / max(1, most - 1)
    base = 10.0 ** floor(log10(raw))
    step = next(base * factor for factor in (1, 2, 5, 10) if base * factor >= raw)
    first = ceil(low / step - 1e-9)
    return [round(step * number, 10) for number in range(first, floor(high / step + 1e-9) + 1)]


def number(value: float) -> str:
    """Return a tick's text.

    >>> number(-4.0), number(0.5), number(1000.0)
    ('−4', '0.5', '1,000')
    """
    return f"{value:,.10g}".replace("-", "−")


def amount(value: float) -> str:
    """Return a bar's value.

    >>> amount(1017.6), amount(57.04), amount(0.9817)
    ('1,018', '57.0', '0.98')
    """
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def forest(
    title: str,
    rows: Sequence[ChartRow],
    *,
    axis: str,
    span: tuple[float, float],
    rules: Sequence[ReferenceLine] = (),
    kinds: Mapping[str, str] | None = None,
) -> str:
    """Return a line for each row: its values with their intervals; `rules` are drawn through all of them.

    Args:
        title: what the file is called for a screen reader.
        rows: from top to bottom.
        axis: what is measured, with its unit.
        span: the axis's ends; what lies outside is drawn at the end.
        rules: lines of reference.
        kinds: name → colour, where a row has several marks.
    """
    sheet = _Sheet(title)
    named = [(name, colour, False) for name, colour in (kinds or {}).items()]
    named += [(rule.label, rule.colour, True) for rule in rules if rule.label]
    top = sheet.legend(named, _TOP)
    tall = _ROW if len(rows) <= _MANY else _DENSE
    lines = _lines(rows, top, tall, WIDTH - 14 - 10)
    scale = _Scale(*span, lines.left + 10, WIDTH - 14)
    _grid(sheet, scale, top, lines.bottom, axis)
    for rule in rules:
        sheet.line(scale(rule.value), top, scale(rule.value), lines.bottom, rule.colour, 1.6, "4 3")
    for y, row in zip(lines.ys, rows, strict=True):
        sheet.label(row, lines, y)
        for mark in row.marks:
            width = 3.0 if row.strong else 1.8
            if mark.low is not None and mark.high is not None:
                sheet.line(scale(mark.low), y, scale(mark.high), y, mark.colour, width)
            sheet.dot(scale(mark.value), y, mark.colour, hollow=mark.hollow, size=4.6 if row.strong else 3.8)
    return sheet.written(lines.bottom + 40)


def bars(
    title: str,
    rows: Sequence[ChartRow],
    *,
    axis: str,
    logarithmic: bool = False,
    rules: Sequence[ReferenceLine] = (),
    kinds: Mapping[str, str] | None = None,
) -> str:
    """A horizontal bar for each row, from 0 (or from the least round value, where logarithmic), with its value."""
    sheet = _Sheet(title)
    named = [(name, colour, False) for name, colour in (kinds or {}).items()]
    top = sheet.legend([*named, *((rule.label, rule.colour, True) for rule in rules if rule.label)], _TOP)
    lines = _lines(rows, top, _ROW + 3, WIDTH - 54 - 6)
    values = [mark.value for row in rows for mark in row.marks] + [rule.value for rule in rules]
    low = 10.0 ** floor(log10(min(values))) if logarithmic else 0.0
    scale = _Scale(low, max(values) * (1.0 if logarithmic else 1.02), lines.left + 6, WIDTH - 54, logarithmic)
    _grid(sheet, scale, top, lines.bottom, axis)
    for y, row in zip(lines.ys, rows, strict=True):
        weight = {"font_weight": "bold"} if row.strong else {}
        for mark in row.marks:
            sheet.bar(scale.start, y, scale(mark.value) - scale.start, mark.colour)
            sheet.text(scale(mark.value) + 5, y + 4, amount(mark.value), **weight)
    for rule in rules:
        sheet.line(scale(rule.value), top, scale(rule.value), lines.bottom, rule.colour, 1.6, "4 3")
    for y, row in zip(lines.ys, rows, strict=True):
        sheet.label(row, lines, y)
    return sheet.written(lines.bottom + 40)


def _lines(rows: Sequence[ChartRow], top: float, tall: float, end: float) -> _Lines:
    """Labels lie left of the axis, which ends at `end`, or above their marks, if it would be shorter than `_AXIS`."""
    room = _MARGIN + max(_LABEL * (1.13 if row.strong else 1) * len(row.label) for row in rows)
    above = end - room < _AXIS
    ys, y = [], top
    for row in rows:
        y += _ABOVE if above and row.label else 0
        ys.append(y + tall / 2)
        y += tall
    return _Lines(_MARGIN if above else room, tuple(ys), y, above)


def plane(
    title: str,
    series: Sequence[Series],
    *,
    x: str,
    y: str,
    xs: tuple[float, float],
    ys: tuple[float, float],
    rules: Sequence[ReferenceLine] = (),
    logarithmic: bool = False,
    at: Sequence[float] = (),
    height: float = 200,
) -> str:
    """Curves or points over two axes; `rules` are horizontal; `at` are the ticks of x, where round ones do not fit."""
    sheet = _Sheet(title)
    named = [(one.name, one.colour, one.dashed) for one in series if one.name]
    named += [(rule.label, rule.colour, True) for rule in rules if rule.label]
    sheet.text(_MARGIN, _TOP + 12, y, colour=_INK)
    top = sheet.legend(named, _TOP + 18) + 4
    bottom = top + height
    across = _Scale(*xs, 44, WIDTH - 16, logarithmic)
    up = _Scale(*ys, bottom, top)
    _grid(sheet, across, top, bottom, x, at=at)
    for value in ticks(*ys):
        sheet.line(44, up(value), WIDTH - 16, up(value), _FAINT)
        sheet.text(39, up(value) + 4, number(value), anchor="end")
    for rule in rules:
        sheet.line(44, up(rule.value), WIDTH - 16, up(rule.value), rule.colour, 1.6, "4 3")
    for one in series:
        _drawn(sheet, one, across, up)
    return sheet.written(bottom + 40)


def _drawn(sheet: _Sheet, one: Series, across: _Scale, up: _Scale) -> None:
    where = [(across(px), up(py)) for px, py in one.points]
    for (px, _), (low, high) in zip(where, one.y_ends, strict=False):
        sheet.line(px, up(low), px, up(high), one.colour, 1.4)
    for (_, py), (low, high) in zip(where, one.x_ends, strict=False):
        sheet.line(across(low), py, across(high), py, one.colour, 1.4)
    if one.joined:
        sheet.curve(where, one.colour, "4 3" if one.dashed else "")
    for px, py in where if one.dots else ():
        sheet.dot(px, py, one.colour, hollow=one.dashed and not one.joined, size=3.5)
    for (px, py), words in zip(where, one.labels, strict=False):
        sheet.text(px + 7, py - 6, words, colour=one.colour)


def _grid(
    sheet: _Sheet, scale: _Scale, top: float, bottom: float, axis: str, *, at: Sequence[float] = ()
) -> None:  # fmt: skip
    """The vertical lines with their values, and the axis's name."""
    round_ones = (
        [10.0**power for power in range(ceil(log10(scale.low)), floor(log10(scale.high)) + 1)]
        if scale.logarithmic
        else ticks(scale.low, scale.high)
    )
    for value in at or round_ones:
        sheet.line(scale(value), top, scale(value), bottom, _FAINT)
        sheet.text(scale(value), bottom + 15, number(value), anchor="middle")
    half = _LETTER * len(axis) / 2
    middle = min(max((scale.start + scale.end) / 2, _MARGIN + half), WIDTH - _MARGIN - half)
    sheet.text(middle, bottom + 32, axis, anchor="middle")
