"""The convolution as a matrix product is torch's convolution: outputs, gradients, and what a state dictionary holds."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from unseen.networks.dcgan import DcganDecoder, DcganEncoder, Discriminator
from unseen.networks.matrix_convolution import MatrixConv2d, MatrixConvTranspose2d

FORMATS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}
small = st.integers(1, 5)


def outcome(layer: nn.Module, x: torch.Tensor, upstream: torch.Tensor) -> list[torch.Tensor]:
    """Return the output, and the gradients of input and weight for a given gradient of the output."""
    x = x.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    layer.zero_grad()
    y: torch.Tensor = layer(x)
    y.backward(upstream)
    weight = layer.get_parameter("weight").grad
    assert x.grad is not None and weight is not None
    return [y.detach(), x.grad, weight]


def compared(
    plain: nn.Module, product: nn.Module, x: torch.Tensor, out: tuple[int, ...], layout: torch.memory_format
) -> None:
    product.load_state_dict(plain.state_dict())
    for layer in (plain, product):
        layer.to(memory_format=layout)  # type: ignore[call-overload]
    x = x.to(memory_format=layout)
    upstream = torch.randn(out, dtype=x.dtype, generator=torch.Generator().manual_seed(1)).to(memory_format=layout)
    expected, got = outcome(plain, x, upstream), outcome(product, x, upstream)
    assert got[0].shape == out
    for one, other in zip(expected, got, strict=True):
        assert one.shape == other.shape and torch.allclose(one, other, rtol=1e-10, atol=1e-12)


def image(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("layout", FORMATS.values(), ids=FORMATS.keys())
@given(batch=st.integers(1, 3), channels=small, width=small, h=small, w=small)
def test_shrinking_is_torchs_convolution(
    layout: torch.memory_format, batch: int, channels: int, width: int, h: int, w: int
) -> None:
    plain = nn.Conv2d(channels, width, 4, 2, 1, bias=False).double()
    x = image(batch, channels, 2 * h, 2 * w)
    compared(plain, MatrixConv2d(channels, width).double(), x, (batch, width, h, w), layout)


@pytest.mark.parametrize("layout", FORMATS.values(), ids=FORMATS.keys())
@given(batch=st.integers(1, 3), channels=small, width=small, h=small, w=small)
def test_growing_is_torchs_transposed_convolution(
    layout: torch.memory_format, batch: int, channels: int, width: int, h: int, w: int
) -> None:
    plain = nn.ConvTranspose2d(width, channels, 4, 2, 1, bias=False).double()
    x = image(batch, width, h, w)
    compared(plain, MatrixConvTranspose2d(width, channels).double(), x, (batch, channels, 2 * h, 2 * w), layout)


def test_growing_is_the_adjoint_of_shrinking() -> None:
    """⟨A x, y⟩ = ⟨x, Aᵀ y⟩ with one and the same weight."""
    down, up = MatrixConv2d(3, 5).double(), MatrixConvTranspose2d(5, 3).double()
    up.load_state_dict(down.state_dict())
    x, y = image(2, 3, 8, 12), image(2, 5, 4, 6)
    assert float((down(x) * y).sum().detach()) == pytest.approx(float((x * up(y)).sum().detach()), rel=1e-12)


@pytest.mark.parametrize(("kind", "shape"), [(MatrixConv2d, (2, 6, 8, 8)), (MatrixConvTranspose2d, (2, 6, 4, 4))])
def test_under_autocast_the_product_is_taken_in_bfloat16(kind: type[nn.Module], shape: tuple[int, ...]) -> None:
    layer = kind(6, 6)
    x = torch.randn(shape)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = layer(x)
    assert rounded.dtype == torch.bfloat16
    assert torch.allclose(rounded.float(), layer(x), atol=0.05)


def products(module: nn.Module) -> list[str]:
    return [name for name, m in module.named_modules() if isinstance(m, MatrixConv2d | MatrixConvTranspose2d)]


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def test_at_256_pixels_and_64_features_the_deepest_layer_alone_is_a_product() -> None:
    with torch.device("meta"):  # shapes alone: the weights would take 0.6 GB
        encoder = DcganEncoder(256, features=64, latent=100)
        decoder = DcganDecoder(256, features=64, latent=100)
        discriminator = Discriminator(256, features=64)
    pyramid = [m for m in encoder.pyramid if isinstance(m, nn.Conv2d)]
    assert [type(layer) for layer in pyramid] == [nn.Conv2d] * 5 + [MatrixConv2d]
    assert (pyramid[-1].in_channels, pyramid[-1].out_channels) == (1024, 2048)
    assert len(products(encoder)) == len(products(discriminator)) == 1
    growing = [m for m in decoder.layers if isinstance(m, nn.ConvTranspose2d)]
    assert [isinstance(layer, MatrixConvTranspose2d) for layer in growing] == [False, True, *[False] * 5]
    assert (growing[1].in_channels, growing[1].out_channels) == (2048, 1024)


@pytest.mark.parametrize(("size", "features"), [(64, 32), (64, 64), (128, 32)])
def test_smaller_networks_hold_torchs_layers_alone_below_1024_channels(size: int, features: int) -> None:
    with torch.device("meta"):
        networks = [DcganEncoder(size, features=features, latent=8), DcganDecoder(size, features=features, latent=8)]
    widest = features * size // 8
    assert [len(products(network)) for network in networks] == [int(widest >= 1024)] * 2


def test_the_state_dictionary_is_that_of_torchs_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_shapes() -> list[dict[str, tuple[int, ...]]]:
        with torch.device("meta"):
            return [
                shapes(DcganEncoder(256, features=64, latent=100)),
                shapes(DcganDecoder(256, features=64, latent=100)),
                shapes(Discriminator(256, features=64)),
            ]

    with_products = all_shapes()
    monkeypatch.setattr("unseen.networks.dcgan._MATRIX_FROM", 10**9)
    assert all_shapes() == with_products
    assert with_products[0]["pyramid.14.weight"] == (2048, 1024, 4, 4)


def test_a_network_with_products_computes_what_one_without_does(monkeypatch: pytest.MonkeyPatch) -> None:
    nets = [DcganEncoder(32, features=8, latent=5), DcganDecoder(32, features=8, latent=5)]
    monkeypatch.setattr("unseen.networks.dcgan._MATRIX_FROM", 8)
    others = [DcganEncoder(32, features=8, latent=5), DcganDecoder(32, features=8, latent=5)]
    for network, other, shape in zip(nets, others, ((4, 1, 32, 32), (4, 5, 1, 1)), strict=True):
        assert not products(network) and len(products(other)) == 1
        other.load_state_dict(network.state_dict())
        x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        assert torch.allclose(network(x), other(x), atol=1e-4)
