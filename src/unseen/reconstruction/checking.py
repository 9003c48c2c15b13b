"""Measurements are looked at before anything is learnt from them: shape, kind of number, and whether all are finite."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unseen.physics.algebra import Shape, describe
from unseen.physics.measurement import Measurement
from unseen.physics.operator import Operator

Array = NDArray[Any]  # Any: numbers of whatever kind a file holds


class MeasurementError(ValueError):
    """Measurements or pictures that do not fit their process: what was expected, and what was seen."""


def tensor_of(values: Tensor | Array) -> Tensor:
    """A tensor as it is; an array as a tensor in single precision, real or complex.

    Raises:
        MeasurementError: an array of something else than numbers.

    >>> tensor_of(np.array([1, 2])).dtype, tensor_of(np.array([1j])).dtype
    (torch.float32, torch.complex64)
    """
    if isinstance(values, Tensor):
        return values
    values = np.asarray(values)
    if values.dtype.kind not in "biufc":
        raise MeasurementError(f"measurements and pictures are numbers, but got {values.dtype}.")
    return torch.from_numpy(np.ascontiguousarray(values, np.complex64 if values.dtype.kind == "c" else np.float32))


def check_measurements(y: Tensor, process: Measurement) -> None:
    """Raises MeasurementError, a ValueError that says what was expected, unless y is finite and of A's kind."""
    A = process.A
    _check(y, A.range, f"Measurements by {A}", complex_expected=_measures_complex(A))


def check_pictures(x: Tensor, process: Measurement) -> None:
    """The same of pictures, (n, *A.domain)."""
    A = process.A
    _check(x, A.domain, f"Pictures of {A}", complex_expected=A.complex_domain)


def _check(tensor: Tensor, shape: Shape, what: str, *, complex_expected: bool) -> None:
    if tuple(tensor.shape[1:]) != tuple(shape) or len(tensor) == 0:
        expected = ", ".join(["n", *map(str, shape)])
        raise MeasurementError(f"{what} are ({expected}), n at least 1, but got {describe(tuple(tensor.shape))}.")
    if tensor.is_complex() != complex_expected or not (tensor.is_complex() or tensor.is_floating_point()):
        kind = "complex" if complex_expected else "real floating-point"
        raise MeasurementError(f"{what} are {kind} numbers, but got {tensor.dtype}.")
    finite = torch.isfinite(tensor)
    if not bool(finite.all()):
        bad = int((~finite).sum())
        raise MeasurementError(f"{what} are finite, but {bad} of {tensor.numel()} numbers are NaN or infinite.")


def _measures_complex(A: Operator) -> bool:
    nothing = torch.zeros(A.batch or 1, *A.domain, dtype=torch.complex64 if A.complex_domain else torch.float32)
    with torch.no_grad():
        return A(nothing).is_complex()
