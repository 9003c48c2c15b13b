"""Features of a film for the gate: one image of 128 × 128 pixels, its lungs, and a few short descriptions of both.

Film and lungs are stretched to a square, as the lung finder sees them, so neither size nor aspect counts. Each
description (`VIEWS`) is a vector whose name can be shown to a reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from unseen.data.film import area

SIDE = 128


Floats = NDArray[np.float64]


VIEWS = {
    "picture": "the image as a whole",
    "crop": "the look of the lungs",
    "shape": "the place and shape of the lungs",
    "grey": "the distribution of grey",
    "levels": "exposure and contrast",
    "lung-grain": "the texture of the lungs",
    "grain": "the texture of the image",
}
"""Name → what it is called in a sentence."""

_QUANTILES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


_NEAR_BLACK, _NEAR_WHITE = 5 / 255, 250 / 255


_FEWEST_LEVELS = 16
_LEAST_SPREAD = 0.15


_ROWS = 32  # of a film at a time, which stay in the processor's cache
_LEAST_LUNGS = 0.01  # of the image: under it the whole image is described in the place of the lungs


@dataclass(frozen=True, eq=False)
class Look:
    """A film on the gate's grid.

    Args:
        image: float32 (128, 128), on the film's nominal range.
        lungs: bool, as the finder gave it, over the whole film.
    """

    image: NDArray[np.float32]
    lungs: NDArray[np.bool_]

    @classmethod
    def at(cls, pixels: NDArray[np.float32], lungs: NDArray[np.bool_]) -> Look:
        """Describe a film's pixels and its predicted lungs, whatever their sizes."""
        return cls(area(pixels, SIDE, SIDE), lungs)

    @property
    def lung_area(self) -> float:
        """The lungs' share of the film."""
        return float(self.lungs.mean())

    @property
    def spread(self) -> float:
        """95th less 5th percentile of grey."""
        low, high = _quantiles(self._ordered, [0.05, 0.95])
        return float(high - low)

    @cached_property
    def _ordered(self) -> NDArray[np.float32]:
        """The image's grey values, increasing."""
        return np.sort(self.image, axis=None)

    def lung_box(self) -> tuple[float, float, float, float]:
        """Return top, left, bottom and right of the lungs on the grid; of the whole image where there are none."""
        if self.lung_area < _LEAST_LUNGS:
            return 0.0, 0.0, float(SIDE), float(SIDE)
        rows, columns = np.flatnonzero(self.lungs.any(axis=1)), np.flatnonzero(self.lungs.any(axis=0))
        up, across = SIDE / self.lungs.shape[0], SIDE / self.lungs.shape[1]
        return rows[0] * up, columns[0] * across, (rows[-1] + 1) * up, (columns[-1] + 1) * across

    def views(self) -> dict[str, Floats]:
        """Return every description of `VIEWS`."""
        inside = area(self.lungs.astype(np.float32), SIDE, SIDE) > 0.5
        if inside.sum() < 50:
            inside = np.ones_like(inside)
        spread = max(float(self.image.std()), 1e-4)
        mean, deviation = _scale(self.image)
        within = self.image[inside]
        contrast = [(float(within.mean()) - float(self.image.mean())) / spread, float(within.std()) / spread]
        levels = _quantiles(self._ordered, [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99])
        ends = [np.log(spread), (self.image <= _NEAR_BLACK).mean(), (self.image >= _NEAR_WHITE).mean()]
        slightly, *smooth = (ndimage.gaussian_filter(self.image, sigma) for sigma in (0.5, 1.0, 2.0, 4.0))
        return {
            "picture": zscored(area(self.image, 16, 16)).ravel().astype(float),
            "crop": zscored(area(self.image, 24, 24, box=self.lung_box())).ravel().astype(float),
            "shape": _shape(self.lungs),
            "grey": _quantiles(_scaled(self._ordered, mean, deviation), _QUANTILES),
            "levels": np.array([*levels, *ends], dtype=float),
            "lung-grain": np.array([*contrast, *_energies([slightly, *smooth], inside, spread)], dtype=float),
            "grain": _grain([self.image, *smooth], spread),
        }


