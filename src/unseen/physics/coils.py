"""Several MRI coils: what each sees, and the pseudo-inverse of all together.

The pseudo-inverse of several coils: row by row where it can be, else by conjugate gradients.

Both solve the normal equations A*A x = b, with A*A x = Σ_c conj(s_c) ⊙ F*(frequencies ⊙ F(s_c ⊙ x)). Where the
frequencies are whole lines, the transform across them cancels, and A*A acts on each row of the image by itself.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from unseen.physics.algebra import describe
from unseen.physics.operator import Operator
from unseen.physics.pseudo_inverse import Stop


class CoilImages(Operator):
    """(A x)_c = s_c ⊙ x.

    Args:
        maps: sensitivities s, complex, (coils, height, width), or (batch, coils, height, width) with batch > 1 for maps
            of each image's own.
        real: images are real.

    Raises:
        ValueError: maps are not complex, have another shape, or are not finite.

    Example:
        >>> A = CoilImages(simulated_coils(16, coils=4))
        >>> A
        CoilImages((1, 16, 16) -> (4, 16, 16))
    """

    complex_range = True
    _maps: Tensor  # (1 or batch, coils, height, width), complex

    def __init__(self, maps: Tensor, *, real: bool = False) -> None:
        if maps.ndim not in (3, 4) or not maps.is_complex():
            raise ValueError(
                "Sensitivity maps are complex, (coils, height, width) or (batch, coils, height, width), but got "
                f"{maps.dtype} of shape {describe(tuple(maps.shape))}."
            )
        if not bool(torch.isfinite(torch.view_as_real(maps)).all()):
            raise ValueError("Sensitivity maps are finite, but some value is not. Set it to 0 where nothing is known.")
        whole = maps.detach().clone().reshape(-1, *maps.shape[-3:])
        super().__init__(
            domain=(1, *whole.shape[-2:]), range=tuple(whole.shape[1:]), batch=len(whole) if len(whole) > 1 else None
        )
        self._set(_maps=whole, complex_domain=not real)

    @property
    def maps(self) -> Tensor:
        """A copy of the maps: (1 or batch, coils, height, width), complex."""
        return self._maps.clone()

    def select(self, samples: Tensor) -> CoilImages:
        return self if self.batch is None else CoilImages(self._maps[samples], real=not self.complex_domain)

    def _forward(self, x: Tensor) -> Tensor:
        return x * self._on("_maps", x if x.is_complex() else x + 0j)

    def _adjoint(self, y: Tensor) -> Tensor:
        x = (y * self._on("_maps", y).conj()).sum(dim=1, keepdim=True)
        return x if self.complex_domain else x.real


def simulated_coils(size: int | tuple[int, int], *, coils: int, radius: float = 1.5) -> Tensor:
    """Sensitivities of coils that stand in a circle round the image (a birdcage), Σ_c |s_c|² = 1 at every pixel.

    The field of a coil falls with the distance from it, and its phase turns with the angle under which it is seen
    (after sigpy's `birdcage_maps`, Ong & Lustig 2019).

    Args:
        size: of the image, one number or (height, width).
        coils: how many, at least 1.
        radius: of the circle, in half widths of the image; above 1, the coils stand outside the image's edges.

    Returns:
        (coils, height, width), complex64.

    Raises:
        ValueError: coils is below 1, or radius is not above 1.

    Example:
        >>> bool(((simulated_coils(8, coils=3).abs() ** 2).sum(dim=0) - 1).abs().max() < 1e-6)
        True
    """
    if coils < 1 or not radius > 1:
        raise ValueError(f"There is at least 1 coil, at a radius above 1, but got coils={coils}, radius={radius}.")
    height, width = (size, size) if isinstance(size, int) else size
    down = torch.linspace(-1, 1, height, dtype=torch.float64)[:, None]
    right = torch.linspace(-1, 1, width, dtype=torch.float64)[None, :]
    maps = []
    for coil in range(coils):
        angle = 2 * math.pi * coil / coils
        x, y = right - radius * math.cos(angle), down - radius * math.sin(angle)
        distance = (x.square() + y.square()).sqrt()
        maps.append(torch.polar(1 / distance, torch.atan2(y, x) - angle))
    fields = torch.stack(maps)
    return (fields / fields.abs().square().sum(dim=0).sqrt()).to(torch.complex64)


ROWS_AT_ONCE = 16
ROUNDING = 1e-14  # eigenvalues up to this share of the largest are rounding


def solve_normal_equations(
    b: Tensor, *, energy: Tensor, frequencies: Tensor, maps: Tensor, along: int | None, stop: Stop
) -> Tensor:
    """The shortest x with A*A x = b.

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
