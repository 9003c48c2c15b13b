"""An operator on flat NumPy vectors, as `scipy.sparse.linalg` calls a linear operator.

Vectors hold the entries of an image or of a measurement in reading order; of an operator with an A for each sample,
those of all samples, one after the other. Where the operator commutes with the multiplication by i, vectors are
complex. Else, if images or measurements are complex, each complex number is two real ones, its real and its imaginary
part: then matvec and rmatvec are adjoint in the real inner product, as SciPy's solvers need.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from unseen.physics.action import Action
from unseen.physics.numpy_arrays import Array, as_tensor
from unseen.physics.tensor_products import Shape, describe

TOLERANCE = 1e-9
"""Largest ‖A(i x) − i A(x)‖ / ‖A(x)‖ at which A counts as linear over the complex numbers."""


@dataclass(frozen=True)
class FlatAction:
    """A as a matrix that is not stored.

    Args:
        A: an operator.
        complex_vectors: as `linear_over_complex_numbers(A)` gives it.

    Example:
        >>> from unseen.physics import Identity
        >>> FlatAction(Identity((1, 2, 2)), complex_vectors=False).shape
        (4, 4)
    """

    A: Action
    complex_vectors: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of a measurement, and of an image."""
        A, count = self.A, self.A.batch or 1
        pairs = (A.complex_domain or A.complex_range) and not self.complex_vectors
        image = count * math.prod(A.domain) * (2 if pairs and A.complex_domain else 1)
        return count * math.prod(A.range) * (2 if pairs and A.complex_range else 1), image

    def forward(self, vector: Array) -> Array:
        """Return A x, of a vector's shape with another length."""
        return self._applied(vector, adjoint=False)

    def adjoint(self, vector: Array) -> Array:
        """Return A* y, of a vector's shape with another length."""
        return self._applied(vector, adjoint=True)

    def _applied(self, vector: Array, *, adjoint: bool) -> Array:
        A = self.A
        shape, complex_too = (A.range, A.complex_range) if adjoint else (A.domain, A.complex_domain)
        values = np.asarray(vector)
        length = self.shape[0 if adjoint else 1]
        if values.shape not in ((length,), (length, 1)):
            raise ValueError(
                f"{type(A).__name__} takes vectors of {length:,} entries here, but got shape {describe(values.shape)}."
            )
        tensor = _unflattened(as_tensor(values.reshape(-1)), (A.batch or 1, *shape), complex_too=complex_too)
        with torch.no_grad():
            result = A.adjoint(tensor) if adjoint else A(tensor)
        if result.is_complex() and not self.complex_vectors:
            result = torch.view_as_real(result)
        flat: Array = result.reshape(-1, *values.shape[1:]).numpy(force=True)
        return flat


def linear_over_complex_numbers(A: Action) -> bool:
    """Return True if images and measurements are complex and A(i x) = i A(x), seen on one image of noise.

    Args:
        A: an operator.

    Example:
        >>> from unseen.physics import FourierMask
        >>> linear_over_complex_numbers(FourierMask(torch.ones(4, 4)))
        True
    """
    if not (A.complex_domain and A.complex_range):
        return False
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(A.batch or 1, *A.domain, dtype=torch.complex128, generator=generator)
    with torch.no_grad():
        y, turned = A(x), A(1j * x)
    return bool((turned - 1j * y).norm() <= TOLERANCE * y.norm())


def _unflattened(vector: Tensor, shape: Shape, *, complex_too: bool) -> Tensor:
    """Return the tensor whose entries, or pairs of real and imaginary parts, a vector holds."""
    if complex_too and not vector.is_complex() and vector.numel() == 2 * math.prod(shape):
        return torch.view_as_complex(vector.reshape(*shape, 2).contiguous())
    return vector.reshape(shape)
