"""Right and left lung of a mask of both lungs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def split_lungs(mask: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Split a mask of both lungs into the right and the left lung of the patient.

    The boundary is the column with the fewest mask pixels in the middle third of the mask's width; of several such
    columns their mean. Pixels on the boundary belong to no lung. The mirrored mask gives the mirrored lungs.

    Args:
        mask: both lungs on a frontal film, shape (height, width), nonzero inside. The patient's right is on the left of
            the film.

    Returns:
        The right and the left lung, each of the mask's shape.

    Raises:
        ValueError: the mask has not two dimensions, or one side has no pixel.

    Example:
        >>> right, left = split_lungs([[1, 1, 0, 1]])
        >>> right.tolist(), left.tolist()
        ([[True, True, False, False]], [[False, False, False, True]])
    """
    lungs = np.asarray(mask) != 0
    if lungs.ndim != 2:
        raise ValueError(f"the mask has the shape {lungs.shape}; give one mask of shape (height, width).")
    columns = lungs.sum(axis=0)
    filled = np.flatnonzero(columns)
    if not len(filled):
        raise ValueError("the mask is empty: no lung was found. Leave the film out.")
    first, last = int(filled[0]), int(filled[-1])
    third = (last - first) / 3
    middle = np.array([c for c in range(first, last + 1) if first + third <= c <= last - third], dtype=np.int64)
    # a mask of one or two columns has no column within its middle third
    narrowest = middle[columns[middle] == columns[middle].min()] if len(middle) else middle
    boundary = float(narrowest.mean()) if len(narrowest) else (first + last) / 2
    place = np.arange(lungs.shape[1])
    right, left = lungs & (place < boundary), lungs & (place > boundary)
    if not right.any() or not left.any():
        raise ValueError("the mask has lung on one side only. Leave the film out.")
    return right, left
