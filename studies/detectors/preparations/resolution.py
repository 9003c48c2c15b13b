"""Resolution matching: every film blurred until it is as sharp as the least sharp of the normals.

    film ↦ G_σ ∗ film,  σ the least with  mean |Laplacian (G_σ ∗ film)| ≤ t

on the film at a long side of 256, where the audit measures sharpness; t is the normals' 5 % quantile. Films that are
less sharp already stay, and go on differing from the others. What disease adds to sharpness is lost as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from unseen.data.film import Film, scaled
from unseen.evaluation.simple_statistics import LONG_SIDE, laplacian

if TYPE_CHECKING:
    from numpy.typing import NDArray

QUANTILE = 0.05
WIDEST = 8.0
"""σ beyond which nothing is blurred, pixels at a long side of 256."""
_HALVINGS = 12


@dataclass(frozen=True)
class MatchedResolution:
    """The preparation, for a sharpness that training normals have set."""

    sharpness: float

    @classmethod
    def of(cls, normals: Iterable[Film]) -> MatchedResolution:
        """Return the preparation whose limit is found on the training films of a detector."""
        return cls(float(np.quantile([_sharpness(_small(film)) for film in normals], QUANTILE)))

    def __call__(self, film: Film) -> Film:
        """Return the film at a long side of 256, no sharper than the 5 % quantile of the normals, with its mask."""
        pixels = _small(film)
        if _sharpness(pixels) > self.sharpness:
            low, high = 0.0, WIDEST
            for _ in range(_HALVINGS):
                sigma = (low + high) / 2
                low, high = (sigma, high) if _sharpness(_blurred(pixels, sigma)) > self.sharpness else (low, sigma)
            pixels = _blurred(pixels, high)
        return replace(film, pixels=pixels, lesion=None)


def _small(film: Film) -> NDArray[np.float32]:
    return scaled(film.pixels, LONG_SIDE / max(film.pixels.shape))


def _blurred(pixels: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    return np.asarray(ndimage.gaussian_filter(pixels, sigma, mode="nearest"), dtype=np.float32)


def _sharpness(pixels: NDArray[np.float32]) -> float:
    return float(np.abs(laplacian(pixels)).mean())
