"""Projector of tomography: line integrals as a sparse matrix and its transpose, stored once per symmetry.

Rays are integrated by Joseph's rule (P. M. Joseph, An improved algorithm for reprojecting rays through pixel images,
IEEE Trans. Med. Imaging 1(3), 1982): the image is interpolated linearly where the ray crosses the middle of each row
(of each column, for a ray more level than upright). A pixel whose centre is d from the ray so weighs
max(m − |d|, 0) / m² with m = max(|cos θ|, |sin θ|), the pixels' side being 1. With m = 1 for every view, the transpose
interpolates each view linearly at each pixel: textbooks' backprojection.

`fold` finds the views that are mirror images of each other, of which the projector holds one each. Mirrored or turned
by 90°, a square of pixels is the square again, and the ray (θ, t), X cos θ + Y sin θ = t, becomes another:
(180° − θ, t) when X changes its sign, (90° − θ, t) when X and Y change places, (θ + 90°, t) when turned. Where a scan's
angles come in such pairs, or fours (n uniform angles over 180° always do: in fours for even n), a view's weights are
those of a *held* view upon a copy of the image.
"""

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

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
    """Symmetry by which the rays of a scan are made of fewer.

    Args:
        angles: (held views,), degrees.
        copies: (copies, pixels): copy c of an image is image.flatten()[copies[c]]. Pixels are held tile by tile, so
            that those near each other are near in memory; copy 0 is the image itself.
        source: (views · detectors,): the scan's ray r is entry source[r] of (held rays, copies), flattened.
    """

    angles: NDArray[np.float64]
    copies: NDArray[np.int64]
    source: NDArray[np.int64]


def fold(angles: NDArray[np.float64], *, size: int, detectors: int, copies: int = 4) -> RaySymmetry:
    """Find the views to hold, and how the scan's are made of them.

    Args:
        angles: (views,), degrees, in any order and range.
        size: of the image's side, in pixels.
        detectors: rays of a view, at t = −(detectors − 1)/2 … (detectors − 1)/2.
        copies: of the image, at most: 1, 2 or 4. Each makes for fewer views to hold.

    Example:
        >>> import numpy as np
        >>> folded = fold(np.arange(0, 180, 30.0), size=2, detectors=3)
        >>> folded.angles.tolist(), len(folded.copies), len(folded.source)
        ([0.0, 30.0], 4, 18)
    """
    group = _group(angles, copies)
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


