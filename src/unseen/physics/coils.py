"""Several MRI coils: the image as each coil sees it."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from unseen.physics.numpy_arrays import as_tensor
from unseen.physics.operator import Operator
from unseen.physics.tensor_products import describe


class CoilImages(Operator):
    """(A x)_c = s_c ⊙ x.

    Args:
        maps: sensitivities s, complex, (coils, height, width), or (batch, coils, height, width) with batch > 1 for maps
            of each image's own.
        real: images are real.

    Raises:
        ValueError: maps are not complex, have another shape, or are not finite.

    Example:
        >>> from unseen.physics import simulated_coils
        >>> A = CoilImages(simulated_coils(16, coils=4))
        >>> A
        CoilImages((1, 16, 16) -> (4, 16, 16))
    """

    complex_range = True
    _maps: Tensor  # (1 or batch, coils, height, width), complex

    # Any: numbers of whatever precision
    def __init__(self, maps: Tensor | NDArray[Any], *, real: bool = False) -> None:
        given: object = maps
        if isinstance(given, int):
            raise TypeError(
                f"Sensitivity maps are arrays, such as simulated_coils(size, coils={given}), but got {given}."
            )
        maps = as_tensor(maps)
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
