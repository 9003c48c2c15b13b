"""Non-uniform fast Fourier transforms of images in two dimensions, by FINUFFT."""

from __future__ import annotations

import math
import threading
from collections.abc import MutableMapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from unseen.artifacts.install_command import install_command

Array = NDArray[Any]  # Any: single or double precision
ACCURACY = {np.dtype(np.complex64): 1e-6, np.dtype(np.complex128): 1e-12}


def at_points(images: Tensor, points: Tensor) -> Tensor:
    """Return Σ_q image(q) exp(−2πi ⟨k, q⟩) at points k, with q = 0 at the pixel [height // 2, width // 2].

    Args:
        images: (batch, coils, height, width), complex64 or complex128.
        points: (1 or batch, samples, 2), float64, in cycles per pixel.

    Returns:
        (batch, coils, samples), of the images' type and device.

    Raises:
        ImportError: FINUFFT is not installed.

    Example:
        >>> image = torch.zeros(1, 1, 4, 4, dtype=torch.complex128)
        >>> image[..., 2, 3] = 1  # q = (0, 1)
        >>> round(at_points(image, torch.tensor([[[0.0, 0.25]]], dtype=torch.float64)).imag.item(), 6)
        -1.0
    """
    return _transformed(images, points, (points.shape[1],), inverse=False)


def from_points(values: Tensor, points: Tensor, size: tuple[int, ...]) -> Tensor:
    """Return Σ_m value(m) exp(2πi ⟨k_m, q⟩) at every pixel q: the adjoint of `at_points`.

    Args:
        values: (batch, coils, samples), complex64 or complex128.
        points: (1 or batch, samples, 2), float64, in cycles per pixel.
        size: (height, width) of the images.

    Returns:
        (batch, coils, height, width), of the values' type and device.

    Raises:
        ImportError: FINUFFT is not installed.

    Example:
        >>> values, points = torch.ones(1, 1, 1, dtype=torch.complex128), torch.zeros(1, 1, 2, dtype=torch.float64)
        >>> bool((from_points(values, points, (4, 4)) - 1).abs().max() < 1e-9)
        True
    """
    return _transformed(values, points, tuple(size), inverse=True)


def _transformed(values: Tensor, points: Tensor, shape: tuple[int, ...], *, inverse: bool) -> Tensor:
    given: Array = values.numpy(force=True)
    result = np.zeros((*given.shape[:2], *shape), given.dtype)
    angles: Array = (2 * math.pi * points).numpy(force=True).astype(given.real.dtype)
    size = shape if inverse else given.shape[2:]
    for index in range(len(angles)):
        samples = slice(None) if len(angles) == 1 else slice(index, index + 1)
        some = np.ascontiguousarray(given[samples].reshape(-1, *given.shape[2:]))
        kind = _Kind(index, size, len(some), given.dtype, inverse, torch.get_num_threads())
        found = _plan(points, kind, angles[index]).execute(some) if len(some) else some
        result[samples] = found.reshape(result[samples].shape)
    return torch.from_numpy(result).to(values.device)


class _Kind(NamedTuple):
    """All that a plan depends on, apart from its points."""

    row: int
    size: tuple[int, ...]
    number: int
    dtype: np.dtype[Any]
    inverse: bool
    threads: int


class _ThreadPlans(threading.local):
    """Plans of this thread by trajectory. Making one and sorting its points takes as long as two transforms."""

    def __init__(self) -> None:
        self.of: MutableMapping[Tensor, dict[_Kind, tuple[Any, Array]]] = WeakIdKeyDictionary()


_plans = _ThreadPlans()
_MOST_BYTES = 256 * 2**20
"""Memory of the plans that a thread keeps for one trajectory, as `_memory` counts it."""


def _plan(points: Tensor, kind: _Kind, angles: Array) -> Any:  # Any: finufft.Plan
    """Return a plan whose points are `angles`, (samples, 2)."""
    try:
        import finufft
    except ImportError as error:
        raise ImportError(f"Non-Cartesian transforms need FINUFFT: {install_command('unseen[nufft]')}") from error
    plans = _plans.of.setdefault(points, {})
    if kind in plans:
        plan, known = plans[kind]
        if np.array_equal(known, angles):
            return plan
    plan = finufft.Plan(
        1 if kind.inverse else 2,
        kind.size,
        kind.number,
        ACCURACY[kind.dtype],
        1 if kind.inverse else -1,
        kind.dtype.name,
        nthreads=kind.threads,
    )
    plan.setpts(*(np.ascontiguousarray(angles[:, axis]) for axis in (0, 1)))
    plans.pop(kind, None)
    if not _fits(kind, angles, plans):  # then those of another size, batch or type make room
        for other in [other for other in plans if other._replace(row=kind.row, inverse=kind.inverse) != kind]:
            del plans[other]
    if _fits(kind, angles, plans):
        plans[kind] = plan, angles
    return plan


def _fits(kind: _Kind, angles: Array, plans: dict[_Kind, tuple[Any, Array]]) -> bool:
    kept = sum(_memory(other, known) for other, (_, known) in plans.items())
    return kept + _memory(kind, angles) <= _MOST_BYTES


def _memory(kind: _Kind, angles: Array) -> int:
    """Bytes of a plan: a grid of four times the pixels for each image at a time, the points twice, and their order."""
    grid = 4 * math.prod(kind.size) * min(kind.number, kind.threads) * kind.dtype.itemsize
    return grid + 2 * angles.nbytes + 8 * len(angles)
