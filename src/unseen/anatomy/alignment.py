"""Alignment: a film turned, moved and scaled alike in both directions, so that its lungs lie as a template's do.

    x ↦ c₀ + s R(−φ) (x − c)          similarity registration by moments

c is the lungs' centroid, φ the slope of the line between the two lungs' centroids, s² = A₀ / A from the lungs' area;
the template's lungs are level, in the middle, and cover `AREA` of the film. No intensities are compared, so no disease
is asked to look like a template's; but a lung that is half hidden is measured by the half that is seen.

The thesis's § 6.2.3 asks for it. Moments: M.-K. Hu, IRE Trans. Inf. Theory 8 (1962) 179.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from unseen.data.film import Box, area

Part = tuple[slice, slice]  # rows and columns
Beyond = Literal["nearest", "constant"]  # the edge pixels, or 0

AREA = 0.25
"""Share of the film that the template's lungs cover, about as in the Montgomery and Shenzhen normals."""
STEEPEST = np.deg2rad(20.0)
"""A steeper line between two lungs is not a turned film but one of which a lung was not found."""
LEAST = 0.2
"""Smallest second lung, as a share of the larger; a smaller part is not a lung."""
LONGEST = 1024
"""Pixels of the long side above which a film is made smaller before it is turned."""


@dataclass(frozen=True, eq=False)
class Alignment:
    """Map from an aligned film's pixels to those of the film.

    A point (row, column) of the aligned film, as a share of its height and width, is x = matrix · point + offset of
    the film as it came, likewise. `shape` is the aligned film's, pixels, `came` that of the film as it came.
    """

    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]
    shape: tuple[int, int]
    came: tuple[int, int]

    @classmethod
    def of(cls, lungs: NDArray[np.bool_], height: int, width: int) -> Alignment:
        """Return the alignment of a film of `height` × `width` whose lungs are `lungs`, a mask of the whole film at any
        resolution.

        Raises ValueError for an empty mask.
        """
        if not lungs.any():
            raise ValueError("there are no lungs to align by; look at the film without alignment")
        smaller = min(1.0, LONGEST / max(height, width))
        rows, columns = max(1, round(height * smaller)), max(1, round(width * smaller))
        mask = area(lungs.astype(np.float32), rows, columns) > 0.5
        mask = mask if mask.any() else np.ones_like(mask)
        size = np.array([rows, columns], dtype=np.float64)
        angle, scale = slope(mask), float(np.sqrt(mask.mean() / AREA))
        turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])  # in pixels
        matrix = turn * size[None] / size[:, None]
        centre = (np.array(_centre(mask)) + 0.5) / size
        return cls(matrix, centre - matrix @ np.full(2, 0.5), (rows, columns), (height, width))

    def image(self, pixels: NDArray[np.float32], *, box: Box | None = None) -> NDArray[np.float32]:
        """Return the film's pixels (height, width), aligned; outside the film, the edge pixels are repeated.

        Args:
            box: the part of the aligned film that is wanted (top, left, bottom, right; pixels): outside of it, and of
                one pixel around it, all is 0.
        """
        part = (slice(None), slice(None)) if box is None else _around(box, self.shape)
        aligned = np.zeros(self.shape, np.float32)
        aligned[part] = self._moved(area(pixels, *self.shape), part, "nearest")
        return aligned

    def mask(self, lungs: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return a mask of the whole film, at any resolution, aligned; False where the film ends."""
        small = area(lungs.astype(np.float32), *self.shape)
        part = self._reached_from(small > 0)
        aligned = np.zeros(self.shape, bool)
        aligned[part] = self._moved(small, part, "constant") > 0.5
        return aligned

    def _moved(self, small: NDArray[np.float32], part: Part, mode: Beyond) -> NDArray[np.float32]:
        """Return a part of the aligned film, from the film on its grid, linearly interpolated."""
        rows, columns = (range(*one.indices(size)) for one, size in zip(part, self.shape, strict=True))
        if not (rows and columns):
            return np.empty((len(rows), len(columns)), np.float32)
        matrix, offset = self._in_pixels()
        offset = offset + matrix @ np.array([rows.start, columns.start])
        size = len(rows), len(columns)
        return np.asarray(ndimage.affine_transform(small, matrix, offset, output_shape=size, order=1, mode=mode))

    def _reached_from(self, there: NDArray[np.bool_]) -> Part:
        """Return the part of the aligned film whose points can come from pixels where `there` is True."""
        rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
        if not len(rows):
            return slice(0, 0), slice(0, 0)
        corners = np.array([[r, c] for r in (rows[0] - 1, rows[-1] + 1) for c in (columns[0] - 1, columns[-1] + 1)])
        matrix, offset = self._in_pixels()
        found = (corners - offset) @ np.linalg.inv(matrix).T
        (top, left), (bottom, right) = found.min(axis=0), found.max(axis=0)
        return _around((top, left, bottom + 1, right + 1), self.shape)

    def _in_pixels(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the same map between pixels' numbers, whose middles lie at n + ½."""
        size = np.array(self.shape, dtype=np.float64)
        matrix = self.matrix * size[:, None] / size[None]
        return matrix, self.offset * size + matrix @ np.full(2, 0.5) - 0.5


def slope(lungs: NDArray[np.bool_]) -> float:
    """φ in radians: by how much the lung on the image's right lies below the one on its left.

    Args:
        lungs: bool (height, width), not empty.

    0 where it would be more than `STEEPEST`, and for one lung alone: a part that is higher than wide. Lungs that run
    together are parted at their middle column.

    >>> mask = np.zeros((40, 40), bool)
    >>> mask[10:20, 5:15] = mask[14:24, 25:35] = True
    >>> round(float(np.rad2deg(slope(mask))), 1)
    11.3
    """
    parts, number = ndimage.label(lungs)
    sizes = np.bincount(parts.ravel(), minlength=number + 1)[1:]
    order = 1 + np.argsort(-sizes, kind="stable")
    if number >= 2 and sizes[order[1] - 1] >= LEAST * sizes[order[0] - 1]:
        centres = [_centre(parts == part) for part in order[:2]]
    else:
        one = parts == order[0]
        rows, columns = ndimage.find_objects(one.astype(np.int8))[0]
        if columns.stop - columns.start < rows.stop - rows.start:
            return 0.0
        left = one & (np.arange(one.shape[1])[None] < _centre(one)[1])
        centres = [_centre(half) for half in (left, one & ~left)]
    (top, first), (bottom, second) = sorted(centres, key=lambda centre: float(centre[1]))
    found = float(np.arctan2(bottom - top, max(second - first, 1e-6)))
    return found if abs(found) <= STEEPEST else 0.0


def _centre(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the middle of a mask's pixels (row, column), NaN of none; `ndimage.center_of_mass` gives the same, slower.

    >>> _centre(np.array([[False, True, True]]))
    (0.0, 1.5)
    """
    rows, columns = mask.sum(axis=1), mask.sum(axis=0)
    number = int(rows.sum())
    if not number:  # half of a part of one column
        return float("nan"), float("nan")
    return float(rows @ np.arange(len(rows))) / number, float(columns @ np.arange(len(columns))) / number


def _around(box: Box, shape: tuple[int, int]) -> Part:
    """Return the pixels of a box, and one around it."""
    top, left, bottom, right = box
    rows = slice(max(0, int(np.floor(top)) - 1), min(shape[0], max(0, int(np.ceil(bottom)) + 1)))
    return rows, slice(max(0, int(np.floor(left)) - 1), min(shape[1], max(0, int(np.ceil(right)) + 1)))
