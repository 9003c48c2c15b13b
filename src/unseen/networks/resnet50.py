"""ResNet-50 with weights of colour photographs: maps of an image after each of its four stages.

The names are torchvision's and timm's. The stride of a stage is in the 3 × 3 convolution of its first block, as there.

Source: He, Zhang, Ren & Sun, "Deep residual learning for image recognition", CVPR 2016, table 1, 50 layers.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from unseen.networks.photographs import as_photograph
from unseen.networks.published_network import PublishedNetwork

CHANNELS = (256, 512, 1024, 2048)
"""Channels of each stage's map. Stages count from 0."""
_BLOCKS = (3, 4, 6, 3)


class ResNet50(PublishedNetwork):
    """(batch, 1, height, width) in [−1, 1] → a map for each of the stages that are asked for.

    >>> [tuple(one.shape) for one in ResNet50(last=1)(torch.zeros(1, 1, 64, 64), (0, 1))]
    [(1, 256, 16, 16), (1, 512, 8, 8)]
    """

    title = "ResNet-50"
    ignored = ("fc.",)

    def __init__(self, *, last: int = len(CHANNELS) - 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.pool = nn.MaxPool2d(3, 2, 1)
        before = 64
        for stage in range(last + 1):
            after, stride = CHANNELS[stage], 1 if stage == 0 else 2
            blocks = [_Bottleneck(before, after, stride)]
            blocks += [_Bottleneck(after, after, 1) for _ in range(_BLOCKS[stage] - 1)]
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
            before = after
        self.requires_grad_(False)
        self.eval()

    def forward(self, x: Tensor, blocks: Sequence[int]) -> list[Tensor]:
        """Return maps of the stages `blocks`, in ascending order."""
        x = self.pool(torch.relu(self.bn1(self.conv1(as_photograph(x)))))
        maps = []
        for stage in range(max(blocks) + 1):
            x = self.get_submodule(f"layer{stage + 1}")(x)
            if stage in blocks:
                maps.append(x)
        return maps


class _Bottleneck(nn.Module):
    """relu(shortcut(x) + 1×1(3×3(1×1(x)))), each convolution followed by BatchNorm."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        inner = outputs // 4
        self.conv1, self.bn1 = nn.Conv2d(inputs, inner, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = nn.Conv2d(inner, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        self.downsample = (
            nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
            if stride != 1 or inputs != outputs
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        out: Tensor = torch.relu(y + (x if self.downsample is None else self.downsample(x)))
        return out
