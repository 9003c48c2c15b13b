"""Linear generator: G(z) = mean + Vᵀz, the first principal components of the training images.

Its range is an affine subspace, so the nearest point G(ẑ) to an image is a projection, ẑ = V(x − mean), and the
distance to the range is the residual's mean square: the floor that any learnt generator has to beat. Its images are
not held to [0, 1]: the range is all of the subspace.

Source: Pearson 1901; Tipping & Bishop, "Probabilistic principal component analysis", JRSS-B 61(3), 1999 (z ~ N(0,
diag(spread²))).
"""

from __future__ import annotations

import torch
from torch import nn


class PrincipalSubspace(nn.Module):
    """Fitted by `PrincipalSubspace.fit`, or empty with the right shapes, to load a state into.

    mean (1, height, width); components (k, height·width), orthonormal rows; spread (k,) standard deviations of z.

    Args:
        size: side of an image, in pixels.
        components: k, dimensions of the subspace.
    """

    mean: torch.Tensor
    components: torch.Tensor
    spread: torch.Tensor

    def __init__(self, size: int, *, components: int) -> None:
        super().__init__()
        self.latent_shape: tuple[int, ...] = (components,)
        self.register_buffer("mean", torch.zeros(1, size, size))
        self.register_buffer("components", torch.zeros(components, size * size))
        self.register_buffer("spread", torch.zeros(components))

    @classmethod
    def fit(cls, images: torch.Tensor, *, components: int) -> PrincipalSubspace:
        """Fit to images (n, 1, size, size); needs n > components.

        >>> images = torch.randn(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
        >>> subspace = PrincipalSubspace.fit(images, components=19)
        >>> subspace.distance(images).max().item() < 1e-9
        True
        """
        n = len(images)
        if n <= components:
            raise ValueError(f"{components} principal components need more than {components} training films; got {n}")
        subspace = cls(images.shape[-1], components=components)
        flat = images.flatten(1).double()
        subspace.mean = flat.mean(0).reshape(images.shape[1:]).float()
        _, singular, rows = torch.linalg.svd(flat - flat.mean(0), full_matrices=False)
        subspace.components = rows[:components].float().contiguous()
        subspace.spread = (singular[:components] / (n - 1) ** 0.5).float()
        return subspace

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Map latents (n, k) to images (n, 1, size, size)."""
        offset: torch.Tensor = z @ self.components  # (n, height·width)
        images: torch.Tensor = self.mean + offset.reshape(-1, *self.mean.shape)
        return images

    def latent(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (n, 1, size, size) to the latents of their nearest points in the range, (n, k)."""
        latent: torch.Tensor = (x - self.mean).flatten(1) @ self.components.T
        return latent

    def distance(self, x: torch.Tensor, *, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Return the mean squared residual to the range, over `inside` (n, 1, size, size) or the whole image: (n,)."""
        weight = torch.ones_like(x) if inside is None else inside.to(x.dtype)
        squares = weight * (x - self.forward(self.latent(x))) ** 2
        return squares.flatten(1).sum(1) / weight.flatten(1).sum(1).clamp(min=1)

    def latents(self, n: int, *, generator: torch.Generator) -> torch.Tensor:
        """`n` latents from z ~ N(0, diag(spread²)): (n, k)."""
        drawn = torch.randn(n, *self.latent_shape, generator=generator)  # on the CPU: one seed, one draw everywhere
        return drawn.to(self.spread) * self.spread

    def sample(self, n: int, *, generator: torch.Generator) -> torch.Tensor:
        """`n` images with z ~ N(0, diag(spread²))."""
        images: torch.Tensor = self.forward(self.latents(n, generator=generator))
        return images

    def penalty(self, z: torch.Tensor) -> torch.Tensor:
        """‖z / spread‖², (n,): infinite off the training images' span, where a spread is 0."""
        return (z / self.spread.clamp(min=torch.finfo(self.spread.dtype).tiny)).square().sum(dim=1)
