"""Strided 1×1 convolution that first leaves out the pixels that the stride passes over.

`nn.Conv2d(…, 1, stride)` computes the same. But its backward pass, in oneDNN on channels-last tensors with fewer than
eight channels (a block of the processor's), writes past its workspace: gradients of the weights that are a fifth off,
or a crash. Source: oneDNN's issue 6035, open in version 3.12, which PyTorch 2.13 brings.
"""

from torch import Tensor, nn


class PointwiseConv2d(nn.Conv2d):
    """(batch, inputs, height, width) → (batch, outputs, ⌈height / every⌉, ⌈width / every⌉), without a bias.

    >>> import torch
    >>> PointwiseConv2d(3, 8, 2)(torch.zeros(1, 3, 5, 4)).shape
    torch.Size([1, 8, 3, 2])
    """

    def __init__(self, inputs: int, outputs: int, every: int) -> None:
        super().__init__(inputs, outputs, 1, bias=False)
        self.every = every

    def forward(self, input: Tensor) -> Tensor:  # nn.Conv2d's name
        made: Tensor = super().forward(input[:, :, :: self.every, :: self.every])
        return made
