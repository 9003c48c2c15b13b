"""DenseNet-121 of one grey channel, as TorchXRayVision trains it on chest films: maps after each dense block.

The names are TorchXRayVision's, which are torchvision's. A film is given to the network with values from −1024 to 1024.
The map of the last block is the one after the final normalisation and ReLU, which the classifier averages.

Source: Huang, Liu, van der Maaten & Weinberger, "Densely connected convolutional networks", CVPR 2017, table 1; Cohen
et al., "TorchXRayVision: a library of chest X-ray datasets and models", MIDL 2022, section 3.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from unseen.networks.published_network import PublishedNetwork, without_prefix

CHANNELS = (256, 512, 1024, 1024)
"""Channels of each dense block's map. Blocks count from 0."""
RANGE = 1024.0
"""Largest value of an image in the network's units; the smallest is −1024."""
_LAYERS = (6, 12, 24, 16)
_GROWTH, _BOTTLENECK, _STEM = 32, 4, 64


class DenseNet121(PublishedNetwork):
    """(batch, 1, height, width) in [−1, 1] → a map for each of the dense blocks that are asked for.

    >>> [tuple(one.shape) for one in DenseNet121(last=1)(torch.zeros(1, 1, 64, 64), (0, 1))]
    [(1, 256, 16, 16), (1, 512, 8, 8)]
    """

    title = "DenseNet-121"
    ignored = ("classifier.", "op_threshs")

    def __init__(self, *, last: int = len(CHANNELS) - 1) -> None:
        super().__init__()
        parts: dict[str, nn.Module] = {
            "conv0": nn.Conv2d(1, _STEM, 7, 2, 3, bias=False),
            "norm0": nn.BatchNorm2d(_STEM),
        }
        channels = _STEM
        for block, layers in enumerate(_LAYERS[: last + 1]):
            dense = {f"denselayer{i + 1}": _DenseLayer(channels + i * _GROWTH) for i in range(layers)}
            parts[f"denseblock{block + 1}"] = _DenseBlock(OrderedDict(dense))
            channels = CHANNELS[block]
            if block < last:
                parts[f"transition{block + 1}"] = _transition(channels)
                channels //= 2
        if last == len(CHANNELS) - 1:
            parts["norm5"] = nn.BatchNorm2d(channels)
        self.features = nn.ModuleDict(parts)
        self.requires_grad_(False)
        self.eval()

    def forward(self, x: Tensor, blocks: Sequence[int]) -> list[Tensor]:
        """Return maps of `blocks`, in ascending order."""
        parts = self.features
        x = functional.max_pool2d(torch.relu(parts["norm0"](parts["conv0"](RANGE * x))), 3, 2, 1)
        maps = []
        for block in range(max(blocks) + 1):
            x = parts[f"denseblock{block + 1}"](x)
            final = block == len(CHANNELS) - 1
            if block in blocks:
                maps.append(torch.relu(parts["norm5"](x)) if final else x)
            if block < max(blocks):
                x = parts[f"transition{block + 1}"](x)
        return maps

    @classmethod
    def translated(cls, published: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors by this network's names; old files have `norm.1` and `conv.1` for `norm1` and `conv1`."""
        return {
            re.sub(r"(denselayer\d+\.(?:norm|conv))\.([12])\.", r"\1\2.", name): tensor
            for name, tensor in without_prefix(published).items()
        }


class _DenseBlock(nn.Sequential):
    """Layers of which each adds 32 channels to those of all layers before it."""

    def forward(self, input: Tensor) -> Tensor:  # nn.Sequential's name
        found = [input]
        for layer in self:
            found.append(layer(torch.cat(found, dim=1)))
        return torch.cat(found, dim=1)


class _DenseLayer(nn.Module):
    """Batch normalisation, ReLU and convolution, twice: 1 × 1 to 128 channels, then 3 × 3 to 32."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        inner = _BOTTLENECK * _GROWTH
        self.norm1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, inner, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(inner), nn.Conv2d(inner, _GROWTH, 3, 1, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(torch.relu(self.norm1(x)))
        out: Tensor = self.conv2(torch.relu(self.norm2(x)))
        return out


def _transition(channels: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            norm=nn.BatchNorm2d(channels),
            relu=nn.ReLU(),
            conv=nn.Conv2d(channels, channels // 2, 1, bias=False),
            pool=nn.AvgPool2d(2, 2),
        )
    )
