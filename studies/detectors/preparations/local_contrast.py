"""Local-contrast normalisation: what every neighbourhood has in brightness and in contrast is divided out.

    v = x − G ∗ x,    film ↦ ½ + clip(v / (√(G ∗ v²) + ε), ±3) / 6

G is Gaussian, a sixteenth of the long side wide. K. Jarrett et al., ICCV 2009, eq. 2 and 3 (there ε is the mean of the
local deviations).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from unseen.data.film import Film

WIDTH = 1 / 16
EPSILON = 0.01


def contrast_normalised(film: Film) -> Film:
    """Return the film, in [0, 1], its mask as it was; a flat film is ½ all over."""
    sigma = WIDTH * max(film.pixels.shape)
    detail = film.pixels - ndimage.gaussian_filter(film.pixels, sigma, mode="nearest")
    spread = np.sqrt(ndimage.gaussian_filter(detail**2, sigma, mode="nearest"))
    return replace(film, pixels=(0.5 + np.clip(detail / (spread + EPSILON), -3, 3) / 6).astype(np.float32), lesion=None)
