"""The film's pixel grid in patient coordinates.

Rows run along the patient's long axis: `y` (cm, downwards, 0 at the lung apices) depends on the row alone, so that
everything that varies with height only is computed once a row. `x` (cm, positive towards the patient's left, which is
the viewer's right) is 0 on the patient's midline, which may lean and bend: `x = column − midline(y)`.
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
    """Pixel centres of a line of `size` pixels, −0.5 to 0.5, (size,)."""
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
        """A square film of `field_cm` whose first row lies at `y = top_cm`.

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
        """Rows whose `y` may lie in [low, high] cm; empty when the range is off the film."""
        first = float(self.y[0, 0])
        start = int((low - first) / self.pixel_cm) - 1
        stop = int((high - first) / self.pixel_cm) + 2
        return slice(min(max(start, 0), self.size), min(max(stop, 0), self.size))

    def columns(self, low: float, high: float) -> slice:
        """Columns whose `x` may lie in [low, high] cm on some row."""
        left = -0.5 * self.field_cm
        start = int((low + float(self.midline.min()) - left) / self.pixel_cm) - 1
        stop = int((high + float(self.midline.max()) - left) / self.pixel_cm) + 2
        return slice(min(max(start, 0), self.size), min(max(stop, 0), self.size))

    def pixel_of(self, x: Map, y: Map) -> tuple[Map, Map]:
        """Fractional (row, column) of points given in cm."""
        row = (y - self.y[0, 0]) / np.float32(self.pixel_cm)
        middle = np.interp(y, self.y[:, 0], self.midline[:, 0])
        column = (x + middle + 0.5 * self.field_cm) / self.pixel_cm - 0.5
        return row.astype(np.float32), column.astype(np.float32)
