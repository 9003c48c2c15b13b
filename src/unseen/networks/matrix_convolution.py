"""DCGAN's convolution (kernel 4, stride 2, padding 1) as one matrix product, for many channels on few pixels.

Same weights, same sums as torch's layers, which they replace without a trace in a state dictionary. There oneDNN takes
several times as long for the weights' gradient as the product does (1024 to 2048 channels, 8×8 to 4×4, batch 32, bf16);
on wide images with fewer channels torch's own layer is the faster one, and so it is in eval mode, where one film is
scored at a time. `make bench` measures the gain for a step.
"""

import torch
from torch import nn
from torch.nn.functional import linear, pad

_TAPS = [(row, column) for row in range(4) for column in range(4)]


class MatrixConv2d(nn.Conv2d):
    """(batch, channels, 2h, 2w) → (batch, width, h, w).

    >>> MatrixConv2d(3, 5)(torch.zeros(2, 3, 8, 8)).shape
    torch.Size([2, 5, 4, 4])
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(channels, width, 4, 2, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(x)
        x = pad(x, (1, 1, 1, 1)).permute(0, 2, 3, 1)  # (batch, 2h+2, 2w+2, channels)
        h, w = x.shape[1] // 2 - 1, x.shape[2] // 2 - 1
        patches = torch.stack([x[:, i : i + 2 * h : 2, j : j + 2 * w : 2] for i, j in _TAPS], dim=3)
        weight = self.weight.permute(0, 2, 3, 1).flatten(1)  # (width, 16·channels)
        return linear(patches.flatten(3), weight).permute(0, 3, 1, 2)


class MatrixConvTranspose2d(nn.ConvTranspose2d):
    """(batch, width, h, w) → (batch, channels, 2h, 2w).

    >>> MatrixConvTranspose2d(5, 3)(torch.zeros(2, 5, 4, 4)).shape
    torch.Size([2, 3, 8, 8])
    """

    def __init__(self, width: int, channels: int) -> None:
        super().__init__(width, channels, 4, 2, 1, bias=False)

    def forward(self, x: torch.Tensor, output_size: list[int] | None = None) -> torch.Tensor:
        if not self.training:
            return super().forward(x, output_size)
        batch, _, h, w = x.shape
        weight = self.weight.permute(0, 2, 3, 1).flatten(1)  # (width, 16·channels)
        patches = (x.permute(0, 2, 3, 1) @ weight).reshape(batch, h, w, 4, 4, -1)  # (…, channels)
        image: torch.Tensor = patches.new_zeros(batch, 2 * h + 2, 2 * w + 2, patches.shape[-1])
        for i, j in _TAPS:
            image[:, i : i + 2 * h : 2, j : j + 2 * w : 2] += patches[:, :, :, i, j]
        return image[:, 1:-1, 1:-1].permute(0, 3, 1, 2)
