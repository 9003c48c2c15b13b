"""Generator: interface of everything that maps a latent to an image; base of those with standard normal latents."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn


@runtime_checkable
class Generator(Protocol):
    """G(z) → x, and the prior of z.

    Law, in eval mode, which the contract tests check for every generator of `unseen.priors.GENERATORS`:

    - one image per latent, independent of the others; differentiable in z;
    - `sample(n, generator=g)` equals `G(G.latents(n, generator=g))`;
    - `penalty(z)` is twice the prior's −log p(z), but for a constant: ‖z‖² where the prior is N(0, I);
    - images are real and lie in [0, 1], unless the generator states otherwise.

    Example:
        >>> from unseen.priors import VAE
        >>> G: Generator = VAE(latent=8, size=32, features=4)
        >>> G(G.latents(2, generator=torch.Generator().manual_seed(0))).shape
        torch.Size([2, 1, 32, 32])
    """

    latent_shape: tuple[int, ...]

    def __call__(self, z: Tensor) -> Tensor:
        """Map latents (n, *latent_shape) to images (n, channels, height, width)."""
        ...

    def latents(self, n: int, *, generator: torch.Generator) -> Tensor:
        """`n` latents drawn from the prior: (n, *latent_shape)."""
        ...

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """`n` images from the prior over latents: (n, channels, height, width)."""
        ...

    def penalty(self, z: Tensor) -> Tensor:
        """Return how unlikely latents (n, *latent_shape) are: (n,), ≥ 0, and 0 at the prior's mean."""
        ...


class StandardNormalGenerator(nn.Module):
    """Base of generators whose latents are standard normal: z ~ N(0, I)."""

    latent_shape: tuple[int, ...]

    def latents(self, n: int, *, generator: torch.Generator) -> Tensor:
        """z ~ N(0, I): (n, *latent_shape), on the device and in the precision of the weights."""
        drawn = torch.randn(n, *self.latent_shape, generator=generator)  # on the CPU: one seed, one draw everywhere
        weight = next(self.parameters(), None)
        return drawn if weight is None else drawn.to(weight)

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """`n` images of latents from the prior: (n, channels, height, width)."""
        images: Tensor = self(self.latents(n, generator=generator))
        return images

    def penalty(self, z: Tensor) -> Tensor:
        """‖z‖²: (n,)."""
        return z.flatten(1).square().sum(dim=1)
