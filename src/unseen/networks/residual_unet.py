"""Residual U-Net: image to image, of the same range of values. It removes artefacts.

Source: Ronneberger, Fischer, Brox, "U-Net", MICCAI 2015 (form); Zhang et al., "Plug-and-play image restoration with
deep denoiser prior", IEEE TPAMI 44 (2022) (residual blocks without normalisation or bias).
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional


class ResidualUNet(nn.Module):
    """x ↦ x + U(x), (batch, channels, height, width) to the same shape; U begins at zero.

    No batch normalisation: an image's output depends on that image alone, in training too, as the risks of
    `unseen.losses` need it. No biases: twice the input gives twice the output, at whatever level the noise is. Any
    height and width; sides that 2**depth does not divide are continued by their last pixels, and cut again.

    Args:
        channels: of the image; a complex one has two for each (real, imaginary).
        features: channels at full size, doubling at each of the `depth` halvings, but no more than 128.
        depth: times that the image is halved.

    Raises:
        ValueError: no image of so many channels.

    >>> net = ResidualUNet()
    >>> sum(weight.numel() for weight in net.parameters()) <= 1_000_000
    True
    >>> x = torch.rand(2, 1, 30, 31)
    >>> torch.equal(net(x), x)
    True
    """

    def __init__(self, *, channels: int = 1, features: int = 24, depth: int = 3) -> None:
        super().__init__()
        widths = [min(features * 2**level, max(128, features)) for level in range(depth + 1)]
        self.channels = channels
        self.stem = nn.Conv2d(channels, features, 3, padding=1, bias=False)
        self.downs = nn.ModuleList(_ResidualBlock(width) for width in widths)
        self.narrow = nn.ModuleList(nn.Conv2d(a, b, 2, 2, bias=False) for a, b in pairwise(widths))
        self.widen = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2, bias=False) for a, b in pairwise(widths))
        self.ups = nn.ModuleList(_ResidualBlock(width) for width in widths[:-1])
        self.head = nn.Conv2d(features, channels, 3, padding=1, bias=False)
        self.divisor = 2**depth
        nn.init.zeros_(self.head.weight)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 4 or x.shape[1] != self.channels:
            raise ValueError(
                f"this network takes (batch, {self.channels}, height, width), but got ({', '.join(map(str, x.shape))})"
            )
        height, width = x.shape[-2:]
        whole = functional.pad(x, (0, -width % self.divisor, 0, -height % self.divisor), mode="replicate")
        u = self.stem(whole)
        skips: list[Tensor] = []
        for down, narrow in zip(self.downs, self.narrow, strict=False):
            u = down(u)
            skips.append(u)
            u = narrow(u)
        u = self.downs[-1](u)  # (batch, features·2^depth, height/2^depth, width/2^depth)
        for widen, up in zip(reversed(self.widen), reversed(self.ups), strict=True):
            u = up(widen(u) + skips.pop())
        residual: Tensor = self.head(u)[..., :height, :width]
        return x + residual  # at x's precision: what bfloat16 rounds is the correction alone


class _ResidualBlock(nn.Module):
    """u + conv(relu(conv(u)))."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(features, features, 3, padding=1, bias=False)
        self.second = nn.Conv2d(features, features, 3, padding=1, bias=False)

    def forward(self, u: Tensor) -> Tensor:
        v: Tensor = self.second(torch.relu(self.first(u)))
        return u + v
