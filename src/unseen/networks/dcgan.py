"""DCGAN: encoder, decoder, discriminator, their initialisation, and a fast form of their deepest layer.

How the DCGAN blocks' weights are drawn, at the start and whenever a discriminator is initialised again.

DCGAN's convolution (kernel 4, stride 2, padding 1) as one matrix product, for its deepest layer: many channels on
few pixels.

Same weights, same sums as torch's layers, which they replace without a trace in a state dictionary. There oneDNN takes
several times as long for the weights' gradient as the product does (1024 to 2048 channels, 8×8 to 4×4, batch 32, bf16);
on wide images with fewer channels torch's own layer is the faster one, and so it is in eval mode, where one film is
scored at a time. What it is worth to a step: `make bench`.

The DCGAN blocks: encoder, decoder, discriminator.

Kernel 4, stride 2, padding 1 throughout; the last convolution of an encoder or discriminator has stride 1 and padding
0. No biases, but for a critic without BatchNorm, whose shifts they take over. Sizes are powers of two from 16 up;
channels double as the side halves, down to 4×4.

Source: Radford, Metz, Chintala, ICLR 2016; the arrangement is that of GANomaly (Akcay, Atapour-Abarghouei, Breckon,
ACCV 2018).
"""

import torch
from torch import nn
from torch.nn.functional import linear, pad


def initialise_dcgan(module: nn.Module, *, generator: torch.Generator) -> None:
    """Draw every convolution from N(0, 0.02²), BatchNorm's γ from N(1, 0.02²), and set its β and a convolution's
    bias, where there is one, to 0.

    Args:
        module: the network; it is changed in place.
        generator: where the weights are drawn from.

    The order is that of `module.modules()`, so the same generator gives the same weights.
    0.02 is the standard deviation (the thesis writes "variance").

    Source: Radford, Metz, Chintala, "Unsupervised representation learning with deep convolutional GANs", ICLR 2016,
    section 4.

    >>> net = nn.Conv2d(1, 64, 4)
    >>> initialise_dcgan(net, generator=torch.Generator().manual_seed(0))
    >>> 0.015 < net.weight.std().item() < 0.025
    True
    """
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                _draw(layer.weight, 0.0, generator)
                if layer.bias is not None:
                    layer.bias.zero_()
            elif isinstance(layer, nn.BatchNorm2d):
                _draw(layer.weight, 1.0, generator)
                layer.bias.zero_()
                layer.reset_running_stats()


def _draw(weight: torch.Tensor, mean: float, generator: torch.Generator) -> None:
    # drawn on the CPU and copied, so that a seed means the same on every device
    weight.copy_(mean + 0.02 * torch.randn(weight.shape, generator=generator))


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


_MATRIX_FROM = 1024  # channels from which the layer at 4×4 is taken as a matrix product; see there


