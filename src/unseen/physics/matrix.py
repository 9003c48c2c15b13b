"""Operators given by matrices: dense, separable, the identity, and compressed sensing.

An operator given as a matrix: for those whose matrix has no faster form.

An operator that treats the columns and the rows of an image by a small matrix each.

The identity: the image itself is measured.

Compressed sensing: each measurement is a random mixture of all pixels.
"""

import math
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from unseen.physics.algebra import Shape, as_tensor, both_sides, check_channels, check_measurements, describe
from unseen.physics.operator import Operator

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
        """The largest singular value over the least that the pseudo-inverse divides by.

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
        return tensor.to(torch.promote_types(tensor.dtype, torch.complex32)) if self.complex_range else tensor

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
    """Of the smaller of matrix · matrixᴴ and matrixᴴ · matrix, rising."""
    values: Tensor = torch.linalg.eigvalsh(matrix @ matrix.mH if len(matrix) <= matrix.shape[1] else matrix.mH @ matrix)
    return values


class Separable(Operator):
    """A x = down · x · rightᵀ, channel by channel: two matrix products.

    Its singular values are the products σ_i τ_j of those of `down` and of `right`, so norm and pseudo-inverse are
    exact: with down = U₁ diag(σ) V₁ᵀ and right = U₂ diag(τ) V₂ᵀ,  A⁺ y = V₁ [(U₁ᵀ y U₂) / (σ_i τ_j)] V₂ᵀ.

    Args:
        down: (measured height, height), float64.
        right: (measured width, width), float64.
        channels: of the image, each treated alike.
        rtol: singular values up to this share of the largest count as zero in the pseudo-inverse.

    Example:
        >>> A = Separable(torch.ones(1, 2).double(), torch.eye(2).double(), channels=1, rtol=1e-6)
        >>> A(torch.ones(1, 1, 2, 2)).flatten().tolist(), round(A.pinv(torch.ones(1, 1, 1, 2)).sum().item(), 5)
        ([2.0, 2.0], 2.0)
    """

    rtol: float
    _down: Tensor  # float64, as all below
    _right: Tensor
    _from_down: Tensor  # U₁
    _from_right: Tensor  # U₂
    _to_down: Tensor  # V₁
    _to_right: Tensor  # V₂
    _inverse: Tensor  # 1 / (σ_i τ_j), or 0
    _norm: float

    def __init__(self, down: Tensor, right: Tensor, *, channels: int, rtol: float) -> None:
        super().__init__(domain=(channels, down.shape[1], right.shape[1]), range=(channels, len(down), len(right)))
        from_down, sigma, to_down = torch.linalg.svd(down, full_matrices=False)
        from_right, tau, to_right = torch.linalg.svd(right, full_matrices=False)
        values = torch.outer(sigma, tau)
        largest = float(values.max())
        self._set(
            rtol=rtol,
            _down=down,
            _right=right,
            _from_down=from_down,
            _from_right=from_right,
            _to_down=to_down.T,
            _to_right=to_right.T,
            _inverse=torch.where(values > max(rtol, torch.finfo(values.dtype).eps) * largest, 1 / values, 0),
            _norm=largest,
        )

    def _forward(self, x: Tensor) -> Tensor:
        return self._on("_down", x) @ x @ self._on("_right", x).T

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._on("_down", y).T @ y @ self._on("_right", y)

    def _pinv(self, y: Tensor) -> Tensor:
        coefficients = self._on("_from_down", y).T @ y @ self._on("_from_right", y) * self._on("_inverse", y)
        return self._on("_to_down", y) @ coefficients @ self._on("_to_right", y).T

    def norm(self) -> float:
        return self._norm


class Identity(Operator):
    """A x = x.

    Args:
        shape: of one image, without the batch, such as (1, 64, 64).

    Example:
        >>> import torch
        >>> Identity((1, 2, 2))(torch.ones(5, 1, 2, 2)).shape
        torch.Size([5, 1, 2, 2])
    """

    real_or_complex = True
    looks_for_nan = False

    def __init__(self, shape: Shape) -> None:
        super().__init__(domain=shape, range=shape)

    def _forward(self, x: Tensor) -> Tensor:
        return x

    def _adjoint(self, y: Tensor) -> Tensor:
        return y

    def _pinv(self, y: Tensor) -> Tensor:
        return y

    def norm(self) -> float:
        return 1.0


class CompressedSensing(Dense):
    """y = matrix · x, with independent entries ~ N(0, 1/m), so that E‖A x‖² = ‖x‖².

    The same matrix for every channel; y is (batch, channels, m). Candès, Romberg & Tao, IEEE Trans. Inf. Theory 52
    (2006). The pseudo-inverse is exact; the matrix is kept whole, m · height · width numbers.

    Args:
        size: of the image, one number or (height, width); (1, n) for signals.
        m: how many measurements, 1 to height · width.
        channels: of the image.
        seed: of the matrix; the same seed, size and m give the same matrix.

    Raises:
        ValueError: size, m or channels is out of range.

    Example:
        >>> A = CompressedSensing(8, 32)
        >>> A, torch.equal(A.matrix, CompressedSensing(8, 32).matrix)
        (CompressedSensing((1, 8, 8) -> (1, 32)), True)
    """

    def __init__(self, size: int | tuple[int, int], m: int, *, channels: int = 1, seed: int = 0) -> None:
        height, width = both_sides(size)
        check_channels(channels)
        check_measurements(m, height * width)
        entries = torch.randn(m, height * width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        super().__init__(entries / math.sqrt(m), size=(height, width), channels=channels)
