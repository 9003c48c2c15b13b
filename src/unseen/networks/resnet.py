"""ResNet-18: an image to features and one number.

Source: He, Zhang, Ren & Sun, "Deep residual learning for image recognition", CVPR 2016, table 1, 18 layers.
"""

import torch
from torch import Tensor, nn

from unseen.networks.pointwise_convolution import PointwiseConv2d


class ResNet18(nn.Module):
    """(batch, channels, height, width) → (maps of every stage, embedding (batch, 8·features), logit (batch,)).

    Stage i has `features`·2^i channels and 4·2^i times fewer pixels a side.

    Args:
        features: channels of the first stage; 64 in the paper.
        channels: channels of an image.

    >>> maps, embedding, logit = ResNet18(features=8)(torch.zeros(2, 1, 64, 64))
    >>> [tuple(one.shape[1:]) for one in maps], embedding.shape, logit.shape
    ([(8, 16, 16), (16, 8, 8), (32, 4, 4), (64, 2, 2)], torch.Size([2, 64]), torch.Size([2]))
    """

    def __init__(self, *, features: int = 64, channels: int = 1) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, features, 7, 2, 3, bias=False),
            nn.BatchNorm2d(features),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
        )
        widths = [features * 2**stage for stage in range(4)]
        before = [features, *widths[:-1]]
        self.stages = nn.ModuleList(
            nn.Sequential(_BasicBlock(a, b, stride=1 if a == b else 2), _BasicBlock(b, b))
            for a, b in zip(before, widths, strict=True)
        )
        self.head = nn.Linear(widths[-1], 1)

    @property
    def batches(self) -> Tensor:
        """Number of batches that the network was trained on."""
        counted: Tensor = self.stem.get_submodule("1").get_buffer("num_batches_tracked")
        return counted

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        x = self.stem(x)
        maps: list[Tensor] = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        embedding = x.mean(dim=(2, 3))
        return maps, embedding, self.head(embedding)[:, 0]


class _BasicBlock(nn.Module):
    """relu(shortcut(x) + conv(relu(conv(x)))), each convolution followed by BatchNorm."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = (
            nn.Identity()
            if stride == 1 and inputs == outputs
            else nn.Sequential(PointwiseConv2d(inputs, outputs, stride), nn.BatchNorm2d(outputs))
        )

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = torch.relu(self.shortcut(x) + self.layers(x))
        return made
