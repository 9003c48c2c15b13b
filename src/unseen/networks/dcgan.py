"""DCGAN blocks: encoder, decoder, discriminator.

Kernel 4, stride 2, padding 1 throughout; the last convolution of an encoder or discriminator has stride 1 and padding
0. No biases, but for a critic without BatchNorm, whose shifts they take over. Sizes are powers of two from 16 up;
channels double as the side halves, down to 4×4.

Source: Radford, Metz, Chintala, ICLR 2016; the arrangement is that of GANomaly (Akcay, Atapour-Abarghouei, Breckon,
ACCV 2018).
"""

import torch
from torch import nn

from unseen.networks.matrix_convolution import MatrixConv2d, MatrixConvTranspose2d

_MATRIX_FROM = 1024  # channels from which the layer at 4×4 is taken as a matrix product; see there


class DcganEncoder(nn.Module):
    """Image (batch, channels, size, size) → latent (batch, latent, 1, 1).

    Args:
        size: side of an image in pixels, a power of two from 16 up.
        features: channels of the first convolution; they double at each halving.
        latent: length of the latent.
        channels: channels of an image.

    >>> DcganEncoder(64, features=8, latent=100)(torch.zeros(2, 1, 64, 64)).shape
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


class DcganDecoder(nn.Module):
    """Latent (batch, latent, 1, 1) → image (batch, channels, size, size) in [−1, 1], or of any size where it is not
    `bounded` by the last tanh.

    Args:
        size: side of an image in pixels, a power of two from 16 up.
        features: channels at half the images' side; they double at each halving below.
        latent: length of the latent.
        channels: channels of an image.
        slope: negative slope of the hidden activations: 0 is ReLU, as in GANomaly; 0.2 is LeakyReLU, as in the thesis.
        bounded: whether a tanh ends it.

    >>> DcganDecoder(64, features=8, latent=100)(torch.zeros(2, 100, 1, 1)).shape
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
    """Build the layers from (channels, size, size) to (widest, 4, 4)."""
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
    """Return the same without BatchNorm, with biases."""
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
