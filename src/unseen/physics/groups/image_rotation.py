"""Interpolation that rotates an image: bilinear, or by three shears."""

import math
from typing import Any

import torch
from scipy.fft import next_fast_len
from torch import Tensor
from torch.nn import functional


def turn_bilinear(x: Tensor, degrees: Tensor) -> Tensor:
    """x turned anticlockwise, each pixel a mean of the four around the place it comes from.

    Args:
        x: (batch, channels, size, size), real or complex.
        degrees: (batch,), float64, on the CPU.
    """
    if x.is_complex():
        parts = torch.cat([x.real, x.imag], dim=1)
        real, imaginary = turn_bilinear(parts, degrees).chunk(2, dim=1)
        return torch.complex(real, imaginary)
    precision = torch.promote_types(x.dtype, torch.float32)
    cosine, sine = torch.cos(torch.deg2rad(degrees)), torch.sin(torch.deg2rad(degrees))
    zero = torch.zeros_like(cosine)
    matrices = torch.stack([cosine, -sine, zero, sine, cosine, zero], dim=1).reshape(-1, 2, 3)
    with torch.autocast(x.device.type, enabled=False):
        grid = functional.affine_grid(matrices.to(x.device, precision), list(x.shape), align_corners=False)
        return functional.grid_sample(x.to(precision), grid, mode="bilinear", align_corners=False).to(x.dtype)


def turn_by_shears(x: Tensor, degrees: Tensor) -> Tensor:
    """x turned anticlockwise by three shears, along rows, columns and rows, each a shift of lines by the Fourier
    transform:

        turning by θ = shear along rows by −tan(θ/2) · along columns by sin θ · along rows by −tan(θ/2)

    Lines are periodic and of an odd length, and so lose nothing when they are shifted; rows are padded by zeros, so
    that no line comes round into the image. What is lost is what is turned out of the image, by itself or by
    ringing: edges that are sharper than the grid ring, as with any ideal interpolation. Pixels that come from outside
    the image are set to zero.

    Args:
        x: (batch, channels, size, size), real or complex.
        degrees: (batch,), from -45 to 45, float64, on the CPU.

    Source: M. Unser, P. Thévenaz & L. Yaroslavsky, Convolution-based interpolation for fast, high-quality rotation of
    images, IEEE TIP 4 (1995) 1371–1381.
    """
    size = x.shape[-1]
    dtype = torch.promote_types(x.dtype, torch.float32)
    precision = torch.empty(0, dtype=dtype).real.dtype
    theta = torch.deg2rad(degrees).to(x.device, precision)[:, None, None, None]  # (batch, 1, 1, 1)
    width = _odd_length(size + math.ceil(size * math.tan(math.pi / 8)))
    height = _odd_length(size)
    row = torch.arange(size, device=x.device, dtype=precision) - (size - 1) / 2
    margin = (width - size) // 2  # the last `margin` columns lie left of the first
    column = torch.arange(width, device=x.device, dtype=precision).add(margin).remainder(width) - margin
    along = -torch.tan(theta / 2) * row[:, None]  # (batch, 1, size, 1)
    across = torch.sin(theta) * (column - (size - 1) / 2)  # (batch, 1, 1, width)

    row_phases = _phases(along, width, dim=-1, whole=x.is_complex())
    sheared = _shift(x.to(dtype), row_phases, width, kept=width, dim=-1)  # (batch, channels, size, width)
    column_phases = _phases(across, height, dim=-2, whole=x.is_complex())
    sheared = _shift(sheared, column_phases, height, kept=size, dim=-2)
    sheared = _shift(sheared, row_phases, width, kept=size, dim=-1)
    return (sheared * from_inside(theta, row)).to(x.dtype)


def _odd_length(least: int) -> int:
    """Return the first odd length that is quick to transform."""
    length = int(next_fast_len(least))
    return length if length % 2 else _odd_length(length + 1)


def _phases(shift: Tensor, length: int, *, dim: int, whole: bool) -> Tensor:
    """exp(2πi f s) for lines that are read s pixels further on.

    Args:
        shift: s: (batch, 1, height, 1) or (batch, 1, 1, width).
        length: of the lines, which lie along `dim`.
        dim: -1 or -2.
        whole: all frequencies, for complex lines; else those that are not negative.
    """
    spectrum = torch.fft.fftfreq if whole else torch.fft.rfftfreq
    frequencies: Tensor = spectrum(length, dtype=shift.dtype, device=shift.device)
    angle = 2 * math.pi * shift * frequencies.reshape((-1,) + (1,) * (-1 - dim))
    return torch.polar(torch.ones_like(angle), angle)


class _Shift(torch.autograd.Function):
    """Lines made `length` long by zeros and shifted. Shifts of odd length are orthogonal, so the adjoint shifts back
    and cuts; torch would go by way of transforms twice as long.
    """

    @staticmethod
    def forward(lines: Tensor, phases: Tensor, length: int, kept: int, dim: int) -> Tensor:
        """Return the first `kept` entries of each shifted line."""
        shifted: Tensor
        if lines.is_complex():
            shifted = torch.fft.ifft(torch.fft.fft(lines, n=length, dim=dim) * phases, dim=dim)
        else:
            shifted = torch.fft.irfft(torch.fft.rfft(lines, n=length, dim=dim) * phases, n=length, dim=dim)
        return shifted.narrow(dim, 0, kept)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, int, int, int], output: Tensor) -> None:
        lines, phases, ctx.length, _, ctx.dim = inputs  # Any: torch's context has no type of its own
        ctx.save_for_backward(phases)
        ctx.kept = lines.shape[ctx.dim]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        (phases,) = ctx.saved_tensors
        return _shift(gradients[0], phases.conj(), ctx.length, kept=ctx.kept, dim=ctx.dim), None, None, None, None


def _shift(lines: Tensor, phases: Tensor, length: int, *, kept: int, dim: int) -> Tensor:
    shifted: Tensor = _Shift.apply(lines, phases, length, kept, dim)  # type: ignore[no-untyped-call]
    return shifted


def from_inside(theta: Tensor, place: Tensor) -> Tensor:
    """Return the pixels that come from inside the image: (batch, 1, size, size), bool."""
    cosine, sine, edge = torch.cos(theta), torch.sin(theta), len(place) / 2
    row, column = place[:, None], place
    return ((cosine * column - sine * row).abs() <= edge) & ((sine * column + cosine * row).abs() <= edge)