def held_bytes(angles: NDArray[np.float64], *, size: int, copies: int, dtype: torch.dtype) -> int:
    """Return an upper bound of the memory of a `Projector`'s weights.

    >>> held_bytes(np.arange(0, 180, 30.0), size=8, copies=4, dtype=torch.float32)
    6144
    """
    # A view that a symmetry takes to itself is alone in its orbit: at most two such orbits for each pair of symmetries.
    order = len(_group(angles, copies))
    views = min(len(angles), len(angles) // order + (2 if order > 1 else 0))
    entries = views * 2 * size**2  # a view has two rays at most within a pixel of each pixel's centre
    return 2 * entries * (dtype.itemsize + 4)


def symmetries(angles: NDArray[np.float64]) -> int:
    """Return how many views of a scan share their weights: 1, 2 or 4.

    >>> symmetries(np.arange(0, 180, 30.0)), symmetries(np.array([0.0, 10.0, 25.0]))
    (4, 1)
    """
    return len(_group(angles, 4))


def _group(angles: NDArray[np.float64], copies: int) -> tuple[int, ...]:
    """Return the largest group of symmetries of a scan, with at most so many copies of the image."""
    return next(
        group for group in SUBGROUPS if len(group) <= copies and all(_closed(angles, element) for element in group)
    )


def _taken(angle: NDArray[np.float64], element: int) -> NDArray[np.float64]:
    """Return the angle whose rays see an image as those of `angle` see the element's copy of it."""
    return (angle, 180 - angle, 90 - angle, angle + 90)[element]


def _copy(grid: NDArray[np.int64], element: int) -> NDArray[np.int64]:
    return (grid, grid[:, ::-1], grid[::-1, ::-1].T, np.rot90(grid, -1))[element]


def _closed(angles: NDArray[np.float64], element: int) -> bool:
    """Return True if the element maps the scan's angles to angles of the scan, modulo 180°."""
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


COLUMNS = 16  # images × copies in one product: more no longer fit the caches
BLOCK = 8192  # pixels of them that are projected at a time, for the same reason


class Projector:
    """The matrix of a scan of one plane, its transpose, and how images and rays are folded to go through them.

    Args:
        angles: (views,), degrees, float64.
        size: of the image's side, in pixels.
        detectors: rays of a view.
        copies: of an image, at most, through as many times smaller a matrix (`ray_symmetry`): 4 for few images at a
            time, 2 for many.
        interpolated: m = 1, not Joseph's.
        circle: only pixels with their centre within the inscribed disc are seen.
        dtype: of the weights, float32 or float64.
        device: where the weights lie.

    Example:
        >>> import torch
        >>> projector = Projector(torch.tensor([0.0, 90.0]).double(), size=2, detectors=2)
        >>> projector.project(torch.tensor([[[1.0, 2.0], [3.0, 4.0]]]).double()).tolist()
        [[[4.0, 6.0], [7.0, 3.0]]]
    """

    def __init__(
        self,
        angles: Tensor,
        *,
        size: int,
        detectors: int,
        copies: int = 4,
        interpolated: bool = False,
        circle: bool = False,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ) -> None:
        folded = fold(angles.numpy(), size=size, detectors=detectors, copies=copies)
        matrix = _matrix(folded, size=size, detectors=detectors, interpolated=interpolated, circle=circle, dtype=dtype)
        self._shape = (size, size), (len(angles), detectors)
        transpose = sparse.csr_array(matrix.T)
        self._matrix = [sparse_rows(transpose[i : i + BLOCK].T, device) for i in range(0, size * size, BLOCK)]
        self._transpose = sparse_rows(transpose, device)
        self._copies = len(folded.copies)
        pixels = folded.copies.shape[1]
        places = np.argsort(folded.copies, axis=1).T * self._copies + np.arange(self._copies)
        self._fold = torch.from_numpy(folded.copies.T.ravel()).to(device)  # (pixels · copies,)
        self._unfold = torch.from_numpy(places.ravel()).to(device)  # (pixels · copies,)
        self._source = torch.from_numpy(folded.source).to(device)  # (views · detectors,)
        self._pixels = pixels

    def project(self, x: Tensor) -> Tensor:
        """Return the line integrals of x, (batch, size, size): (batch, views, detectors)."""
        parts = [self._project(part) for part in torch.split(x, max(1, COLUMNS // self._copies))]
        return torch.cat(parts) if len(parts) != 1 else parts[0]

    def backproject(self, y: Tensor) -> Tensor:
        """Apply the transpose to y, (batch, views, detectors): (batch, size, size)."""
        parts = [self._backproject(part) for part in torch.split(y, max(1, COLUMNS // self._copies))]
        return torch.cat(parts) if len(parts) != 1 else parts[0]

    def _project(self, x: Tensor) -> Tensor:
        batch = len(x)
        pixels = x.reshape(batch, -1).T.contiguous()  # (pixels, batch)
        copies = _rows(pixels, self._fold).view(self._pixels, self._copies * batch)
        rays = copies.new_zeros(self._transpose.shape[1], copies.shape[1])  # (held rays, copies · batch)
        for matrix, block in zip(self._matrix, torch.split(copies, BLOCK), strict=True):
            torch.addmm(rays, matrix, block, out=rays)
        return _rows(rays.view(-1, batch), self._source).T.reshape(batch, *self._shape[1])

    def _backproject(self, y: Tensor) -> Tensor:
        batch = len(y)
        rays = y.new_zeros(self._transpose.shape[1] * self._copies, batch)
        rays.index_add_(0, self._source, y.reshape(batch, -1).T.contiguous())
        copies = (self._transpose @ rays.view(-1, self._copies * batch)).view(-1, batch)  # (pixels · copies, batch)
        parts = _rows(copies, self._unfold).view(self._pixels, self._copies, batch).unbind(dim=1)
        pixels = sum(parts[1:], start=parts[0])
        return pixels.T.reshape(batch, *self._shape[0])


def _rows(table: Tensor, index: Tensor) -> Tensor:
    """table[index]. torch is four times faster at single numbers than at rows of one."""
    if table.shape[1] == 1:
        return table.view(-1).index_select(0, index)[:, None]
    return table.index_select(0, index)


def _matrix(
    folded: RaySymmetry, *, size: int, detectors: int, interpolated: bool, circle: bool, dtype: torch.dtype
) -> sparse.csr_array[Any, tuple[int, int]]:
    """(held rays, pixels), pixels in the order in which they are held."""
    row, column = np.divmod(folded.copies[0], size)
    x, y = column - (size - 1) / 2, (size - 1) / 2 - row
    inside = x**2 + y**2 <= (size / 2) ** 2 if circle else np.ones_like(x, dtype=bool)
    pixels = np.flatnonzero(inside).astype(np.int32)
    numbers = torch.empty(0, dtype=dtype).numpy().dtype
    views = []
    for angle in np.deg2rad(folded.angles):
        cos, sin = math.cos(angle), math.sin(angle)
        reach = 1 if interpolated else max(abs(cos), abs(sin))
        place = (x * cos + y * sin)[inside] + (detectors - 1) / 2  # on the detector, in bins
        # Within m ≤ 1 of a pixel's centre there are two rays at most.
        ray = np.floor(place)[:, None] + np.arange(2)
        weight = np.maximum(reach - np.abs(ray - place[:, None]), 0) / reach**2
        seen = (weight > 0) & (ray >= 0) & (ray < detectors)
        entries = (ray[seen].astype(np.int32), np.broadcast_to(pixels[:, None], ray.shape)[seen])
        views.append(sparse.csr_array((weight[seen].astype(numbers), entries), shape=(detectors, size * size)))
    return sparse.csr_array(sparse.vstack(views, format="csr"))


def sparse_rows(matrix: Any, device: torch.device | str) -> Tensor:
    """Return a matrix of SciPy's, of any sparse format (so Any), as torch's compressed rows."""
    matrix = sparse.csr_array(matrix)
    with warnings.catch_warnings():
        # torch calls its CSR tensors beta; what we ask of them is one product.
        warnings.simplefilter("ignore", UserWarning)
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int32)),
            torch.from_numpy(matrix.indices.astype(np.int32)),
            torch.from_numpy(matrix.data),
            size=matrix.shape,
            check_invariants=False,
        ).to(device)
