"""The residual U-Net: nothing at first, of small size, and without anything that ties one image to another."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from unseen.networks import ResidualUNet


def drawn(**settings: int) -> ResidualUNet:
    """Return one whose last layer is not zero."""
    torch.manual_seed(0)
    net = ResidualUNet(**settings)
    nn.init.normal_(net.head.weight, std=0.1)
    return net


def test_it_begins_as_the_identity_and_has_at_most_a_million_weights() -> None:
    net, x = ResidualUNet(), torch.rand(2, 1, 40, 33)
    assert torch.equal(net(x), x)
    assert sum(weight.numel() for weight in net.parameters()) <= 1_000_000


@pytest.mark.parametrize("sides", [(16, 16), (28, 28), (1, 24), (17, 9)])
def test_any_height_and_width(sides: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *sides)
    assert drawn(channels=3, features=4, depth=3)(x).shape == x.shape


def test_a_image_does_not_depend_on_its_batch_mates_in_training_either() -> None:
    net = drawn(features=4).train()
    x = torch.rand(3, 1, 16, 16)
    assert torch.allclose(net(x)[1:2], net(x[1:2]), atol=1e-6)


def test_twice_the_input_gives_twice_the_output() -> None:
    net, x = drawn(features=4).double(), torch.rand(1, 1, 16, 16, dtype=torch.float64)
    assert torch.allclose(net(2 * x), 2 * net(x), rtol=1e-12)


def test_every_weight_learns() -> None:
    net = drawn(features=4)
    net(torch.rand(2, 1, 16, 16)).square().sum().backward()
    assert all(weight.grad is not None and bool(weight.grad.abs().max() > 0) for weight in net.parameters())


def test_other_channels_are_refused_with_what_was_expected() -> None:
    with pytest.raises(ValueError, match=r"takes \(batch, 2, height, width\), but got \(1, 1, 8, 8\)"):
        ResidualUNet(channels=2)(torch.zeros(1, 1, 8, 8))
