"""Discriminator of patches: a score for each patch of an image."""

from __future__ import annotations

from torch import Tensor, nn

_SLOPE = 0.2
_HALVINGS = 4


class PatchDiscriminator(nn.Module):
    """Image (batch, channels, height, width) → scores (batch, 1, ⌈height/16⌉, ⌈width/16⌉), one for each patch.

    Four times two convolutions of kernel 3, of which the second halves the image; each is followed by BatchNorm (not
    the first one) and a leaky ReLU. Images of any size.

    Args:
        channels: of an image, at least 1.
        features: channels of the first convolution, at least 1; they double at each halving.

    Example:
        >>> import torch
        >>> PatchDiscriminator(3, features=4)(torch.zeros(2, 3, 32, 48)).shape
        torch.Size([2, 1, 2, 3])

    Source: discriminator of the code of Chen, Tachella & Davies, Equivariant imaging, ICCV 2021, which follows Wang et
    al., ESRGAN, ECCV Workshops 2018.
    """

    def __init__(self, channels: int = 1, *, features: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = channels
        for level in range(_HALVINGS):
            width = features * 2**level
            layers.append(nn.Conv2d(before, width, 3, padding=1))
            if level:
                layers.append(nn.BatchNorm2d(width))
            layers += [nn.LeakyReLU(_SLOPE), nn.Conv2d(width, width, 3, stride=2, padding=1), nn.BatchNorm2d(width)]
            layers.append(nn.LeakyReLU(_SLOPE))
            before = width
        self.layers = nn.Sequential(*layers, nn.Conv2d(before, 1, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.layers(x)
        return scores  # (batch, 1, ⌈height/16⌉, ⌈width/16⌉)
