"""Detector `dae`: a U-Net trained to remove coarse noise.

It also removes what looks like such noise in an abnormal film.

    loss = mean over the mask of (f(x + n) − x)²,   n = coarse noise inside the mask;     marks = (x − f(x))²

n is drawn on a 16 × 16 grid from N(0, 0.2²), brought to the image's size bilinearly and rolled by a random offset.

Source: Kascenas, Pugeault & O'Neil, "Denoising autoencoders for unsupervised anomaly detection in brain MRI", MIDL
2022, section 2. Differs: squares inside the lung mask in the place of the brain's, no filter over the residual.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from unseen.detectors.restorer import Restorer, RestorerSettings, mean_inside
from unseen.networks.unet import UNet


class Dae(Restorer):
    """Denoising autoencoder with coarse noise.

    >>> Dae(size=64).config.sigma
    0.2
    """

    key = "dae"

    class Config(RestorerSettings):
        """σ and grid are the paper's."""

        features: int = Field(default=16, ge=4, le=256, description="channels at full size, doubling at each halving")
        sigma: float = Field(
            default=0.2, gt=0, le=10, description="σ of the coarse noise", json_schema_extra={"unit": "network units"}
        )
        grid: int = Field(default=16, ge=1, le=1024, description="side of the grid that the noise is drawn on")

    config: Config

    def build(self) -> nn.Module:
        return UNet(features=self.config.features, depth=3)

    def corrupt(self, x: Tensor, inside: Tensor, rng: torch.Generator) -> Tensor:
        return x + coarse_noise(x, sigma=self.config.sigma, grid=self.config.grid, generator=rng) * inside

    def loss(self, output: Tensor, x: Tensor, inside: Tensor) -> Tensor:
        return mean_inside((output - x).square(), inside)

    def marks(self, output: Tensor, x: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        return (x - output).square(), output


def coarse_noise(like: Tensor, *, sigma: float, grid: int, generator: torch.Generator) -> Tensor:
    """N(0, σ²) on `grid` × `grid` points, interpolated bilinearly to the images' size and rolled: `like`'s shape,
    (batch, 1, size, size)."""
    batch, channels, height, width = like.shape
    drawn = sigma * torch.randn(batch, channels, grid, grid, generator=generator)
    offsets = torch.stack([torch.randint(side, (batch,), generator=generator) for side in (height, width)])
    noise = functional.interpolate(drawn.to(like), size=(height, width), mode="bilinear")
    return torch.stack(
        [torch.roll(one, tuple(by), dims=(1, 2)) for one, by in zip(noise, offsets.T.tolist(), strict=True)]
    )
