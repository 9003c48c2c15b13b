"""Beer and Lambert's law: X-rays that pass through matter are weakened exponentially."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from unseen.physics.link import Link


class BeerLambert(Link):
    """u = I0 · exp(−p),  and back  p = log(I0 / max(y, 1)).

    p is the line integral of the attenuation (no unit), I0 the count of photons a detector element sees without
    anything in the way. Fewer than one count tells nothing more, hence the max.

    Args:
        I0: > 0, in counts.

    Raises:
        ValueError: I0 is not a finite number above 0.

    Example:
        >>> import torch
        >>> link = BeerLambert(1e5)
        >>> round(link(torch.tensor(1.0)).item()), round(link.inverse(link(torch.tensor(1.0))).item(), 4)
        (36788, 1.0)
    """

    def __init__(self, I0: float) -> None:
        if not (math.isfinite(I0) and I0 > 0):
            raise ValueError(f"I0 is a count of photons, finite and above 0, but got {I0}.")
        self._I0 = float(I0)

    @property
    def I0(self) -> float:
        """Counts without anything in the way."""
        return self._I0

    def __repr__(self) -> str:
        return f"BeerLambert(I0={self._I0:g})"

    def __call__(self, p: Tensor) -> Tensor:
        return self._I0 * torch.exp(-p)

    def inverse(self, y: Tensor) -> Tensor:
        return math.log(self._I0) - torch.log(y.clamp(min=1.0))
