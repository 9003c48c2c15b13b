"""A convolution after a twofold enlargement, computed at the small size, is the same convolution."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from unseen.networks.upsampled_convolution import FEWEST, convolved_upsampled, upsampling_at_small_size

SIDE = int((FEWEST / 2) ** 0.5) + 1
"""Side of a square image, two of which have at least `FEWEST` pixels."""


def pair(**settings: Any) -> nn.Sequential:  # Any: settings of nn.Conv2d
    torch.manual_seed(0)
    given: dict[str, Any] = {"kernel_size": 3, "padding": 1} | settings
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.Upsample(scale_factor=2), nn.Conv2d(4, 3, **given), nn.BatchNorm2d(3)
    )


def transposed(call: Callable[[], Tensor]) -> int:
    """Return the number of transposed convolutions that a call computes."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as seen:
        call()
    return sum(event.name == "aten::conv_transpose2d" for event in seen.events())


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(2, 3, 5, 4), (1, 3, 1, 1), (0, 3, 4, 4)])
def test_values_and_gradients_are_those_of_the_two_layers(shape: tuple[int, ...], bias: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    conv = nn.Conv2d(3, 6, 3, padding=1, bias=bias).double()
    plain = conv(nn.Upsample(scale_factor=2)(x))
    joined = convolved_upsampled(x, conv.weight, conv.bias)
    assert torch.allclose(joined, plain, rtol=1e-12, atol=1e-12)
    slope = torch.randn(plain.shape, dtype=torch.float64)
    inputs = [x, *conv.parameters()]
    for a, b in zip(torch.autograd.grad(joined, inputs, slope), torch.autograd.grad(plain, inputs, slope), strict=True):
        assert torch.allclose(a, b, rtol=1e-12, atol=1e-12)


def test_a_pair_in_a_network_is_computed_as_one_inside_the_block_alone() -> None:
    layers, x = nn.ModuleList([nn.Sequential(pair())]), torch.rand(2, 1, SIDE, SIDE)

    def run() -> Tensor:
        found: Tensor = layers[0](x)
        return found

    plain: Tensor = run()
    with upsampling_at_small_size(layers):
        assert transposed(run) == 1
        assert torch.allclose(run(), plain, atol=1e-5)
    assert transposed(run) == 0
    assert all("forward" not in layer.__dict__ for layer in layers.modules())


def hooked() -> nn.Sequential:
    layers = pair()
    layers[2].register_forward_hook(lambda layer, given, made: 2 * made)
    return layers


class Sequence(nn.Sequential):
    """A sequence with a forward of its own."""

    def forward(self, input: Tensor) -> Tensor:
        twice: Tensor = 2 * super().forward(input)  # type: ignore[no-untyped-call]
        return twice


LEFT_ALONE: dict[str, Callable[[], nn.Sequential]] = {
    "bilinear": lambda: nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(1, 1, 3, padding=1)),
    "threefold": lambda: nn.Sequential(nn.Upsample(scale_factor=3), nn.Conv2d(1, 1, 3, padding=1)),
    "to a size": lambda: nn.Sequential(nn.Upsample(size=40), nn.Conv2d(1, 1, 3, padding=1)),
    "something between": lambda: nn.Sequential(nn.Upsample(scale_factor=2), nn.ReLU(), nn.Conv2d(1, 1, 3, padding=1)),
    "last": lambda: nn.Sequential(nn.Upsample(scale_factor=2)),
    "circular": lambda: pair(padding_mode="circular"),
    "strided": lambda: pair(stride=2),
    "dilated": lambda: pair(dilation=2),
    "kernel 5": lambda: pair(kernel_size=5, padding=2),
    "not padded": lambda: pair(padding=0),
    "padded by name": lambda: pair(padding="same"),
    "grouped": lambda: nn.Sequential(
        nn.Conv2d(1, 2, 1), nn.Upsample(scale_factor=2), nn.Conv2d(2, 2, 3, padding=1, groups=2)
    ),
    "in eval mode": lambda: pair().eval(),
    "hooked": hooked,
    "with a forward of its own": lambda: Sequence(*pair()),
}


@pytest.mark.parametrize("case", LEFT_ALONE)
def test_other_layers_are_left_alone(case: str) -> None:
    layers, x = LEFT_ALONE[case](), torch.rand(2, 1, SIDE, SIDE)
    plain = layers(x)
    with upsampling_at_small_size(layers):
        assert transposed(lambda: layers(x)) == 0
        assert torch.equal(layers(x), plain)


def test_few_pixels_and_bfloat16_are_left_alone() -> None:
    layers = pair()
    with upsampling_at_small_size(layers):
        assert transposed(lambda: layers(torch.rand(1, 1, 8, 8))) == 0
        with torch.autocast("cpu", torch.bfloat16):
            assert transposed(lambda: layers(torch.rand(2, 1, SIDE, SIDE))) == 0


def test_the_layers_are_put_back_after_an_error() -> None:
    layers = pair()
    with pytest.raises(ZeroDivisionError), upsampling_at_small_size(layers):
        raise ZeroDivisionError
    assert "forward" not in layers.__dict__
