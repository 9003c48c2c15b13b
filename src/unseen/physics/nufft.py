"""Non-uniform fast Fourier transforms of images in two dimensions, by FINUFFT."""

from __future__ import annotations

import ctypes
import itertools
import math
import os
import threading
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from unseen.artifacts.installing import install_command

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
        found = _executed(points, kind, angles[index], some) if len(some) else some
        result[samples] = found.reshape(result[samples].shape)
    return torch.from_numpy(result).to(values.device)


def _executed(points: Tensor, kind: _Kind, angles: Array, values: Array) -> Array:
    """Return the transform of values by a kept plan of `angles`, (samples, 2), or by a new one."""
    plan = _plans.take(points, kind, angles)
    if plan is None:
        plan = _new_plan(kind, angles)
    found: Array = plan.execute(values)
    _plans.keep(points, _Planned(kind, angles, plan))
    return found


class _Kind(NamedTuple):
    """All that a plan depends on, apart from its points."""

    row: int
    size: tuple[int, ...]
    number: int
    dtype: np.dtype[Any]
    inverse: bool
    threads: int


@dataclass(frozen=True, eq=False)
class _Planned:
    """Plan with points."""

    kind: _Kind
    angles: Array
    plan: Any  # Any: finufft.Plan


@dataclass
class _OfTrajectory:
    """Plans of one trajectory, and the number of its last use."""

    plans: list[_Planned] = field(default_factory=list)
    used: int = 0


_MOST_BYTES = 256 * 2**20
"""Memory of the plans that the process keeps, as `_memory` counts it. Plans in use are not counted."""


class _Plans:
    """Plans that the process keeps. Making one and sorting its points takes as long as two transforms.

    A plan serves one thread at a time: `take` removes it and `keep` puts it back. Beyond the bound, plans of the
    trajectories that were used least recently are removed. Of a single trajectory whose frames do not fit together,
    some frames stay: if the last one replaced the first one, no plan would be there when it is needed.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Remove all plans."""
        self._lock = threading.Lock()
        self._uses = itertools.count(1)
        self.of: MutableMapping[Tensor, _OfTrajectory] = WeakIdKeyDictionary()

    def begin_in_child(self) -> None:
        """Begin without plans in a forked process, whose copy of the lock can be locked for ever.

        The parent's plans are never destroyed there, not even at exit: FFTW's lock can be locked, too.
        """
        inherited = self.of, list(self.of.values())
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(inherited))
        self.clear()

    def take(self, points: Tensor, kind: _Kind, angles: Array) -> Any:  # Any: finufft.Plan, or None
        """Remove and return a plan of these angles, (samples, 2); None: there is none."""
        with self._lock:
            known = self.of.get(points)
            if known is None:
                return None
            known.used = next(self._uses)
            for one in [one for one in known.plans if one.kind == kind]:
                known.plans.remove(one)
                if np.array_equal(one.angles, angles):
                    return one.plan
        return None

    def keep(self, points: Tensor, planned: _Planned) -> None:
        """Put a plan back, or the first time; if it fits, other plans are removed for it.

        These are all plans but those of the same trajectory that differ in the frame alone.
        """
        needed = _memory(planned.kind, planned.angles)
        if needed > _MOST_BYTES:
            return
        with self._lock:
            own = self.of.setdefault(points, _OfTrajectory())
            own.used = next(self._uses)
            excess = self.total() + needed - _MOST_BYTES
            removable = [
                (kept, one)
                for kept in sorted(self.of.values(), key=lambda kept: kept.used)
                for one in kept.plans
                if kept is not own or not _same_but_frame(one.kind, planned.kind)
            ]
            if excess > sum(_memory(one.kind, one.angles) for _, one in removable):
                return
            for kept, one in removable:
                if excess <= 0:
                    break
                kept.plans.remove(one)
                excess -= _memory(one.kind, one.angles)
            own.plans.append(planned)

    def total(self) -> int:
        """Return the memory of all plans, bytes."""
        return sum(_memory(one.kind, one.angles) for kept in self.of.values() for one in kept.plans)


_plans = _Plans()
os.register_at_fork(after_in_child=_plans.begin_in_child)


def _same_but_frame(one: _Kind, other: _Kind) -> bool:
    return one._replace(row=other.row, inverse=other.inverse) == other


def _new_plan(kind: _Kind, angles: Array) -> Any:  # Any: finufft.Plan
    """Return a plan whose points are `angles`, (samples, 2)."""
    try:
        import finufft
    except ImportError as error:
        raise ImportError(f"Non-Cartesian transforms need FINUFFT: {install_command('unseen[nufft]')}") from error
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
    return plan


def _memory(kind: _Kind, angles: Array) -> int:
    """Bytes of a plan: a grid of four times the pixels for each image at a time, the points twice, and their order."""
    grid = 4 * math.prod(kind.size) * min(kind.number, kind.threads) * kind.dtype.itemsize
    return grid + 2 * angles.nbytes + 8 * len(angles)
