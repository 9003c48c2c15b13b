"""Generators small enough for closed forms and grids, in double precision; they count their calls."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from unseen.networks.dcgan import DcganDecoder


class Counted:
    """Counts calls and the latents in them; z ~ N(0, I)."""

    def __init__(self, latent: int, dtype: torch.dtype = torch.float64) -> None:
        self.latent_shape: tuple[int, ...] = (latent,)
        self.dtype = dtype
        self.calls: list[int] = []

    def __call__(self, z: Tensor) -> Tensor:
        self.calls.append(len(z))
        return self.images(z)

    def images(self, z: Tensor) -> Tensor:
        raise NotImplementedError

    def latents(self, n: int, *, generator: torch.Generator) -> Tensor:
        return torch.randn(n, *self.latent_shape, generator=generator, dtype=self.dtype)

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        return self(self.latents(n, generator=generator))

    def penalty(self, z: Tensor) -> Tensor:
        return z.square().sum(1)


class Bent(Counted):
    """½ + ½ tanh(W₂ sin(W₁ z) + b): smooth, with several minima.

    Each image is summed in the same order whatever its batch mates, which a matrix product does not promise: between
    two minima the last bit decides.
    """

    def __init__(self, latent: int = 2, size: int = 6, *, seed: int = 0) -> None:
        super().__init__(latent)
        rng = torch.Generator().manual_seed(seed)
        self.size = size
        self.inner = 0.8 * torch.randn(latent, 12, generator=rng, dtype=torch.float64)
        self.outer = 0.4 * torch.randn(12, size**2, generator=rng, dtype=torch.float64)
        self.shift = 0.3 * torch.randn(12, generator=rng, dtype=torch.float64)

    def images(self, z: Tensor) -> Tensor:
        bends = torch.sin((z[:, :, None] * self.inner).sum(1) + self.shift)
        flat = torch.tanh((bends[:, :, None] * self.outer).sum(1))
        return (0.5 + 0.5 * flat).reshape(-1, 1, self.size, self.size)


class Straight(Counted):
    """mean + V z."""

    def __init__(self, latent: int = 3, size: int = 6, *, seed: int = 0) -> None:
        super().__init__(latent)
        rng = torch.Generator().manual_seed(seed)
        self.size = size
        self.rows = torch.randn(latent, size**2, generator=rng, dtype=torch.float64)
        self.mean = torch.rand(size**2, generator=rng, dtype=torch.float64)

    def images(self, z: Tensor) -> Tensor:
        return (self.mean + z @ self.rows).reshape(-1, 1, self.size, self.size)


class Convolutional(Counted):
    """The DCGAN decoder at 32², its BatchNorm's averages taken from its own random activations."""

    def __init__(self, *, features: int = 8, seed: int = 0) -> None:
        super().__init__(8, torch.float32)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = DcganDecoder(32, features=features, latent=8)
            for layer in self.network.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.momentum = None  # the plain average
            with torch.no_grad():
                for _ in range(5):
                    self.network(torch.randn(64, 8, 1, 1))
        self.network.eval().requires_grad_(False)

    def images(self, z: Tensor) -> Tensor:
        images: Tensor = (self.network(z[..., None, None]) + 1) / 2
        return images