class Encoder(nn.Module):
    """Image (batch, channels, size, size) → latent (batch, latent, 1, 1).

    Args:
        size: side of an image in pixels, a power of two from 16 up.
        features: channels of the first convolution; they double at each halving.
        latent: length of the latent.
        channels: channels of an image.

    >>> Encoder(64, features=8, latent=100)(torch.zeros(2, 1, 64, 64)).shape
    torch.Size([2, 100, 1, 1])
    """

    def __init__(self, size: int, *, features: int, latent: int, channels: int = 1) -> None:
        super().__init__()
        widest = _widest(size, features)
        self.pyramid = _pyramid(size, features, channels)
        self.head = nn.Conv2d(widest, latent, 4, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        latent: torch.Tensor = self.head(self.pyramid(x))
        return latent  # (batch, latent, 1, 1)


class Decoder(nn.Module):
    """Latent (batch, latent, 1, 1) → image (batch, channels, size, size) in [−1, 1], or of any size where it is not
    `bounded` by the last tanh.

    Args:
        size: side of an image in pixels, a power of two from 16 up.
        features: channels at half the images' side; they double at each halving below.
        latent: length of the latent.
        channels: channels of an image.
        slope: negative slope of the hidden activations: 0 is ReLU, as in GANomaly; 0.2 is LeakyReLU, as in the thesis.
        bounded: whether a tanh ends it.

    >>> Decoder(64, features=8, latent=100)(torch.zeros(2, 100, 1, 1)).shape
    torch.Size([2, 1, 64, 64])
    """

    def __init__(
        self,
        size: int,
        *,
        features: int,
        latent: int,
        channels: int = 1,
        slope: float = 0.0,
        bounded: bool = True,
    ) -> None:
        super().__init__()
        width = _widest(size, features)
        layers: list[nn.Module] = [
            nn.ConvTranspose2d(latent, width, 4, bias=False),
            nn.BatchNorm2d(width),
            nn.LeakyReLU(slope, inplace=True),
        ]
        for _ in range(_doublings(size)):
            layers += [
                _grows(width, width // 2, deepest=width == _widest(size, features)),
                nn.BatchNorm2d(width // 2),
                nn.LeakyReLU(slope, inplace=True),
            ]
            width //= 2
        layers.append(nn.ConvTranspose2d(width, channels, 4, 2, 1, bias=False))
        self.layers = nn.Sequential(*layers, *([nn.Tanh()] if bounded else []))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        image: torch.Tensor = self.layers(z)
        return image  # (batch, channels, size, size)


class Discriminator(nn.Module):
    """Image → (features, logit): f(x) before the last convolution, and one number an image, before the sigmoid.

    Args:
        size: side of an image in pixels, a power of two from 16 up.
        features: channels of the first convolution; they double at each halving.
        channels: channels of an image.
        normalised: False is the critic of a WGAN-GP: biases instead of BatchNorm. So its output for an image depends
            on that image alone, in training too, as the gradient penalty requires.

    >>> features, logit = Discriminator(64, features=8)(torch.zeros(2, 1, 64, 64))
    >>> features.shape, logit.shape
    (torch.Size([2, 64, 4, 4]), torch.Size([2]))
    """

    def __init__(self, size: int, *, features: int, channels: int = 1, normalised: bool = True) -> None:
        super().__init__()
        self.pyramid = _pyramid(size, features, channels) if normalised else _plain_pyramid(size, features, channels)
        self.head = nn.Conv2d(_widest(size, features), 1, 4, bias=not normalised)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.pyramid(x)  # (batch, widest, 4, 4)
        return features, self.head(features).flatten()  # (batch,)


def _pyramid(size: int, features: int, channels: int) -> nn.Sequential:
    """From (channels, size, size) to (widest, 4, 4)."""
    layers: list[nn.Module] = [nn.Conv2d(channels, features, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
    width = features
    for _ in range(_doublings(size)):
        layers += [
            _shrinks(width, width * 2, deepest=width * 2 == _widest(size, features)),
            nn.BatchNorm2d(width * 2),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        width *= 2
    return nn.Sequential(*layers)


def _plain_pyramid(size: int, features: int, channels: int) -> nn.Sequential:
    """The same without BatchNorm, with biases."""
    layers: list[nn.Module] = []
    width = features
    for _ in range(_doublings(size) + 1):
        layers += [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        channels, width = width, width * 2
    return nn.Sequential(*layers)


def _shrinks(width: int, wider: int, *, deepest: bool) -> nn.Module:
    if deepest and wider >= _MATRIX_FROM:
        return MatrixConv2d(width, wider)
    return nn.Conv2d(width, wider, 4, 2, 1, bias=False)


def _grows(width: int, narrower: int, *, deepest: bool) -> nn.Module:
    if deepest and width >= _MATRIX_FROM:
        return MatrixConvTranspose2d(width, narrower)
    return nn.ConvTranspose2d(width, narrower, 4, 2, 1, bias=False)


def _doublings(size: int) -> int:
    doublings = size.bit_length() - 4  # 64 → 3: sides 32, 16, 8, 4
    if size < 16 or size & (size - 1):
        raise ValueError(f"size is {size}; the DCGAN blocks need a power of two from 16 up, such as 64, 128 or 256")
    return doublings


def _widest(size: int, features: int) -> int:
    return features << _doublings(size)
