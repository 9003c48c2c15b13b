"""Border removal: a tenth of each side cut off, but no lung.

With it go collimation, burnt-in letters and the air beside the neck.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from unseen.data.film import Film

SHARE = 0.1


def without_border(film: Film) -> Film:
    """Return the film's inner part, with its lungs' mask.

    >>> from unseen.data import phantoms
    >>> film = phantoms.normals(1, seed=0)[0]
    >>> inner = without_border(film)
    >>> bool(inner.lungs.sum() == film.lungs.sum()), inner.pixels.size < film.pixels.size
    (True, True)
    """
    height, width = film.pixels.shape
    top, left = round(SHARE * height), round(SHARE * width)
    bottom, right = height - top, width - left
    if film.lungs is not None and film.lungs.any():
        rows, columns = ndimage.find_objects(film.lungs.astype(np.int8))[0]
        top, left = min(top, rows.start), min(left, columns.start)
        bottom, right = max(bottom, rows.stop), max(right, columns.stop)
    inner = slice(top, bottom), slice(left, right)
    lungs = None if film.lungs is None else film.lungs[inner]
    return replace(film, pixels=np.ascontiguousarray(film.pixels[inner]), lungs=lungs, lesion=None)
