"""EfficientNet-lite0: maps of an image at several depths, from weights that were learnt from colour photographs.

The network is frozen: it has no normalisation layers, because each is folded into the convolution before it. A film has
one channel where a photograph has three; the first kernels are summed over the three, which is the same as a grey
photograph. Photographs came with values from −1 to 1, as a film's image in network units does.

Source: Tan & Le, "EfficientNet: rethinking model scaling for convolutional neural networks", ICML 2019, table 1; the
lite variant has no squeeze-and-excitation, ReLU6 for swish, and a fixed stem and head. Paddings are TensorFlow's
"same".
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

_EPSILON = 1e-3  # of the published network's batch normalisation
_STEM = 32
# kernel, stride of the first block, expansion, channels, blocks
_STAGES = ((3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4))
CHANNELS = tuple(channels for *_, channels, blocks in _STAGES for _ in range(blocks))
"""Channels of each block's map. Blocks count from 0; the published block 15, its head and its classes are left out."""


class EfficientNetLite(nn.Module):
    """(batch, 1, height, width) in [−1, 1] → a map for each of the blocks that are asked for.

    >>> network = EfficientNetLite(last=4)
    >>> [tuple(one.shape) for one in network(torch.zeros(2, 1, 64, 64), (2, 4))]
    [(2, 24, 16, 16), (2, 40, 8, 8)]
    """

    def __init__(self, *, last: int = len(CHANNELS) - 1) -> None:
        super().__init__()
        if not 0 <= last < len(CHANNELS):
            raise ValueError(f"Blocks are 0 to {len(CHANNELS) - 1}, but last is {last}.")
        self.stem = _Convolution(1, _STEM, 3, stride=2)
        blocks: list[nn.Module] = []
        before = _STEM
        for kernel, stride, expansion, channels, number in _STAGES:
            for block in range(number):
                blocks.append(_InvertedResidual(before, channels, kernel, stride if block == 0 else 1, expansion))
                before = channels
        self.blocks = nn.ModuleList(blocks[: last + 1])
        self.requires_grad_(False)

    def forward(self, x: Tensor, blocks: Sequence[int]) -> list[Tensor]:
        """Return the maps of `blocks`, in ascending order."""
        maps = []
        x = self.stem(x).contiguous(memory_format=torch.channels_last)  # faster on a CPU
        for number, block in enumerate(self.blocks[: max(blocks) + 1]):
            x = block(x)
            if number in blocks:
                maps.append(x)
        return maps

    def fill(self, published: Mapping[str, Tensor]) -> None:
        """Take the published weights (`_conv_stem.weight`, `_bn0.weight`, `_blocks.0._depthwise_conv.weight`, …).

        Raises ValueError for weights of another network.
        """
        try:
            self.stem.fill(published, "_conv_stem", "_bn0")
            for number, block in enumerate(self.blocks):
                assert isinstance(block, _InvertedResidual)
                here = f"_blocks.{number}."
                block.fill({name.removeprefix(here): t for name, t in published.items() if name.startswith(here)})
        except (KeyError, RuntimeError) as error:
            raise ValueError(f"These are not the weights of EfficientNet-lite0: {error}.") from error


class _InvertedResidual(nn.Module):
    """Expansion, depthwise convolution, projection; with the input added where the shape stays."""

    def __init__(self, inputs: int, channels: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = _Convolution(inputs, inner, 1) if expansion > 1 else None
        self.depthwise = _Convolution(inner, inner, kernel, stride=stride, groups=inner)
        self.project = _Convolution(inner, channels, 1, linear=True)
        self.adds = stride == 1 and inputs == channels

    def forward(self, x: Tensor) -> Tensor:
        inner = x if self.expand is None else self.expand(x)
        out: Tensor = self.project(self.depthwise(inner))
        return out + x if self.adds else out

    def fill(self, published: Mapping[str, Tensor]) -> None:
        if self.expand is not None:
            self.expand.fill(published, "_expand_conv", "_bn0")
        self.depthwise.fill(published, "_depthwise_conv", "_bn1")
        self.project.fill(published, "_project_conv", "_bn2")


class _Convolution(nn.Module):
    """A convolution with "same" padding, then ReLU6 unless `linear`."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1, linear: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, inputs // groups, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.kernel, self.stride, self.groups, self.linear = kernel, stride, groups, linear

    def forward(self, x: Tensor) -> Tensor:
        traced = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        if self.kernel == 1 and x.device.type == "cpu" and not traced:  # faster than conv2d on a CPU
            batch, channels, height, width = x.shape
            places = x.permute(0, 2, 3, 1).reshape(-1, channels)
            made = torch.addmm(self.bias, places, self.weight[:, :, 0, 0].T)
            x = made.view(batch, height, width, len(self.bias)).permute(0, 3, 1, 2)
        elif self.stride == 1:
            x = functional.conv2d(x, self.weight, self.bias, padding=self.kernel // 2, groups=self.groups)
        else:
            missing = [max((-(-n // self.stride) - 1) * self.stride + self.kernel - n, 0) for n in x.shape[:1:-1]]
            x = functional.pad(x, [part for n in missing for part in (n // 2, n - n // 2)])
            x = functional.conv2d(x, self.weight, self.bias, stride=self.stride, groups=self.groups)
        return x if self.linear else functional.hardtanh(x, 0.0, 6.0, inplace=True)  # ReLU6

    def fill(self, published: Mapping[str, Tensor], convolution: str, normalisation: str) -> None:
        weight = published[f"{convolution}.weight"].float()
        if self.weight.shape[1] == 1 and self.groups == 1:
            weight = weight.sum(dim=1, keepdim=True)
        gain = published[f"{normalisation}.weight"] / (published[f"{normalisation}.running_var"] + _EPSILON).sqrt()
        offset = published[f"{normalisation}.bias"] - gain * published[f"{normalisation}.running_mean"]
        self.load_state_dict({"weight": weight * gain[:, None, None, None], "bias": offset})
