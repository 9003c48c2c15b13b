"""Generators: the interface, wrapped networks, and the linear one of principal components.

`Generator`: the interface of everything that maps a latent to an image.

The linear generator: G(z) = mean + Vᵀz, the first principal components of the training images.

Its range is an affine subspace, so the nearest point G(ẑ) to an image is a projection, ẑ = V(x − mean), and the
distance to the range is the residual's mean square: the floor that any learnt generator has to beat. Its images are
not held to [0, 1]: the range is all of the subspace.

Source: Pearson 1901; Tipping & Bishop, "Probabilistic principal component analysis", JRSS-B 61(3), 1999 (z ~ N(0,
diag(spread²))).
"""

from __future__ import annotations

import math
from typing import ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from unseen.physics.algebra import describe


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
        """Latents (n, *latent_shape) → images (n, channels, height, width)."""
        ...

    def latents(self, n: int, *, generator: torch.Generator) -> Tensor:
        """`n` latents drawn from the prior: (n, *latent_shape)."""
        ...

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """`n` images from the prior over latents: (n, channels, height, width)."""
        ...

    def penalty(self, z: Tensor) -> Tensor:
        """How unlikely latents (n, *latent_shape) are: (n,), ≥ 0, and 0 at the prior's mean."""
        ...


class Wrapped(nn.Module):
    """G(z) = (module(z) − low) / (high − low), in eval mode.

    Args:
        module: (n, *latent_shape) → (n, channels, height, width), each image of its own latent alone in eval mode.
            It is put into eval mode, and stays the caller's.
        latent_shape: of one latent, as the module takes it: (100, 1, 1) for a DCGAN decoder.
        values: (low, high), what the module's output means by black and white: (−1, 1) after a tanh.

    Raises:
        ValueError: the module does not take such latents, or does not give images.

    >>> G = Wrapped(nn.Sequential(nn.Linear(3, 64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8))), (3,), values=(-1, 1))
    >>> images = G.sample(2, generator=torch.Generator().manual_seed(0))
    >>> images.shape, bool((images >= 0).all())
    (torch.Size([2, 1, 8, 8]), True)
    """

    can_be_saved: ClassVar[bool] = False

    def __init__(
        self, module: nn.Module, latent_shape: tuple[int, ...], *, values: tuple[float, float] = (0.0, 1.0)
    ) -> None:
        super().__init__()
        low, high = values
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(f"values is what the module means by black and white, such as (-1, 1), but got {values}.")
        shape = tuple(latent_shape)
        if not shape or min(shape) < 1:
            raise ValueError(f"latent_shape is one latent's, such as (8,) or (100, 1, 1), but got {latent_shape}.")
        self.module, self.latent_shape, self.low, self.high = module.eval(), shape, float(low), float(high)
        weight = next(iter(module.parameters()), torch.zeros(()))
        try:
            with torch.no_grad():
                made = module(weight.new_zeros(2, *shape))
        except (RuntimeError, ValueError) as error:
            raise ValueError(
                f"the module does not take latents {describe((2, *shape))}: {str(error).splitlines()[0]}"
            ) from error
        if not isinstance(made, Tensor) or made.ndim != 4 or len(made) != 2 or not made.is_floating_point():
            seen = f"{made.dtype} of shape {describe(tuple(made.shape))}" if isinstance(made, Tensor) else type(made)
            raise ValueError(
                f"of latents {describe((2, *shape))} the module should make two real images (2, channels, height, "
                f"width), but made {seen}."
            )

    def forward(self, z: Tensor) -> Tensor:
        """Latents (n, *latent_shape) → images (n, channels, height, width).

        Raises:
            ValueError: the latents are of another shape.
        """
        if tuple(z.shape[1:]) != self.latent_shape:
            expected = ", ".join(["n", *map(str, self.latent_shape)])
            raise ValueError(f"latents of this generator are ({expected}), but got {describe(tuple(z.shape))}.")
        images: Tensor = (self.module(z) - self.low) / (self.high - self.low)
        return images

    def latents(self, n: int, *, generator: torch.Generator) -> Tensor:
        """z ~ N(0, I): (n, *latent_shape), on the device and in the precision of the weights."""
        drawn = torch.randn(n, *self.latent_shape, generator=generator)  # on the CPU: one seed, one draw everywhere
        weight = next(self.module.parameters(), None)
        return drawn if weight is None else drawn.to(weight)

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """`n` images of latents from the prior."""
        images: Tensor = self(self.latents(n, generator=generator))
        return images

    def penalty(self, z: Tensor) -> Tensor:
        """‖z‖²: (n,)."""
        return z.flatten(1).square().sum(dim=1)


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
        """From images (n, 1, size, size); needs n > components.

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
        """Latents (n, k) → images (n, 1, size, size)."""
        offset: torch.Tensor = z @ self.components  # (n, height·width)
        images: torch.Tensor = self.mean + offset.reshape(-1, *self.mean.shape)
        return images

    def latent(self, x: torch.Tensor) -> torch.Tensor:
        """Images (n, 1, size, size) → the latents of their nearest points in the range, (n, k)."""
        latent: torch.Tensor = (x - self.mean).flatten(1) @ self.components.T
        return latent

    def distance(self, x: torch.Tensor, *, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Mean squared residual to the range, over `inside` (n, 1, size, size) or the whole image: (n,)."""
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
