"""Operator given by a dense matrix, for those whose matrix has no faster form."""

import math
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from unseen.physics.argument_checks import both_sides, check_channels
from unseen.physics.numpy_arrays import as_tensor
from unseen.physics.operator import Operator
from unseen.physics.tensor_products import describe

RANK = 1e-13  # eigenvalues of matrix · matrixᵀ up to this share of the largest count as zero


class Dense(Operator):
    """y = matrix · x, channel by channel, with x's pixels in reading order.

    Its pseudo-inverse is exact, and computed in double precision at the first call. The matrix is copied.

    Args:
        matrix: (m, n), real or complex, any m; a tensor or a NumPy array.
        size: (height, width) with height · width = n; None: x is a signal, (1, n).
        channels: measured alike, each by itself.
        real: images are real; None: they are where the matrix is. Of a complex matrix and real images, measurements
            are complex.

    Raises:
        ValueError: no matrix of finite numbers, or a size of another number of pixels.

    Example:
        >>> A = Dense(torch.tensor([[1.0, 1.0]]), size=(1, 2))
        >>> A.pinv(A(torch.tensor([[[[3.0, 1.0]]]]))).flatten().tolist()
        [2.0, 2.0]
        >>> Dense(1j * torch.eye(4), size=(2, 2)).adjoint(torch.full((1, 1, 4), 1j))[0, 0, 0, 0].item()
        (1+0j)
    """

    _matrix: Tensor  # (m, height · width), float64 or complex128

    # Any: numbers of whatever kind
    def __init__(
        self,
        matrix: Tensor | NDArray[Any],
        *,
        size: tuple[int, int] | None = None,
        channels: int = 1,
        real: bool | None = None,
    ) -> None:
        given = as_tensor(matrix).detach()
        if given.ndim != 2 or not given.numel() or not bool(torch.isfinite(torch.view_as_real(given + 0j)).all()):
            raise ValueError(f"matrix is (m, n), of finite numbers, but got shape {describe(tuple(given.shape))}.")
        check_channels(channels)
        height, width = both_sides((1, given.shape[1]) if size is None else size)
        if height * width != given.shape[1]:
            raise ValueError(
                f"The matrix takes {given.shape[1]} pixels, but size {height} × {width} has {height * width}. Give "
                "size=(height, width)."
            )
        complex_domain = given.is_complex() if real is None else not real
        super().__init__(domain=(channels, height, width), range=(channels, len(given)))
        self._set(
            _matrix=given.cpu().to(torch.complex128 if given.is_complex() else torch.float64, copy=True),
            complex_domain=complex_domain,
            complex_range=complex_domain or given.is_complex(),
        )

    @property
    def matrix(self) -> Tensor:
        """A copy of the matrix: (m, height · width), float64 or complex128."""
        return self._matrix.clone()

    def condition(self) -> float:
        """Return the largest singular value over the least that the pseudo-inverse divides by.

        A⁺ enlarges noise along the weakest direction so many times more than along the strongest.

        Example:
            >>> Dense(torch.tensor([[4.0, 0.0], [0.0, 0.5]])).condition()
            8.0
        """
        values = _eigenvalues(self._stacked)
        return math.sqrt(float(values[-1] / values[values > RANK * values[-1]].min())) if values[-1] > 0 else 1.0

    def _forward(self, x: Tensor) -> Tensor:
        return self._wide(x).flatten(2) @ self._on("_matrix", self._wide(x)).T

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._image(self._wide(y) @ self._on("_matrix", self._wide(y)).conj())

    def _pinv(self, y: Tensor) -> Tensor:
        return self._image(self._wide(y) @ self._on("_inverse", self._wide(y)))

    def _wide(self, tensor: Tensor) -> Tensor:
        """Complex where measurements are."""
        return tensor.to(torch.promote_types(tensor.dtype, torch.complex64)) if self.complex_range else tensor

    def _image(self, flat: Tensor) -> Tensor:
        image = flat.reshape(len(flat), *self.domain)
        return image.real.contiguous() if image.is_complex() and not self.complex_domain else image

    @property
    def _stacked(self) -> Tensor:
        """The matrix; of a complex one on real images its real and imaginary parts, one above the other."""
        if self._matrix.is_complex() and not self.complex_domain:
            return torch.cat([self._matrix.real, self._matrix.imag])
        return self._matrix

    @property
    def _inverse(self) -> Tensor:
        """The transposed pseudo-inverse, (m, height · width); `_on` keeps it once it is computed."""
        if self._stacked is not self._matrix:
            real, imaginary = _inverted(self._stacked).chunk(2, dim=1)
            return torch.complex(real, -imaginary).T.resolve_conj()  # Re (y · it) is what the two parts make of y
        return _inverted(self._matrix).T


def _inverted(matrix: Tensor) -> Tensor:
    """Moore and Penrose's inverse, (n, m), by eigenvalues of the smaller of matrix · matrixᴴ and matrixᴴ · matrix."""
    if len(matrix) > matrix.shape[1]:
        return _inverted(matrix.mH).mH
    values, vectors = torch.linalg.eigh(matrix @ matrix.mH)
    inverted = torch.where(values > RANK * values[-1], 1 / values, 0)
    inverse: Tensor = matrix.mH @ (vectors * inverted) @ vectors.mH
    return inverse


def _eigenvalues(matrix: Tensor) -> Tensor:
    """Return the eigenvalues of the smaller of matrix · matrixᴴ and matrixᴴ · matrix, rising."""
    values: Tensor = torch.linalg.eigvalsh(matrix @ matrix.mH if len(matrix) <= matrix.shape[1] else matrix.mH @ matrix)
    return values
