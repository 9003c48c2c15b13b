"""ConvNeXt-T with weights of colour photographs: maps of an image after each of its four stages.

The names are torchvision's; those of timm and of the authors are translated.

Source: Liu, Mao, Wu, Feichtenhofer, Darrell & Xie, "A ConvNet for the 2020s", CVPR 2022, figure 4 and table 9.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from unseen.networks.photographs import as_photograph
from unseen.networks.published_network import PublishedNetwork, without_prefix

CHANNELS = (96, 192, 384, 768)
"""Channels of each stage's map. Stages count from 0."""
_BLOCKS = (3, 3, 9, 3)
_EPSILON = 1e-6
_OTHERS = (  # timm's and the authors' names → torchvision's, without the number of the stage
    ("conv_dw", "block.0"),
    ("dwconv", "block.0"),
    ("norm", "block.2"),
    ("mlp.fc1", "block.3"),
    ("pwconv1", "block.3"),
    ("mlp.fc2", "block.5"),
    ("pwconv2", "block.5"),
)


class ConvNeXtTiny(PublishedNetwork):
    """(batch, 1, height, width) in [−1, 1] → a map for each of the stages that are asked for.

    >>> [tuple(one.shape) for one in ConvNeXtTiny(last=1)(torch.zeros(1, 1, 64, 64), (0, 1))]
    [(1, 96, 16, 16), (1, 192, 8, 8)]
    """

    title = "ConvNeXt-T"
    ignored = ("classifier.", "head.", "norm.")

    def __init__(self, *, last: int = len(CHANNELS) - 1) -> None:
        super().__init__()
        parts: list[nn.Module] = [nn.Sequential(nn.Conv2d(3, CHANNELS[0], 4, 4), _ChannelNorm(CHANNELS[0]))]
        for stage in range(last + 1):
            if stage:
                before, after = CHANNELS[stage - 1 : stage + 1]
                parts.append(nn.Sequential(_ChannelNorm(before), nn.Conv2d(before, after, 2, 2)))
            parts.append(nn.Sequential(*(_ConvNeXtBlock(CHANNELS[stage]) for _ in range(_BLOCKS[stage]))))
        self.features = nn.Sequential(*parts)
        self.requires_grad_(False)
        self.eval()

    def forward(self, x: Tensor, blocks: Sequence[int]) -> list[Tensor]:
        """Return maps of the stages `blocks`, in ascending order."""
        x = as_photograph(x)
        maps = []
        for stage in range(max(blocks) + 1):
            x = self.features[2 * stage + 1](self.features[2 * stage](x))
            if stage in blocks:
                maps.append(x)
        return maps

    @classmethod
    def translated(cls, published: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors by torchvision's names; files may have timm's or the authors' names."""
        return dict(_translated(name, tensor) for name, tensor in without_prefix(published).items())


def _translated(name: str, tensor: Tensor) -> tuple[str, Tensor]:
    if found := re.fullmatch(r"(?:stem|downsample_layers\.0)\.([01])\.(.+)", name):
        return f"features.0.{found[1]}.{found[2]}", tensor
    if found := re.fullmatch(r"(?:stages\.(\d)\.downsample|downsample_layers\.(\d))\.([01])\.(.+)", name):
        return f"features.{2 * int(found[1] or found[2])}.{found[3]}.{found[4]}", tensor
    if found := re.fullmatch(r"stages\.(\d)\.(?:blocks\.)?(\d+)\.(.+)", name):
        block, part = f"features.{2 * int(found[1]) + 1}.{found[2]}", found[3]
        if part == "gamma":
            return f"{block}.layer_scale", tensor[:, None, None]
        for theirs, ours in _OTHERS:
            if part.startswith(f"{theirs}."):
                return f"{block}.{ours}.{part.removeprefix(f'{theirs}.')}", tensor
    return name, tensor


class _ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each pixel, (batch, channels, height, width)."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=_EPSILON)

    def forward(self, input: Tensor) -> Tensor:  # nn.LayerNorm's name
        last = input.permute(0, 2, 3, 1)
        return functional.layer_norm(last, self.normalized_shape, self.weight, self.bias, self.eps).permute(0, 3, 1, 2)


class _ConvNeXtBlock(nn.Module):
    """x + s · linear(gelu(linear(norm(depthwise 7 × 7 of x)))), s a learnt scale of each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block = nn.ModuleDict(
            OrderedDict(
                {
                    "0": nn.Conv2d(channels, channels, 7, 1, 3, groups=channels),
                    "2": nn.LayerNorm(channels, eps=_EPSILON),
                    "3": nn.Linear(channels, 4 * channels),
                    "5": nn.Linear(4 * channels, channels),
                }
            )
        )
        self.layer_scale = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        part = self.block
        y = part["2"](part["0"](x).permute(0, 2, 3, 1))
        y = part["5"](functional.gelu(part["3"](y))).permute(0, 3, 1, 2)
        out: Tensor = x + self.layer_scale * y
        return out
