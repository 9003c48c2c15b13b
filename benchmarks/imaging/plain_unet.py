"""The U-Net that both sides train: deepinv's default one, layer by layer, without deepinv (8,563,522 parameters).

Two convolutions with batch normalisation at each of four scales, 64 to 512 features; up by nearest neighbours; the
input is added to the output.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

WIDTHS = (64, 128, 256, 512)


class PlainUNet(nn.Module):
    """(batch, channels, height, width) to the same shape; sides divide by 8."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.downs = nn.ModuleList(_twice(a, b) for a, b in zip((channels, *WIDTHS), WIDTHS, strict=False))
        self.widen = nn.ModuleList(
            nn.Sequential(nn.Upsample(scale_factor=2), *_once(b, a)) for a, b in pairwise(WIDTHS)
        )
        self.ups = nn.ModuleList(_twice(2 * width, width) for width in WIDTHS[:-1])
        self.halve = nn.MaxPool2d(2)
        self.head = nn.Conv2d(WIDTHS[0], channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        u, skips = x, []
        for down in self.downs:
            u = down(u if u is x else self.halve(u))
            skips.append(u)
        u = skips.pop()
        for widen, up in zip(reversed(self.widen), reversed(self.ups), strict=True):
            u = up(torch.cat([skips.pop(), widen(u)], dim=1))
        change: Tensor = self.head(u)
        return x + change


def _once(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]


def _twice(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(*_once(before, after), *_once(after, after))
