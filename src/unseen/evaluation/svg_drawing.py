"""SVG drawing: the one writer of the charts in reports, in studies and in the documentation.

The bytes depend on the arguments alone: not on a machine's fonts and not on a library's version.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from math import ceil

from markupsafe import Markup


class SvgDrawing:
    """SVG elements in the order in which they are added, later ones above earlier ones.

    Attributes are keywords: `stroke_width` is `stroke-width`, and `class_` is `class`. A float is written with one
    decimal place, and None leaves the attribute out.

    >>> drawing = SvgDrawing()
    >>> drawing.line(0, 5, 10.04, 5, class_="grid")
    >>> drawing.text(2, 4, "a < b", anchor="end")
    >>> print(drawing.inline(20, 10, label="A line"))
    <svg viewBox="0 0 20 10" role="img" aria-label="A line"><line x1="0" y1="5" x2="10.0" y2="5" class="grid"/><text x="2" y="4" text-anchor="end">a &lt; b</text></svg>
    """  # noqa: E501

    def __init__(self) -> None:
        self._parts: list[str] = []

    def element(self, name: str, words: str | None = None, /, **attributes: str | float | None) -> None:
        """Add an element of any name, with text in it or empty.

        Args:
            name: such as "rect".
            words: text of the element.
            attributes: as the class describes.
        """
        given = "".join(
            f' {key.rstrip("_").replace("_", "-")}="{_written(value)}"'
            for key, value in attributes.items()
            if value is not None
        )
        self._parts.append(f"<{name}{given}/>" if words is None else f"<{name}{given}>{escape(words)}</{name}>")

    def text(self, x: float, y: float, words: str, *, anchor: str | None = None, **attributes: str | float) -> None:
        """Add words whose baseline is at y; `anchor` is "middle" or "end" where they do not begin at x."""
        self.element("text", words, x=x, y=y, text_anchor=anchor, **attributes)

    def line(self, x1: float, y1: float, x2: float, y2: float, **attributes: str | float | None) -> None:
        """Add a straight line."""
        self.element("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)

    def circle(self, x: float, y: float, radius: float, **attributes: str | float) -> None:
        """Add a circle about (x, y)."""
        self.element("circle", cx=x, cy=y, r=f"{radius:g}", **attributes)

    def rectangle(self, x: float, y: float, width: float, height: float, **attributes: str | float) -> None:
        """Add a rectangle whose corner at the top left is (x, y)."""
        self.element("rect", x=x, y=y, width=width, height=height, **attributes)

    def curve(self, points: Iterable[tuple[float, float]], **attributes: str | float | None) -> None:
        """Add straight lines from point to point."""
        self.element("polyline", points=_joined(points), **attributes)

    def area(self, points: Iterable[tuple[float, float]], **attributes: str | float | None) -> None:
        """Add the area within these corners."""
        self.element("polygon", points=_joined(points), **attributes)

    def inline(self, width: float, height: float, *, label: str) -> Markup:
        """Return the drawing for a page, which sets its size and, by classes, its colours.

        Args:
            width: of the drawing, in its units.
            height: of the drawing, in its units.
            label: what screen readers read.
        """
        head = f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(label)}">'
        return Markup("".join([head, *self._parts, "</svg>"]))

    def file(self, width: int, height: float, *, shown: int, title: str) -> str:
        """Return the drawing as a file with a white background of its own, legible in a dark theme, too.

        Args:
            width: of the drawing, in its units.
            height: of the drawing, in its units; rounded up.
            shown: width on a wide screen, in pixels.
            title: what screen readers read.

        >>> drawing = SvgDrawing()
        >>> drawing.circle(50, 25, 4)
        >>> drawing.file(100, 49.5, shown=200, title="A dot").splitlines()[1:]
        ['<title>A dot</title>', '<rect width="100" height="50" rx="6" fill="#ffffff"/>', '<circle cx="50" cy="25" r="4"/>', '</svg>']
        """  # noqa: E501
        tall = ceil(height)
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {tall}" width="{shown}" '
            f'height="{round(tall * shown / width)}" font-family="Helvetica, Arial, sans-serif" font-size="12" '
            'role="img">'
        )
        paper = f'<rect width="{width}" height="{tall}" rx="6" fill="#ffffff"/>'
        return "\n".join([head, f"<title>{escape(title)}</title>", paper, *self._parts, "</svg>"]) + "\n"


def _written(value: str | float) -> str:
    return f"{value:.1f}" if isinstance(value, float) else escape(str(value))


def _joined(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