def own_range(pixels: NDArray[np.float32], *, bits: int) -> tuple[float, float] | None:
    """Return the 0.1th and the 99.9th percentile of a film in [0, 1].

    Returns None where nothing could be seen between them: fewer than 16 grey levels, or noise alone.

    >>> own_range(np.full((64, 64), 0.5, np.float32), bits=8) is None
    True
    """
    step = max(1, min(pixels.shape) // 512)
    low, high = (float(end) for end in np.quantile(pixels[::step, ::step], (0.001, 0.999)))
    if (high - low) * (2**bits - 1) < _FEWEST_LEVELS:
        return None
    dark, light = np.quantile(area(stretched(pixels, low, high), 32, 32), (0.05, 0.95))  # noise averages out
    return (low, high) if light - dark >= _LEAST_SPREAD else None


def stretched(pixels: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """`pixels` with `low` at 0 and `high` at 1."""
    scaled = np.empty(pixels.shape, np.float32)
    for start in range(0, len(pixels), _ROWS):
        rows = np.subtract(pixels[start : start + _ROWS], low, out=scaled[start : start + _ROWS])
        rows /= high - low
        np.clip(rows, 0, 1, out=rows)
    return scaled


def zscored(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale an image to mean 0 and standard deviation 1; a flat image becomes 0."""
    return _scaled(image, *_scale(image))


def _scale(image: NDArray[np.float32]) -> tuple[np.float32, float]:
    return image.mean(), max(float(image.std()), 1e-6)


def _scaled(values: NDArray[np.float32], mean: np.float32, deviation: float) -> NDArray[np.float32]:
    return np.asarray((values - mean) / deviation, dtype=np.float32)


def _quantiles(ordered: NDArray[Any], shares: Sequence[float]) -> Floats:
    """Return what `np.quantile` does, bit for bit, of finite values that are increasing already.

    >>> shares = [0.01, 0.5, 0.99]
    >>> many = np.sort(np.random.default_rng(0).random(1000, dtype=np.float32))
    >>> integers = np.sort(np.random.default_rng(0).integers(-500, 500, 101))
    >>> [np.array_equal(_quantiles(n, shares), np.quantile(n, shares)) for n in (many, integers, many[:1], many[:2])]
    [True, True, True, True]
    """
    place = (len(ordered) - 1) * np.asarray(shares)
    before = place.astype(np.intp)
    low, high = ordered[before], ordered[np.minimum(before + 1, len(ordered) - 1)]
    step, share = high - low, place - before
    found: Floats = np.where(share >= 0.5, high - step * (1 - share), low + step * share)
    return found


def mirror_difference(look: Look) -> Floats:
    """Measure how the image, its lung crop and the lungs' mask differ from their own mirror images: the left halves of
    a − mirror(a). Flipping the film changes the sign of all of it."""
    parts = (
        zscored(area(look.image, 32, 32)),
        zscored(area(look.image, 32, 32, box=_widened(look.lung_box()))),
        _mask_in_its_box(look.lungs),
    )
    return np.concatenate([(part - part[:, ::-1])[:, :16].ravel() for part in parts]).astype(float)


def _widened(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Widen a box by 3 % on each side, as the lungs view does."""
    top, left, bottom, right = box
    up, across = 0.03 * (bottom - top), 0.03 * (right - left)
    return max(0.0, top - up), max(0.0, left - across), min(float(SIDE), bottom + up), min(float(SIDE), right + across)


def _mask_in_its_box(lungs: NDArray[np.bool_]) -> NDArray[np.float32]:
    if not lungs.any():
        return np.zeros((32, 32), dtype=np.float32)
    rows, columns = np.flatnonzero(lungs.any(axis=1)), np.flatnonzero(lungs.any(axis=0))
    return 2 * area(lungs[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32), 32, 32) - 1


def _shape(lungs: NDArray[np.bool_]) -> Floats:
    """Describe the image's two halves: √area, centre, spread, ends of the lung there; and the number of parts (4 at
    most)."""
    height, width = lungs.shape
    found: list[float] = []
    for columns in (slice(0, width // 2), slice(width // 2, width)):
        y, x = np.nonzero(lungs[:, columns])
        x += columns.start
        if len(y) < 0.001 * lungs.size:
            found += [0.0] * 8
            continue
        low, high = _quantiles(y, [0.02, 0.98]) / height
        found += [
            float(np.sqrt(len(y) / lungs.size)),
            y.mean() / height,
            x.mean() / width,
            y.std() / height,
            x.std() / width,
        ]
        found += [float(low), float(high), float(np.ptp(x)) / width]
    return np.array([*found, min(ndimage.label(lungs)[1], 4)], dtype=float)


def _energies(scales: Sequence[NDArray[np.float32]], inside: NDArray[np.bool_], spread: float) -> list[float]:
    """Log energy inside the lungs of the octaves between scales, fine to coarse, against the image's contrast."""
    pairs = pairwise(scales)
    return [0.5 * float(np.log(((fine - coarse)[inside] ** 2).mean() / spread**2 + 1e-7)) for fine, coarse in pairs]


def _grain(scales: Sequence[NDArray[np.float32]], spread: float) -> Floats:
    """Log energy of the octaves between scales in 4 × 4 fields of the image, against its contrast."""
    energies = (area(((fine - coarse) ** 2).astype(np.float32), 4, 4) for fine, coarse in pairwise(scales))
    return np.concatenate([0.5 * np.log(energy / spread**2 + 1e-7).ravel() for energy in energies]).astype(float)
