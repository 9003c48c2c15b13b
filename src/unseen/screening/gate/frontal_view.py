"""Measures and limits of the refusal `not-frontal`: symmetry, brightness of the midline, background at the edges.

They decide which cause a refusal states, never whether an image is refused. How the limits were chosen:
`docs/theory/gate.md`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unseen.data.film import area
from unseen.screening.gate.features import Floats

LEAST_SYMMETRY = 0.75
LEAST_MIDLINE = 0.17
MOST_BACKGROUND = 0.15
"""A frontal view is more symmetric or has a brighter midline, and a part of a film shows less background."""
_SIDE = 32
_DARK = 0.1  # background: at most this share of the grey scale
_LEAST_OVERLAP = 0.3  # of the width, which both halves together cover at least


@dataclass(frozen=True)
class FrontalView:
    """Measures of an image without its black and white borders.

    Attributes:
        symmetry: largest correlation of the image's middle rows with their mirror image about any vertical axis, −1 to
            1, of ranks of grey.
        midline: brightness of the middle columns above that of the brighter side, in the middle rows, −1 to 1, as ranks
            of grey: positive where the spine is brighter than both lungs.
        background: dark share of the pixels at the edges.
    """

    symmetry: float
    midline: float
    background: float

    @classmethod
    def of(cls, image: NDArray[np.float32]) -> FrontalView:
        """Measure an image with grey values in [0, 1].

        >>> columns = np.abs(np.linspace(-1, 1, 128, dtype=np.float32))
        >>> lungs = np.tile(np.where((columns > 0.2) & (columns < 0.7), 0.3, 0.8).astype(np.float32), (128, 1))
        >>> view = FrontalView.of(lungs)
        >>> round(view.symmetry, 2), round(view.midline, 2), view.background, view.lacks_frontal_features
        (1.0, 0.5, 0.0, False)
        """
        inside = without_borders(image)
        if min(inside.shape) < _SIDE:
            inside = image
        small = area(inside, _SIDE, _SIDE)
        middle = _ranks(small)[_SIDE // 4 : -_SIDE // 4]
        columns = np.convolve(np.pad(middle.mean(axis=0), 1, mode="edge"), np.ones(3) / 3, "valid")
        beside = max(float(columns[5:11].min()), float(columns[-11:-5].min()))
        dark = small <= _DARK
        edges = np.concatenate([dark[:, 0], dark[:, -1], dark[0], dark[-1]])
        return cls(_symmetry(middle), float(columns[13:-13].mean()) - beside, float(edges.mean()))

    @property
    def lacks_frontal_features(self) -> bool:
        """True for an image with background around it that has neither symmetry nor midline of a frontal view."""
        return (
            self.symmetry < LEAST_SYMMETRY
            and self.midline < LEAST_MIDLINE
            and self.background > MOST_BACKGROUND
        )  # fmt: skip


def without_borders(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a film without the rows and columns at its edges that are nearly black or nearly white throughout.

    >>> without_borders(np.pad(np.full((4, 6), 0.5, np.float32), 2)).shape
    (4, 6)
    """
    inside = (pixels > 0.04) & (pixels < 0.96)
    rows, columns = (np.flatnonzero(inside.mean(axis=axis) > 0.05) for axis in (1, 0))
    if not len(rows) or not len(columns):
        return pixels
    return np.ascontiguousarray(pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _ranks(image: NDArray[np.float32]) -> Floats:
    """Return the rank of each pixel, as a share of all pixels; equal pixels have the mean of their ranks.

    >>> _ranks(np.array([[0.2, 0.2, 0.9, 0.1]], np.float32))
    array([[0.625, 0.625, 1.   , 0.25 ]])
    """
    _, place, counts = np.unique(image, return_inverse=True, return_counts=True)
    ranks: Floats = (counts.cumsum() - (counts - 1) / 2)[place].reshape(image.shape) / image.size
    return ranks


def _symmetry(rows: Floats) -> float:
    """Return the largest correlation of two mirrored parts of equal width, with one mean and one variance for both."""
    width = rows.shape[1]
    found = [-1.0]
    for mirrored in range(width // 2, 3 * width // 2):  # the sum of two mirrored columns' places
        first = max(0, mirrored - width + 1)
        half = (mirrored + 1) // 2 - first
        if 2 * half < 2 * _LEAST_OVERLAP * width:
            continue
        left = rows[:, first : first + half]
        right = rows[:, mirrored - first - half + 1 : mirrored - first + 1][:, ::-1]
        both = np.concatenate([left, right], axis=1)
        mean, variance = both.mean(), max(float(both.var()), 1e-6)
        found.append(float(((left - mean) * (right - mean)).mean()) / variance)
    return max(found)
