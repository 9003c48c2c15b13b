"""U-Net with padded convolutions and BatchNorm: image to logits of masks.

Source: Ronneberger, Fischer, Brox, "U-Net", MICCAI 2015; padded convolutions and BatchNorm instead of its cropping.
"""

from itertools import pairwise

import torch
from torch import nn


class UNet(nn.Module):
    """(batch, inputs, height, width) → (batch, outputs, height, width) logits; sides must divide by 2**depth.

    Args:
        features: channels at full size; they double at each halving.
        depth: times that the image is halved.
        inputs: channels of the input.
        outputs: channels of the output.

    >>> UNet(features=4, depth=3)(torch.zeros(2, 1, 64, 64)).shape
    torch.Size([2, 1, 64, 64])
    """

    def __init__(self, *, features: int = 16, depth: int = 4, inputs: int = 1, outputs: int = 1) -> None:
        super().__init__()
        widths = [features * 2**level for level in range(depth + 1)]
        self.downs = nn.ModuleList(_block(a, b) for a, b in zip([inputs, *widths[:-1]], widths, strict=True))
        self.pool = nn.MaxPool2d(2)
        self.raises = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in pairwise(widths))
        self.ups = nn.ModuleList(_block(2 * a, a) for a in widths[:-1])
        self.head = nn.Conv2d(features, outputs, 1)
        self.divisor = 2**depth

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[-2] % self.divisor or x.shape[-1] % self.divisor:
            raise ValueError(
                f"image is {x.shape[-2]}×{x.shape[-1]}; this U-Net needs sides that {self.divisor} divides"
            )
        skips: list[torch.Tensor] = []
        for level, down in enumerate(self.downs):
            x = down(x if level == 0 else self.pool(x))
            skips.append(x)
        x = skips.pop()  # (batch, features·2^depth, height/2^depth, width/2^depth)
        for rise, up in zip(reversed(self.raises), reversed(self.ups), strict=True):
            x = up(torch.cat([skips.pop(), rise(x)], dim=1))
        logits: torch.Tensor = self.head(x)
        return logits


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
