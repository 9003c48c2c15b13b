"""`Generator`: the interface of everything that maps a latent to a picture."""

from __future__ import annotations

from typing import Protocol

import torch


class Generator(Protocol):
    """G(z) → x.

    Law: `sample(n, generator=g)` equals `G(z)` for n latents drawn from the prior with `g`; one picture per latent,
    independent of the others.
    """

    latent_shape: tuple[int, ...]

    def __call__(self, z: torch.Tensor) -> torch.Tensor:
        """Latents (n, *latent_shape) → pictures (n, channels, height, width)."""
        ...

    def sample(self, n: int, *, generator: torch.Generator) -> torch.Tensor:
        """`n` pictures from the prior over latents."""
        ...
