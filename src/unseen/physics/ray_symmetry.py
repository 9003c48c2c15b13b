"""Which views of a scan are mirror images of each other, so that a projector need hold only one of each kind.

Mirrored or turned by 90°, a square of pixels is the square again, and the ray (θ, t), X cos θ + Y sin θ = t, becomes
another: (180° − θ, t) when X changes its sign, (90° − θ, t) when X and Y change places, (θ + 90°, t) when turned. Where
a scan's angles come in such pairs, or fours (n uniform angles over 180° always do: in fours for even n), a view's
weights are those of a *held* view upon a copy of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TOLERANCE_DEGREES = 2e-5  # what single precision makes of an angle up to 180°; at 256², 3e-5 pixels at the rim
TILE = 8  # pixels a side

# What is done to the square: nothing, X ↦ −X, X ↔ Y, a quarter turn. Of the subgroups, largest first; of two alike, the
# one that makes level views of upright ones.
IDENTITY, MIRROR, TRANSPOSE, TURN = range(4)
SUBGROUPS = (
    (IDENTITY, MIRROR, TRANSPOSE, TURN),
    (IDENTITY, TURN),
    (IDENTITY, TRANSPOSE),
    (IDENTITY, MIRROR),
    (IDENTITY,),
)


@dataclass(frozen=True)
class RaySymmetry:
    """How the rays of a scan are made of fewer.

    Args:
        angles: (held views,), degrees.
        copies: (copies, pixels): copy c of a picture is picture.flatten()[copies[c]]. Pixels are held tile by tile, so
            that those near each other are near in memory; copy 0 is the picture itself.
        source: (views · detectors,): the scan's ray r is entry source[r] of (held rays, copies), flattened.
    """

    angles: NDArray[np.float64]
    copies: NDArray[np.int64]
    source: NDArray[np.int64]


def fold(angles: NDArray[np.float64], *, size: int, detectors: int, copies: int = 4) -> RaySymmetry:
    """Find the views to hold, and how the scan's are made of them.

    Args:
        angles: (views,), degrees, in any order and range.
        size: of the picture's side, in pixels.
        detectors: rays of a view, at t = −(detectors − 1)/2 … (detectors − 1)/2.
        copies: of the picture, at most: 1, 2 or 4. Each makes for fewer views to hold.

    Example:
        >>> import numpy as np
        >>> folded = fold(np.arange(0, 180, 30.0), size=2, detectors=3)
        >>> folded.angles.tolist(), len(folded.copies), len(folded.source)
        ([0.0, 30.0], 4, 18)
    """
    group = next(
        group for group in SUBGROUPS if len(group) <= copies and all(_closed(angles, element) for element in group)
    )
    # Views that the group takes to each other form an orbit, of which the most upright is held.
    orbits = np.stack([(_taken(angles, element) + 90) % 180 - 90 for element in group])  # (group, views), −90 … 90
    tilt = np.abs(orbits) - TOLERANCE_DEGREES * np.sign(orbits)
    upright = np.take_along_axis(orbits, tilt.argmin(axis=0)[None], axis=0)[0]
    orbit = _labels(upright)
    _, first = np.unique(orbit, return_index=True)
    held = upright[first]

    ray = np.arange(detectors)
    source = np.empty((len(angles), detectors), dtype=np.int64)
    for i, angle in enumerate(angles):
        half_turns = [(angle - _taken(held[orbit[i]], element)) / 180 for element in group]
        element = int(np.argmin([abs(turns - round(turns)) for turns in half_turns]))
        # Half a turn more is the same line seen from behind: t changes its sign.
        seen = ray if round(half_turns[element]) % 2 == 0 else ray[::-1]
        source[i] = (orbit[i] * detectors + seen) * len(group) + element

    grid = np.arange(size * size).reshape(size, size)
    row, column = np.divmod(grid.ravel(), size)
    tiled = np.lexsort((row % TILE, column % TILE, row // TILE, column // TILE))
    return RaySymmetry(held, np.stack([_copy(grid, element).ravel()[tiled] for element in group]), source.ravel())


def _taken(angle: NDArray[np.float64], element: int) -> NDArray[np.float64]:
    """The angle whose rays see a picture as those of `angle` see the element's copy of it."""
    return (angle, 180 - angle, 90 - angle, angle + 90)[element]


def _copy(grid: NDArray[np.int64], element: int) -> NDArray[np.int64]:
    return (grid, grid[:, ::-1], grid[::-1, ::-1].T, np.rot90(grid, -1))[element]


def _closed(angles: NDArray[np.float64], element: int) -> bool:
    """Whether the scan has, modulo 180°, every angle that the element takes one of its angles to."""
    ordered = np.sort(angles % 180)
    ring = np.concatenate([ordered[-1:] - 180, ordered, ordered[:1] + 180])
    taken = _taken(angles, element) % 180
    above = np.searchsorted(ring, taken)
    return bool((np.minimum(taken - ring[above - 1], ring[above] - taken) < TOLERANCE_DEGREES).all())


def _labels(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """0, 1, … in rising order, the same for values that are equal up to rounding."""
    order = np.argsort(values, kind="stable")
    labels = np.empty(len(values), dtype=np.int64)
    labels[order] = np.concatenate([[0], np.cumsum(np.diff(values[order]) > TOLERANCE_DEGREES)])
    return labels
