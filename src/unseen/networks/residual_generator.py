"""Residual generator and critic of WGAN-GP, for squares from 16 pixels up.

    generator   z → linear → 4×4, then blocks that double the side: x + (BatchNorm, ReLU, 3×3) twice; BatchNorm, ReLU,
                3×3, tanh
    critic      3×3, then blocks that halve the side: x + (LayerNorm, ReLU, 3×3) twice; linear

At 64 pixels the widths are 8, 8, 4, 2 and 1 times `features`. LayerNorm normalises an image by itself, over all its
channels and places, with a scale and a shift a channel: a GroupNorm of one group.

Source: Gulrajani, Ahmed, Arjovsky, Dumoulin & Courville, "Improved training of Wasserstein GANs", NeurIPS 2017,
appendix F (the 64 × 64 network); as f-AnoGAN (Schlegl et al., Medical Image Analysis 2019) has it.
"""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional


class ResidualGenerator(nn.Module):
    """Latent (batch, latent, 1, 1) → image (batch, 1, size, size) in [−1, 1].

    Args:
        size: side of an image in pixels, a power of two from 16 up.
        features: channels at full size.
        latent: length of the latent.

    >>> import torch
    >>> ResidualGenerator(64, features=4, latent=16)(torch.zeros(2, 16, 1, 1)).shape
    torch.Size([2, 1, 64, 64])
    """

    def __init__(self, size: int, *, features: int, latent: int) -> None:
        super().__init__()
        widths = _widths(size, features)[::-1]
        self.start = nn.Linear(latent, widths[0] * 16)
        self.blocks = nn.Sequential(*(_Up(wide, narrow) for wide, narrow in pairwise(widths)))
        self.end = nn.Sequential(
            nn.BatchNorm2d(features), nn.ReLU(inplace=True), nn.Conv2d(features, 1, 3, padding=1), nn.Tanh()
        )

    def forward(self, z: Tensor) -> Tensor:
        started = self.start(z.flatten(1))
        image: Tensor = self.end(self.blocks(started.reshape(len(z), -1, 4, 4)))
        return image


class ResidualCritic(nn.Module):
    """Image (batch, 1, size, size) → f, the features before the last layer, (batch, widest, 4, 4), and `outputs`
    numbers an image, (batch, outputs): a score, or a code.

    Args:
        size: side of an image in pixels, a power of two from 16 up.
        features: channels at full size.
        outputs: numbers per image: 1 for a score, the latent's length for a code.

    >>> import torch
    >>> features, score = ResidualCritic(64, features=4)(torch.zeros(2, 1, 64, 64))
    >>> features.shape, score.shape
    (torch.Size([2, 32, 4, 4]), torch.Size([2, 1]))
    """

    def __init__(self, size: int, *, features: int, outputs: int = 1) -> None:
        super().__init__()
        widths = _widths(size, features)
        self.start = nn.Conv2d(1, features, 3, padding=1)
        self.blocks = nn.Sequential(*(_Down(narrow, wide) for narrow, wide in pairwise(widths)))
        self.head = nn.Linear(widths[-1] * 16, outputs)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.blocks(self.start(x))
        return features, self.head(features.flatten(1))


class _Up(nn.Module):
    """Doubles the side."""

    def __init__(self, wide: int, narrow: int) -> None:
        super().__init__()
        self.straight = nn.Conv2d(wide, narrow, 1)
        self.norms = nn.ModuleList([nn.BatchNorm2d(wide), nn.BatchNorm2d(narrow)])
        self.first = nn.Conv2d(wide, narrow, 3, padding=1, bias=False)
        self.second = nn.Conv2d(narrow, narrow, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        u = self.first(_doubled(functional.relu(self.norms[0](x))))
        u = self.second(functional.relu(self.norms[1](u)))
        doubled: Tensor = self.straight(_doubled(x)) + u
        return doubled


class _Down(nn.Module):
    """Halves the side."""

    def __init__(self, narrow: int, wide: int) -> None:
        super().__init__()
        self.straight = nn.Conv2d(narrow, wide, 1)
        self.norms = nn.ModuleList([nn.GroupNorm(1, narrow), nn.GroupNorm(1, narrow)])
        self.first = nn.Conv2d(narrow, narrow, 3, padding=1, bias=False)
        self.second = nn.Conv2d(narrow, wide, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        u = self.first(functional.relu(self.norms[0](x)))
        u = self.second(functional.relu(self.norms[1](u)))
        halved: Tensor = self.straight(functional.avg_pool2d(x, 2)) + functional.avg_pool2d(u, 2)
        return halved


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


def _widths(size: int, features: int) -> list[int]:
    """Channels from full size down to 4×4: 1, 2, 4, 8, 8 times the features at 64 pixels."""
    halvings = size.bit_length() - 3
    if size < 16 or size & (size - 1):
        raise ValueError(f"size is {size}; these networks need a power of two from 16 up, such as 64, 128 or 256")
    return [features << min(level, halvings - 1) for level in range(halvings + 1)]
