"""`Generator`: the interface of everything that maps a latent to a picture."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor


@runtime_checkable
class Generator(Protocol):
    """G(z) → x, and the prior of z.

    Law, in eval mode, which the contract tests check for every generator of `unseen.priors.GENERATORS`:

    - one picture per latent, independent of the others; differentiable in z;
    - `sample(n, generator=g)` equals `G(G.latents(n, generator=g))`;
    - `penalty(z)` is twice the prior's −log p(z), but for a constant: ‖z‖² where the prior is N(0, I);
    - pictures are real and lie in [0, 1], unless the generator says otherwise.
    """

    latent_shape: tuple[int, ...]

    def __call__(self, z: Tensor) -> Tensor:
        """Latents (n, *latent_shape) → pictures (n, channels, height, width)."""
        ...

    def latents(self, n: int, *, generator: torch.Generator) -> Tensor:
        """`n` latents drawn from the prior: (n, *latent_shape)."""
        ...

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """`n` pictures from the prior over latents: (n, channels, height, width)."""
        ...

    def penalty(self, z: Tensor) -> Tensor:
        """How unlikely latents (n, *latent_shape) are: (n,), ≥ 0, and 0 at the prior's mean."""
        ...
