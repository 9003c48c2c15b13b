"""The DCGAN blocks: shapes, widths, no biases, and the draw of the first weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from unseen.networks.dcgan import DcganDecoder, DcganEncoder, Discriminator
from unseen.networks.dcgan_initialisation import initialise_dcgan

SIZES = (16, 32, 64, 128)


def convolutions(module: nn.Module) -> list[nn.Conv2d | nn.ConvTranspose2d]:
    return [layer for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]


@pytest.mark.parametrize("size", SIZES)
def test_shapes_for_every_size(size: int) -> None:
    x = torch.rand(2, 1, size, size)
    z = DcganEncoder(size, features=4, latent=7)(x)
    assert z.shape == (2, 7, 1, 1)
    assert DcganDecoder(size, features=4, latent=7)(z).shape == x.shape
    features, logit = Discriminator(size, features=4)(x)
    assert features.shape == (2, size // 2, 4, 4) and logit.shape == (2,)  # 4 features at size / 2


def test_further_channels() -> None:
    x = torch.rand(2, 3, 16, 16)
    z = DcganEncoder(16, features=4, latent=5, channels=3)(x)
    assert DcganDecoder(16, features=4, latent=5, channels=3)(z).shape == x.shape
    assert Discriminator(16, features=4, channels=3)(x)[1].shape == (2,)


@pytest.mark.parametrize("size", [0, 8, 15, 48, 100])
@pytest.mark.parametrize("block", ["encoder", "decoder", "discriminator"])
def test_other_sizes_are_refused_with_a_sentence(block: str, size: int) -> None:
    with pytest.raises(ValueError, match=f"size is {size}.*power of two from 16 up"):
        {
            "encoder": lambda: DcganEncoder(size, features=4, latent=5),
            "decoder": lambda: DcganDecoder(size, features=4, latent=5),
            "discriminator": lambda: Discriminator(size, features=4),
        }[block]()


@pytest.mark.parametrize("size", SIZES)
def test_channels_double_as_the_side_halves(size: int) -> None:
    widths = [4 * 2**i for i in range(size.bit_length() - 3)]  # 64: 4, 8, 16, 32
    assert [layer.out_channels for layer in convolutions(DcganEncoder(size, features=4, latent=9))] == [*widths, 9]
    assert [layer.out_channels for layer in convolutions(Discriminator(size, features=4))] == [*widths, 1]
    up = convolutions(DcganDecoder(size, features=4, latent=9))
    assert [layer.out_channels for layer in up] == [*reversed(widths), 1]
    assert up[0].in_channels == 9


@pytest.mark.parametrize(
    "module",
    [DcganEncoder(64, features=4, latent=9), DcganDecoder(64, features=4, latent=9), Discriminator(64, features=4)],
    ids=["encoder", "decoder", "discriminator"],
)
def test_convolutions_have_kernel_four_and_no_bias(module: nn.Module) -> None:
    for layer in convolutions(module):
        assert layer.bias is None and layer.kernel_size == (4, 4)
    ends = convolutions(module)
    last = ends[0] if isinstance(module, DcganDecoder) else ends[-1]
    assert last.stride == (1, 1) and last.padding == (0, 0)
    for layer in ends:
        assert layer is last or (layer.stride == (2, 2) and layer.padding == (1, 1))


def test_the_decoder_ends_in_minus_one_to_one_and_reaches_both() -> None:
    image = DcganDecoder(32, features=4, latent=5)(torch.randn(8, 5, 1, 1) * 1e4)
    assert image.abs().max() <= 1
    assert isinstance(DcganDecoder(32, features=4, latent=5).layers[-1], nn.Tanh)


@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_the_decoders_slope_is_that_of_its_hidden_activations(slope: float) -> None:
    layers = [m for m in DcganDecoder(32, features=4, latent=5, slope=slope).modules() if isinstance(m, nn.LeakyReLU)]
    assert layers and {layer.negative_slope for layer in layers} == {slope}


def test_first_weights_are_drawn_with_standard_deviation_two_hundredths() -> None:
    network = Discriminator(64, features=32)
    initialise_dcgan(network, generator=torch.Generator().manual_seed(0))
    for layer in convolutions(network):
        n = layer.weight.numel()
        assert layer.weight.mean().item() == pytest.approx(0, abs=5 * 0.02 / n**0.5)
        assert layer.weight.std().item() == pytest.approx(0.02, abs=5 * 0.02 / (2 * n) ** 0.5)
    gammas = torch.cat([m.weight for m in network.modules() if isinstance(m, nn.BatchNorm2d)])
    assert gammas.mean().item() == pytest.approx(1, abs=5 * 0.02 / len(gammas) ** 0.5)
    assert gammas.std().item() == pytest.approx(0.02, rel=0.2)
    assert all((m.bias == 0).all() for m in network.modules() if isinstance(m, nn.BatchNorm2d))


def test_the_same_generator_gives_the_same_weights_and_forgets_what_was_there() -> None:
    one, other = DcganEncoder(32, features=4, latent=5), DcganEncoder(32, features=4, latent=5)
    other.train()(torch.rand(4, 1, 32, 32))  # running statistics have moved
    for network in (one, other):
        initialise_dcgan(network, generator=torch.Generator().manual_seed(3))
    for (name, first), second in zip(one.state_dict().items(), other.state_dict().values(), strict=True):
        assert torch.equal(first, second), name
    initialise_dcgan(other, generator=torch.Generator().manual_seed(4))
    assert not torch.equal(one.head.weight, other.head.weight)


def test_in_evaluation_a_image_does_not_depend_on_its_batch() -> None:
    network = DcganEncoder(32, features=4, latent=5).eval()
    x = torch.rand(4, 1, 32, 32)
    assert torch.allclose(network(x)[:1], network(x[:1]), atol=1e-6)


def test_a_critic_without_batch_norm_has_biases_in_its_place() -> None:
    critic = Discriminator(32, features=4, normalised=False)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in critic.modules())
    assert all(layer.bias is not None for layer in convolutions(critic))
    plain = Discriminator(32, features=4)
    assert [layer.weight.shape for layer in convolutions(critic)] == [
        layer.weight.shape for layer in convolutions(plain)
    ]
    initialise_dcgan(critic, generator=torch.Generator().manual_seed(0))
    assert all((layer.bias == 0).all() for layer in convolutions(critic))
    features, logit = critic(torch.rand(3, 1, 32, 32))
    assert features.shape == (3, 16, 4, 4) and logit.shape == (3,)


def test_in_training_too_a_critics_image_does_not_depend_on_its_batch() -> None:
    x = torch.rand(4, 1, 32, 32)
    critic, plain = Discriminator(32, features=4, normalised=False), Discriminator(32, features=4)
    assert torch.allclose(critic.train()(x)[1][:1], critic(x[:1])[1], atol=1e-6)
    assert not torch.allclose(plain.train()(x)[1][:1], plain(x[:1])[1], atol=1e-6)


def test_the_names_and_first_weights_of_the_blocks_are_those_of_the_models_that_are_shipped() -> None:
    """A bundle's tensors are found by these names, and a training's first weights are drawn in this order."""
    block = Discriminator(32, features=4)
    assert [name for name, _ in block.named_parameters()] == [
        "pyramid.0.weight", "pyramid.2.weight", "pyramid.3.weight", "pyramid.3.bias",
        "pyramid.5.weight", "pyramid.6.weight", "pyramid.6.bias", "head.weight",
    ]  # fmt: skip
    initialise_dcgan(block, generator=torch.Generator().manual_seed(0))
    rng = torch.Generator().manual_seed(0)
    for name, weight in block.named_parameters():
        if weight.ndim == 4:
            assert torch.equal(weight, 0.02 * torch.randn(weight.shape, generator=rng)), name
        elif name.endswith("weight"):
            assert torch.equal(weight, 1 + 0.02 * torch.randn(weight.shape, generator=rng)), name
