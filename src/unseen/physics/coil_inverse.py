"""Pseudo-inverse of several MRI coils: row by row where possible, otherwise by conjugate gradients.

Both solve the normal equations A*A x = b, with A*A x = Σ_c conj(s_c) ⊙ F*(frequencies ⊙ F(s_c ⊙ x)). Where the
frequencies are whole lines, the transform across them cancels, and A*A acts on each row of the image by itself.
"""

from __future__ import annotations

import torch
from torch import Tensor

from unseen.physics.conjugate_gradients import StoppingRule

ROWS_AT_ONCE = 16
ROUNDING = 1e-14  # eigenvalues up to this share of the largest are rounding


def solve_normal_equations(
    b: Tensor, *, energy: Tensor, frequencies: Tensor, maps: Tensor, along: int | None, stop: StoppingRule
) -> Tensor:
    """Return the shortest x with A*A x = b.

    Conjugate gradients from x = 0 (Hestenes & Stiefel, J. Res. Nat. Bur. Stand. 49, 1952), two transforms a coil and
    step: one-dimensional ones where the frequencies are whole lines, and then each row has its own step lengths and is
    done by itself. ‖y − A x‖² falls with every step by (step length) · ‖A*(y − A x)‖², so that no y is needed.

    Args:
        b: (batch, 1, height, width), A* y for some y; real where images are.
        energy: (batch,), ‖y‖² of what was measured.
        frequencies: the mask, (1 or batch, 1, height, width), complex.
        maps: s, (1 or batch, coils, height, width), complex.
        along: the axis across the lines, -1 or -2; None: the frequencies are not whole lines.
        stop: when an image is done; each of its rows takes an equal share of ‖y − A x‖² as its own.

    Returns:
        x: (batch, 1, height, width).

    Warns:
        RuntimeWarning: some row or image was not done within the iterations.
    """
    coupled = (-2, -1) if along is None else (along,)
    scaled = frequencies / torch.Size([b.shape[axis] for axis in coupled]).numel()
    coils = [maps[:, coil : coil + 1].contiguous() for coil in range(maps.shape[1])]
    conjugates = [coil.conj().resolve_conj() for coil in coils]

    def normal(x: Tensor) -> Tensor:
        total = torch.zeros(b.shape, dtype=maps.dtype, device=b.device)
        for coil, conjugate in zip(coils, conjugates, strict=True):
            spectrum = torch.fft.fftn(x * coil, dim=coupled).mul_(scaled)
            total.addcmul_(torch.fft.ifftn(spectrum, dim=coupled, norm="forward"), conjugate)
        return total if b.is_complex() else total.real

    def squares(u: Tensor) -> Tensor:
        parts = torch.view_as_real(u).square().sum(dim=-1) if u.is_complex() else u.square()
        return parts.sum(dim=coupled, keepdim=True)

    def inner(u: Tensor, v: Tensor) -> Tensor:
        product = torch.view_as_real(u) * torch.view_as_real(v) if u.is_complex() else u * v
        return (product.sum(dim=-1) if u.is_complex() else product).sum(dim=coupled, keepdim=True)

    x, gradient, direction = torch.zeros_like(b), b.clone(), b.clone()
    start = square = squares(b)
    rows = start[0].numel()
    left = energy.reshape(-1, 1, 1, 1).to(start.dtype)
    for _ in range(stop.iterations):
        active = stop.unreached(square, left.clamp(min=0) / rows, start)
        if not bool(active.any()):
            return x
        image = normal(direction)
        step = torch.where(active, square / inner(direction, image), 0)
        x.addcmul_(direction, step.to(x.dtype))
        gradient.addcmul_(image, -step.to(x.dtype))
        left = left - (step * square).sum(dim=(1, 2, 3), keepdim=True)
        renewed = torch.where(active, squares(gradient), square)
        direction.mul_(torch.where(active, renewed / square, 0)).add_(gradient)
        square = renewed
    stop.warn(square, left.clamp(min=0) / rows, start, stacklevel=8)
    return x


def inverses_of_rows(mask: Tensor, *, maps: Tensor, along: int, real: bool, least: float) -> Tensor:
    """(A*A)⁺ of every row of the image, for a mask of whole lines.

    Of row h, A*A is circulant(F* mask) ⊙ (Σ_c conj(s_c) s_cᵀ), Hermitian, and of real images its real part; it is
    split into its eigenvectors in double precision.

    Args:
        mask: (1, 1, height, width), bool.
        maps: s, (1, coils, height, width), complex.
        along: the axis across the lines: -1, and rows are rows; -2, and rows are the image's columns.
        real: images are real.
        least: eigenvalues up to this one count as zero.

    Returns:
        (rows, n, n), n the length of a row; complex128, or float64 where images are real.
    """
    line = mask[0, 0, 0] if along == -1 else mask[0, 0, :, 0]
    sensitivities = maps[0].to(torch.complex128)
    by_row = (sensitivities if along == -1 else sensitivities.mT).movedim(0, 1)  # (rows, coils, n)
    place = torch.arange(len(line))
    circulant = torch.fft.ifft(line.double())[(place[:, None] - place) % len(line)]
    inverses = []
    for start in range(0, len(by_row), ROWS_AT_ONCE):
        rows = by_row[start : start + ROWS_AT_ONCE]
        normal = circulant * (rows.mH @ rows)
        values, vectors = torch.linalg.eigh(normal.real if real else normal)
        inverted = torch.where(values > max(least, ROUNDING * float(values.max())), 1 / values, 0)
        inverses.append((vectors * inverted[:, None]) @ vectors.mH)
    return torch.cat(inverses)
