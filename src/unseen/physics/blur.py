"""Blur: each pixel is a weighted sum of its neighbours (deblurring is its inversion)."""

from functools import partial
from typing import Any, Literal, get_args

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from unseen.physics.argument_checks import both_sides, check_channels, check_rtol
from unseen.physics.banded_products import band, filter_circularly, suits
from unseen.physics.linear_function import linear
from unseen.physics.numpy_arrays import as_tensor
from unseen.physics.operator import Operator
from unseen.physics.pseudo_inverse import solve_least_squares
from unseen.physics.separable import Separable
from unseen.physics.tensor_products import describe

Boundary = Literal["circular", "valid"]


RANK_ONE = 1e-7  # a kernel whose second singular value is below this share of the first is a product of two


class Blur(Operator):
    """(A x)(p) = Σ_q kernel(q) x(p − q + c), a convolution whose origin is the kernel's middle, c = (side // 2).

    Args:
        size: of the image, one number or (height, width).
        kernel: (rows, columns), real, at most as large as the image.
        channels: of the image, each blurred alike.
        boundary: "circular": the image repeats periodically, and y has its size. "valid": only where the kernel lies
            wholly inside, (height − rows + 1, width − columns + 1): nothing is assumed of what lies outside.
        rtol: singular values up to this share of the largest count as zero in the pseudo-inverse, which is Moore and
            Penrose's of the blur without them: 1e-3, since the noise in what a blur all but wipes out would drown the
            rest. Exact for "circular" (one Fourier transform there and back) and for a "valid" product of a column and
            a row (Gaussian, box). Any other "valid" blur is inverted by conjugate gradients, which stop by the same
            rtol (see `conjugate_gradients`).

    Raises:
        ValueError: the kernel is no finite real matrix or larger than the image; the boundary is none of these; size,
            channels or rtol is out of range.

    Example:
        >>> from unseen.physics import gaussian_kernel
        >>> A = Blur(12, gaussian_kernel(1.0))
        >>> A, round(A(torch.ones(1, 1, 12, 12)).mean().item(), 5), round(A.norm(), 5)
        (Blur((1, 12, 12) -> (1, 12, 12)), 1.0, 1.0)
    """

    boundary: str
    rtol: float
    _kernel: Tensor  # (1, 1, rows, columns), float64
    _transfer: Tensor  # (height, width // 2 + 1), complex128: the kernel's spectrum
    _inverse: Tensor  # 1 / _transfer, or 0, without the columns of 0 at its end
    _product: Separable | None  # the same blur, where it is "valid" and separable
    _before: tuple[int, int]  # rows above and columns left of an image's first pixel that its sum reads
    _fast: bool  # "circular", separable and short: banded products in single precision on a CPU
    _down: Tensor  # `band` of the column, as the next three where `_fast`
    _right: Tensor
    _down_adjoint: Tensor
    _right_adjoint: Tensor

    def __init__(
        self,
        size: int | tuple[int, int],
        kernel: Tensor | NDArray[Any],  # Any: numbers of whatever precision
        *,
        channels: int = 1,
        boundary: Boundary = "circular",
        rtol: float = 1e-3,
    ) -> None:
        height, width = both_sides(size)
        check_channels(channels)
        check_rtol(rtol)
        kernel = as_tensor(kernel)
        if kernel.ndim != 2 or kernel.is_complex() or not kernel.numel() or not bool(torch.isfinite(kernel).all()):
            raise ValueError(
                "A kernel is a matrix (rows, columns) of finite real numbers, but got "
                f"{kernel.dtype} of shape {describe(tuple(kernel.shape))}."
            )
        rows, columns = kernel.shape
        if not (rows <= height and columns <= width):
            raise ValueError(
                f"A kernel is at most as large as the image ({height}, {width}), but got {describe((rows, columns))}."
            )
        if boundary not in get_args(Boundary):
            raise ValueError(f"boundary is {' or '.join(get_args(Boundary))}, but got {boundary!r}.")
        measured = (height, width) if boundary == "circular" else (height - rows + 1, width - columns + 1)
        super().__init__(domain=(channels, height, width), range=(channels, *measured))
        kernel = kernel.detach().cpu().double()
        around = functional.pad(kernel, (0, width - columns, 0, height - rows))
        transfer = torch.fft.rfft2(around.roll((-(rows // 2), -(columns // 2)), dims=(0, 1)))
        gain = transfer.abs()
        kept = gain > max(rtol, torch.finfo(gain.dtype).eps) * gain.max()
        self._set(
            boundary=boundary,
            rtol=rtol,
            _kernel=kernel[None, None].clone(),
            _transfer=transfer,
            _inverse=_without_last_zeros(torch.where(kept, 1 / transfer, 0)),
            _product=_as_product(kernel, (height, width), channels, rtol) if boundary == "valid" else None,
            _before=(rows - 1 - rows // 2, columns - 1 - columns // 2),
            _fast=False,
        )
        parts = _as_factors(kernel) if boundary == "circular" and suits((rows, columns), (height, width)) else None
        if parts is not None:
            down, right = parts
            self._set(
                _fast=True,
                _down=band(down),
                _right=band(right),
                _down_adjoint=band(down.flip(0)),
                _right_adjoint=band(right.flip(0)),
            )

    @property
    def kernel(self) -> Tensor:
        """A copy of the kernel: (rows, columns), float64."""
        return self._kernel[0, 0].clone()

    def _forward(self, x: Tensor) -> Tensor:
        if self._fast and x.is_cpu and x.dtype == torch.float32:
            return linear(x, self._banded, self._banded_adjoint)
        if self.boundary == "circular":
            return self._filtered(x, "_transfer", "_conjugate")
        if self._product is not None:
            return self._product(x)
        return functional.conv2d(x, self._flipped(x), groups=self.domain[0])

    def _adjoint(self, y: Tensor) -> Tensor:
        if self._fast and y.is_cpu and y.dtype == torch.float32:
            return linear(y, self._banded_adjoint, self._banded)
        if self.boundary == "circular":
            return self._filtered(y, "_conjugate", "_transfer")
        if self._product is not None:
            return self._product.adjoint(y)
        return functional.conv_transpose2d(y, self._flipped(y), groups=self.domain[0])

    def _pinv(self, y: Tensor) -> Tensor:
        if self.boundary == "circular":
            return self._filtered(y, "_inverse", "_inverse_conjugate")
        return solve_least_squares(self, y, rtol=self.rtol) if self._product is None else self._product.pinv(y)

    def norm(self) -> float:
        if self.boundary == "circular":
            return float(self._transfer.abs().max())
        return super().norm() if self._product is None else self._product.norm()

    @property
    def _conjugate(self) -> Tensor:
        return self._transfer.conj().resolve_conj()

    @property
    def _inverse_conjugate(self) -> Tensor:
        return self._inverse.conj().resolve_conj()

    def _flipped(self, like: Tensor) -> Tensor:
        """Return the kernel as conv2d, which correlates, takes it: (channels, 1, rows, columns)."""
        return self._on("_kernel", like).flip(-2, -1).expand(self.domain[0], -1, -1, -1)

    def _filtered(self, x: Tensor, transfer: str, adjoint: str) -> Tensor:
        """Return x times a transfer function, whose conjugate has the name `adjoint`.

        Several images on a CPU are filtered one by one: the spectrum of one stays in the cache.
        """
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        if wide.is_cpu and wide.shape[:2].numel() > 1:
            filtered = linear(
                wide, partial(self._one_by_one, transfer=transfer), partial(self._one_by_one, transfer=adjoint)
            )
        else:
            factor = self._on(transfer, wide, dtype=torch.promote_types(wide.dtype, torch.complex64))
            filtered = self._times(wide, factor)
        return filtered.to(x.dtype)

    def _times(self, x: Tensor, factor: Tensor, *, out: Tensor | None = None) -> Tensor:
        """Return x with its spectrum times a factor, whose missing columns are 0 and are not transformed."""
        width = self.domain[-1]
        spectrum = torch.fft.rfft(x)[..., : factor.shape[-1]]
        columns = torch.fft.fft(spectrum, dim=-2).mul_(factor)
        filtered: Tensor = torch.fft.irfft(torch.fft.ifft(columns, dim=-2), n=width, out=out)
        return filtered

    def _banded(self, x: Tensor) -> Tensor:
        return self._by_bands(x, "_down", "_right", self._before)

    def _banded_adjoint(self, y: Tensor) -> Tensor:
        rows, columns = self._kernel.shape[-2:]
        return self._by_bands(y, "_down_adjoint", "_right_adjoint", (rows // 2, columns // 2))

    def _by_bands(self, x: Tensor, down: str, right: str, before: tuple[int, int]) -> Tensor:
        bands = self._on(down, x), self._on(right, x)
        filtered = torch.empty_like(x, memory_format=torch.contiguous_format)
        for image, result in zip(x.flatten(0, 1), filtered.flatten(0, 1), strict=True):
            filter_circularly(image, *bands, before=before, result=result)
        return filtered

    def _one_by_one(self, x: Tensor, *, transfer: str) -> Tensor:
        factor = self._on(transfer, x, dtype=torch.promote_types(x.dtype, torch.complex64))
        filtered = torch.empty_like(x, memory_format=torch.contiguous_format)
        for image, result in zip(x.flatten(0, 1), filtered.flatten(0, 1), strict=True):
            self._times(image, factor, out=result)
        return filtered


def _as_product(kernel: Tensor, size: tuple[int, int], channels: int, rtol: float) -> Separable | None:
    """Return the valid blur by a kernel that is a column times a row; None where it is not."""
    factors = _as_factors(kernel)
    if factors is None:
        return None
    down, right = factors
    return Separable(_valid(down, size[0]), _valid(right, size[1]), channels=channels, rtol=rtol)


def _without_last_zeros(transfer: Tensor) -> Tensor:
    """Return the first columns of a transfer function, up to the last one that is not all 0; one at least."""
    used = transfer.abs().amax(dim=0).nonzero()
    return transfer[:, : int(used.max()) + 1 if len(used) else 1].clone()


def _as_factors(kernel: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return the column and the row whose product is the kernel, not negative where it is not; None: it is none."""
    left, values, right = torch.linalg.svd(kernel, full_matrices=False)
    if len(values) > 1 and values[1] > RANK_ONE * values[0]:
        return None
    share = values[0].sqrt()
    column, row = left[:, 0] * share, right[0] * share
    return (column.abs(), row.abs()) if bool((kernel >= 0).all()) else (column, row)


def _valid(kernel: Tensor, length: int) -> Tensor:
    """Return one-dimensional valid convolution as a matrix: (length − len(kernel) + 1, length)."""
    unit = torch.eye(length, dtype=torch.float64)
    return torch.stack(
        [kernel.flip(0) @ unit[start : start + len(kernel)] for start in range(length - len(kernel) + 1)]
    )
