"""The U-Net: an image of logits of the same sides, where they divide."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from unseen.networks.unet import UNet


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("sides", [(16, 16), (32, 48), (64, 16), (128, 128)])
def test_the_sides_are_kept(depth: int, sides: tuple[int, int]) -> None:
    x = torch.rand(2, 1, *sides)
    assert UNet(features=2, depth=depth)(x).shape == x.shape


def test_other_numbers_of_inputs_and_outputs() -> None:
    assert UNet(features=2, depth=2, inputs=3, outputs=2)(torch.rand(1, 3, 16, 16)).shape == (1, 2, 16, 16)


@pytest.mark.parametrize(("depth", "sides"), [(3, (12, 16)), (3, (16, 12)), (2, (17, 16)), (4, (8, 8))])
def test_sides_that_do_not_divide_are_refused_with_a_sentence(depth: int, sides: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"image is {sides[0]}×{sides[1]}.*needs sides that {2**depth} divides"):
        UNet(features=2, depth=depth)(torch.rand(1, 1, *sides))


def test_channels_double_at_each_halving() -> None:
    network = UNet(features=3, depth=3)
    widths = [block[0].out_channels for block in network.downs]
    assert widths == [3, 6, 12, 24]


def test_the_answer_is_not_squashed() -> None:
    assert isinstance(list(UNet(features=2, depth=2).modules())[-1], nn.Conv2d), "logits: no sigmoid at the end"


def test_detail_passes_by_the_bottom() -> None:
    """A skip at full size: one changed pixel changes that pixel's logit more than those far off."""
    torch.manual_seed(0)
    network = UNet(features=4, depth=3).eval()
    x = torch.rand(1, 1, 32, 32)
    other = x.clone()
    other[0, 0, 16, 16] += 1
    change = (network(other) - network(x)).abs()[0, 0]
    assert change[14:19, 14:19].mean() > 5 * change[:8, :8].mean()
