"""What the coils of a scanner see: the picture, weighted by each coil's sensitivity."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from unseen.physics.algebra import describe
from unseen.physics.operator import Operator


class CoilImages(Operator):
    """(A x)_c = s_c ⊙ x.

    Args:
        maps: sensitivities s, complex, (coils, height, width), or (batch, coils, height, width) with batch > 1 for maps
            of each picture's own.
        real: pictures are real.

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
    """Sensitivities of coils that stand in a circle round the picture (a birdcage), Σ_c |s_c|² = 1 at every pixel.

    The field of a coil falls with the distance from it, and its phase turns with the angle under which it is seen
    (after sigpy's `birdcage_maps`, Ong & Lustig 2019).

    Args:
        size: of the picture, one number or (height, width).
        coils: how many, at least 1.
        radius: of the circle, in half widths of the picture; above 1, the coils stand outside the picture's edges.

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
