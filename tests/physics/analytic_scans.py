"""Closed forms for tests of scanner geometry: an ellipsoid's pixels, and the chords of a scan's rays through it.

Rays are written out here from the documented convention, apart from `unseen.physics.scan_geometry`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipse, or an ellipsoid with its third axis along Z: semi-axes and middle, turned about Z in radians."""

    axes: tuple[float, ...]
    middle: tuple[float, ...]
    turn: float = 0.5

    def pixels(self, shape: tuple[int, ...], pixel_size: tuple[float, ...], *, samples: int = 8) -> Tensor:
        """Each pixel's share inside, from samples points along each axis: (1, 1, height, width) or (1, slices, …)."""

        def grid(count: int, size: float) -> Tensor:
            return ((torch.arange(count * samples, dtype=torch.float64) + 0.5) / samples - count / 2) * size

        places = [grid(count, size) for count, size in zip(shape, pixel_size, strict=True)]
        x, y = places[-1][None, :], -places[-2][:, None]
        z = places[0][:, None, None] if len(shape) == 3 else torch.zeros(())
        inside = (sum(part**2 for part in self._normal(x, y, z)) < 1).double()  # type: ignore[union-attr]
        pooled = inside.reshape(*(number for count in shape for number in (count, samples)))
        image = pooled.mean(dim=tuple(range(1, 2 * len(shape), 2)))
        return image[None] if len(shape) == 3 else image[None, None]

    def _normal(self, x: Tensor, y: Tensor, z: Tensor, *, direction: bool = False) -> list[Tensor]:
        """Coordinates in which it is the unit ball."""
        if not direction:
            x, y = x - self.middle[0], y - self.middle[1]
            z = z - self.middle[2] if len(self.axes) == 3 else z
        u = (x * math.cos(self.turn) + y * math.sin(self.turn)) / self.axes[0]
        v = (y * math.cos(self.turn) - x * math.sin(self.turn)) / self.axes[1]
        return [u, v, z / self.axes[2]] if len(self.axes) == 3 else [u, v]

    def chords(
        self,
        degrees: Tensor,
        columns: Tensor,
        rows: Tensor | None = None,
        *,
        source_distance: float | None = None,
        detector_distance: float = 0.0,
    ) -> Tensor:
        """Lengths of the rays inside: (1, 1, views, columns), or (1, rows, views, columns).

        Args:
            degrees: angles of the views.
            columns: positions of the detector's columns.
            rows: positions of its rows, of a cone beam.
            source_distance: None for parallel rays.
            detector_distance: of a fan or a cone.
        """
        t, v = columns[None, None, :], torch.zeros(1, 1, 1) if rows is None else rows[:, None, None]
        cos, sin = degrees.deg2rad().cos()[None, :, None], degrees.deg2rad().sin()[None, :, None]
        if source_distance is None:
            point = torch.broadcast_tensors(t * cos, t * sin, v)
            along = torch.broadcast_tensors(-sin, cos, 0 * t)
        else:
            point = torch.broadcast_tensors(source_distance * sin, -source_distance * cos, 0 * t * v)
            end = t * cos - detector_distance * sin, t * sin + detector_distance * cos, v
            along = torch.broadcast_tensors(*(b - a for a, b in zip(point, end, strict=False)))
        length = torch.stack(list(along)).norm(dim=0)
        p = torch.stack(torch.broadcast_tensors(*self._normal(*point)))
        d = torch.stack(torch.broadcast_tensors(*self._normal(*along, direction=True))) / length
        square, mixed, rest = (d * d).sum(dim=0), (p * d).sum(dim=0), (p * p).sum(dim=0) - 1
        return (2 * (mixed**2 - square * rest).clamp(min=0).sqrt() / square)[None]


def elements(count: int, spacing: float, offset: float) -> Tensor:
    """Positions of a detector's elements."""
    return (torch.arange(count, dtype=torch.float64) - (count - 1) / 2) * spacing + offset
