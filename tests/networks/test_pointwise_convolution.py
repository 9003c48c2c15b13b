"""1×1 convolutions with a stride: the gradients are right in the layout that is trained in."""

from __future__ import annotations

import pytest
import torch

from unseen.networks.pointwise_convolution import PointwiseConv2d


@pytest.mark.parametrize("inputs", [1, 3, 4, 8, 12])
@pytest.mark.parametrize("side", [8, 9, 32])
def test_the_gradients_are_those_of_the_sum_written_out(inputs: int, side: int) -> None:
    rng = torch.Generator().manual_seed(inputs)
    convolution = PointwiseConv2d(inputs, 8, 2).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.randn(16, inputs, side, side, generator=rng).to(memory_format=torch.channels_last).requires_grad_()
    made = convolution(x)
    slope = torch.randn(made.shape, generator=rng).to(memory_format=torch.channels_last)
    by_weight, by_x = torch.autograd.grad(made, (convolution.weight, x), slope)
    kept, weight = x.detach().double()[:, :, ::2, ::2], convolution.weight.detach().double()[:, :, 0, 0]
    torch.testing.assert_close(made.double(), torch.einsum("oc,nchw->nohw", weight, kept), rtol=1e-4, atol=1e-5)
    expected = torch.einsum("nchw,nohw->oc", kept, slope.double())
    torch.testing.assert_close(by_weight[:, :, 0, 0].double(), expected, rtol=1e-4, atol=1e-3)
    spread = torch.zeros_like(by_x, dtype=torch.float64)
    spread[:, :, ::2, ::2] = torch.einsum("oc,nohw->nchw", weight, slope.double())
    torch.testing.assert_close(by_x.double(), spread, rtol=1e-4, atol=1e-5)
