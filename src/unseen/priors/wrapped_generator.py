"""Generator made of a given network."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from unseen.physics.tensor_products import describe
from unseen.priors.generator import StandardNormalGenerator


class Wrapped(StandardNormalGenerator):
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
        """Map latents (n, *latent_shape) to images (n, channels, height, width).

        Raises:
            ValueError: the latents are of another shape.
        """
        if tuple(z.shape[1:]) != self.latent_shape:
            expected = ", ".join(["n", *map(str, self.latent_shape)])
            raise ValueError(f"latents of this generator are ({expected}), but got {describe(tuple(z.shape))}.")
        images: Tensor = (self.module(z) - self.low) / (self.high - self.low)
        return images
