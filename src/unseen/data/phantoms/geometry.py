"""Pixel grid of a phantom in patient coordinates, and path lengths through simple solids.

Rows run along the patient's long axis: `y` (cm, downwards, 0 at the lung apices) depends on the row alone, so that
everything that varies with height only is computed once a row. `x` (cm, positive towards the patient's left, which is
the viewer's right) is 0 on the patient's midline, which may lean and bend: `x = column − midline(y)`.

Path lengths are those of a parallel beam: all in cm, the beam running along z (front to back).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]


Mask = NDArray[np.bool_]


@lru_cache(maxsize=16)
def _unit(size: int) -> Map:
    """Return the pixel centres of a line of `size` pixels, −0.5 to 0.5, (size,)."""
    centres = ((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)
    centres.flags.writeable = False
    return centres


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Grid:
    """Pixel centres in patient coordinates; `x` is (size, size), `y` is (size, 1), both in cm."""

    size: int
    field_cm: float
    x: Map
    y: Map
    midline: Map

    @classmethod
    def of(cls, size: int, *, field_cm: float, top_cm: float, offset_cm: float, lean: float, bend_cm: float) -> Grid:
        """Return a square film of `field_cm` whose first row lies at `y = top_cm`.

        The midline stands at column `offset_cm` (from the film's middle), leans by `lean` (cm a cm) and bows by
        `bend_cm` (a mild scoliosis).
        """
        unit = _unit(size)
        y = (top_cm + field_cm * (unit + 0.5))[:, None].astype(np.float32)  # (size, 1)
        midline = offset_cm + lean * (y - 12.0) + bend_cm * np.sin(0.16 * (y - 2.0))
        x = field_cm * unit[None, :] - midline  # (size, size)
        return cls(size=size, field_cm=field_cm, x=x, y=y, midline=midline.astype(np.float32))

    @property
    def pixel_cm(self) -> float:
        """Pixel pitch, cm."""
        return self.field_cm / self.size

    def rows(self, low: float, high: float) -> slice:
        """Return the rows whose `y` may lie in [low, high] cm; empty when the range is off the film."""
        first = float(self.y[0, 0])
        start = int((low - first) / self.pixel_cm) - 1
        stop = int((high - first) / self.pixel_cm) + 2
        return slice(min(max(start, 0), self.size), min(max(stop, 0), self.size))

    def columns(self, low: float, high: float) -> slice:
        """Return the columns whose `x` may lie in [low, high] cm on some row."""
        left = -0.5 * self.field_cm
        start = int((low + float(self.midline.min()) - left) / self.pixel_cm) - 1
        stop = int((high + float(self.midline.max()) - left) / self.pixel_cm) + 2
        return slice(min(max(start, 0), self.size), min(max(stop, 0), self.size))

    def pixel_of(self, x: Map, y: Map) -> tuple[Map, Map]:
        """Return the fractional (row, column) of points given in cm."""
        row = (y - self.y[0, 0]) / np.float32(self.pixel_cm)
        middle = np.interp(y, self.y[:, 0], self.midline[:, 0])
        column = (x + middle + 0.5 * self.field_cm) / self.pixel_cm - 0.5
        return row.astype(np.float32), column.astype(np.float32)


def ellipsoid(
    grid: Grid,
    *,
    x: float,
    y: float,
    width: float,
    height: float,
    depth: float,
    angle: float = 0.0,
) -> Map:
    """Return the path length through an ellipsoid, (size, size) cm.

    `2·depth·√(1 − (u/width)² − (v/height)²)`, semi-axes in cm, `(u, v)` turned by `angle` (radians, clockwise on the
    film) about the centre (`x`, `y`). Zero outside.
    """
    out = np.zeros((grid.size, grid.size), np.float32)
    reach = max(width, height)
    rows, columns = grid.rows(y - reach, y + reach), grid.columns(x - reach, x + reach)
    dx, dy = grid.x[rows, columns] - np.float32(x), grid.y[rows] - np.float32(y)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    u, v = (cos * dx + sin * dy) / np.float32(width), (cos * dy - sin * dx) / np.float32(height)
    inside = 1.0 - u * u - v * v
    out[rows, columns] = np.float32(2.0 * depth) * np.sqrt(np.maximum(inside, 0.0))
    return out


def add_rod(
    out: Map,
    grid: Grid,
    start: tuple[float, float],
    stop: tuple[float, float],
    *,
    radius: float,
    end_radius: float | None = None,
    core: float = 0.0,
    weight: float = 1.0,
    core_weight: float = 0.0,
) -> None:
    """Add to `out` a straight tapering rod from `start` to `stop` (x, y in cm).

    The path length is `2√(r² − d²)` with `d` the distance from the axis; a `core` (fraction of the radius) is counted
    with `core_weight`, the shell round it with `weight` (both 1/cm, or 1 for plain centimetres).
    """
    last = radius if end_radius is None else end_radius
    reach = max(radius, last)
    rows = grid.rows(min(start[1], stop[1]) - reach, max(start[1], stop[1]) + reach)
    columns = grid.columns(min(start[0], stop[0]) - reach, max(start[0], stop[0]) + reach)
    dx, dy = grid.x[rows, columns] - np.float32(start[0]), grid.y[rows] - np.float32(start[1])
    if dx.size == 0:
        return
    ax, ay = stop[0] - start[0], stop[1] - start[1]
    length2 = max(ax * ax + ay * ay, 1e-6)
    along = np.clip((dx * np.float32(ax) + dy * np.float32(ay)) * np.float32(1.0 / length2), 0.0, 1.0)
    across2 = (dx - along * np.float32(ax)) ** 2 + (dy - along * np.float32(ay)) ** 2
    radius2 = (np.float32(radius) + along * np.float32(last - radius)) ** 2
    path = np.float32(2.0 * weight) * np.sqrt(np.maximum(radius2 - across2, 0.0))
    if core > 0.0:
        inner = np.sqrt(np.maximum(np.float32(core * core) * radius2 - across2, 0.0))
        path += np.float32(2.0 * (core_weight - weight)) * inner
    out[rows, columns] += path


def add_bent_rod(
    out: Map,
    grid: Grid,
    xs: NDArray[np.float64],
    ys: NDArray[np.float64],
    radii: NDArray[np.float64],
    *,
    core: float,
    weight: float,
    core_weight: float,
) -> None:
    """Add a rod whose axis is `y(x)` through (`xs`, `ys`) with the given `radii` (cm); as `add_rod` otherwise.

    The distance from the axis is `|y − y(x)|` times the cosine of its slope, right for a rod that lies rather flat.
    """
    order = np.argsort(xs)
    xs, ys, radii = xs[order], ys[order], radii[order]
    reach = float(radii.max())
    rows = grid.rows(float(ys.min()) - reach, float(ys.max()) + reach)
    columns = grid.columns(float(xs[0]), float(xs[-1]))
    x, y = grid.x[rows, columns], grid.y[rows]
    if x.size == 0:
        return
    cosine = 1.0 / np.sqrt(1.0 + np.gradient(ys, xs) ** 2)
    away = ((y - np.interp(x, xs, ys)) * np.interp(x, xs, cosine)).astype(np.float32)
    end = np.minimum(x - xs[0], xs[-1] - x)
    radius = np.interp(x, xs, radii).astype(np.float32) * half_chord((end / (0.8 * reach)).astype(np.float32))
    outer = np.sqrt(np.maximum(radius * radius - away * away, 0.0))
    inner = np.sqrt(np.maximum(np.float32(core * core) * radius * radius - away * away, 0.0))
    out[rows, columns] += np.float32(2.0 * weight) * outer + np.float32(2.0 * (core_weight - weight)) * inner


def smooth_maximum(a: Map, b: Map, *, width: float) -> Map:
    """Return the larger of two path lengths with its crease rounded over `width` cm; zero where both are."""
    return np.asarray(0.5 * (a + b + np.sqrt((a - b) ** 2 + np.float32(width * width)) - np.float32(width)), np.float32)


def half_chord(fraction: Map) -> Map:
    """`√(1 − (1 − f)²)` for f clipped to [0, 1]: how a rounded edge thickens from its rim inwards."""
    f = np.clip(fraction, 0.0, 1.0)
    return np.asarray(np.sqrt(f * (2.0 - f)), np.float32)
