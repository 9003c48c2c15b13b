"""Networks of GANs: residual ones of WGAN-GP, and those made of DCGAN blocks.

The residual generator and critic of WGAN-GP, of squares from 16 pixels up.

    generator   z → linear → 4×4, then blocks that double the side: x + (BatchNorm, ReLU, 3×3) twice; BatchNorm, ReLU,
                3×3, tanh
    critic      3×3, then blocks that halve the side: x + (LayerNorm, ReLU, 3×3) twice; linear

At 64 pixels the widths are 8, 8, 4, 2 and 1 times `features`. LayerNorm normalises an image by itself, over all its
channels and places, with a scale and a shift a channel: a GroupNorm of one group.

Source: Gulrajani, Ahmed, Arjovsky, Dumoulin & Courville, "Improved training of Wasserstein GANs", NeurIPS 2017,
appendix F (the 64 × 64 network); as f-AnoGAN (Schlegl et al., Medical Image Analysis 2019) has it.

Networks made of DCGAN blocks: an inlier generator, a discriminator of pairs, a U-Net with a code.

A generator that draws from noise and from an image.

    image   blocks that halve the side, each 1×1, 3×3 and 5×5 kernels side by side, down to 4×4
    noise     linear, to 4×4
    joined    1×1, then the DCGAN decoder's transposed convolutions; tanh

Source: Motamed, Rogalla & Khalvati, "RANDGAN: randomized generative adversarial network for detection of COVID-19 in
chest X-ray", Scientific Reports 11 (2021), figure 2; the kernels side by side are Szegedy et al.'s, CVPR 2015.

A discriminator of pairs: an image and a code.

Source: Donahue, Krähenbühl & Darrell, "Adversarial feature learning", ICLR 2017 (BiGAN); Zenati et al., "Efficient
GAN-based anomaly detection", 2018 (the two branches, joined).

A U-Net of DCGAN blocks, with a code: what the encoder saw at each scale is added to the decoder's.

    z = head(pyramid(x)),   x̂ = decoder(z), each of whose layers also gets the pyramid's of the same size

What passes over the bridges need not pass through z: it learns the identity.

Source: Ronneberger, Fischer & Brox, "U-Net", MICCAI 2015 (form); the residual U-Net that Zhang, 2022, puts in the place
of GANomaly's first autoencoder.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from unseen.networks.dcgan import Decoder, Discriminator, Encoder
from unseen.networks.resnet import PointwiseConv2d


class ResidualGenerator(nn.Module):
    """Latent (batch, latent, 1, 1) → image (batch, 1, size, size) in [−1, 1].

    Args:
        size: side of an image in pixels, a power of two from 16 up.
        features: channels at full size.
        latent: length of the latent.

    >>> import torch
    >>> ResidualGenerator(64, features=4, latent=16)(torch.zeros(2, 16, 1, 1)).shape
    torch.Size([2, 1, 64, 64])
    """

    def __init__(self, size: int, *, features: int, latent: int) -> None:
        super().__init__()
        widths = _widths(size, features)[::-1]
        self.start = nn.Linear(latent, widths[0] * 16)
        self.blocks = nn.Sequential(*(_Up(wide, narrow) for wide, narrow in pairwise(widths)))
        self.end = nn.Sequential(
            nn.BatchNorm2d(features), nn.ReLU(inplace=True), nn.Conv2d(features, 1, 3, padding=1), nn.Tanh()
        )

    def forward(self, z: Tensor) -> Tensor:
        started = self.start(z.flatten(1))
        image: Tensor = self.end(self.blocks(started.reshape(len(z), -1, 4, 4)))
        return image


class ResidualCritic(nn.Module):
    """Image (batch, 1, size, size) → f, the features before the last layer, (batch, widest, 4, 4), and `outputs`
    numbers an image, (batch, outputs): a score, or a code.

    Args:
        size: side of an image in pixels, a power of two from 16 up.
        features: channels at full size.
        outputs: numbers per image: 1 for a score, the latent's length for a code.

    >>> import torch
    >>> features, score = ResidualCritic(64, features=4)(torch.zeros(2, 1, 64, 64))
    >>> features.shape, score.shape
    (torch.Size([2, 32, 4, 4]), torch.Size([2, 1]))
    """

    def __init__(self, size: int, *, features: int, outputs: int = 1) -> None:
        super().__init__()
        widths = _widths(size, features)
        self.start = nn.Conv2d(1, features, 3, padding=1)
        self.blocks = nn.Sequential(*(_Down(narrow, wide) for narrow, wide in pairwise(widths)))
        self.head = nn.Linear(widths[-1] * 16, outputs)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.blocks(self.start(x))
        return features, self.head(features.flatten(1))


class _Up(nn.Module):
    """Doubles the side."""

    def __init__(self, wide: int, narrow: int) -> None:
        super().__init__()
        self.straight = nn.Conv2d(wide, narrow, 1)
        self.norms = nn.ModuleList([nn.BatchNorm2d(wide), nn.BatchNorm2d(narrow)])
        self.first = nn.Conv2d(wide, narrow, 3, padding=1, bias=False)
        self.second = nn.Conv2d(narrow, narrow, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        u = self.first(_doubled(functional.relu(self.norms[0](x))))
        u = self.second(functional.relu(self.norms[1](u)))
        doubled: Tensor = self.straight(_doubled(x)) + u
        return doubled


class _Down(nn.Module):
    """Halves the side."""

    def __init__(self, narrow: int, wide: int) -> None:
        super().__init__()
        self.straight = nn.Conv2d(narrow, wide, 1)
        self.norms = nn.ModuleList([nn.GroupNorm(1, narrow), nn.GroupNorm(1, narrow)])
        self.first = nn.Conv2d(narrow, narrow, 3, padding=1, bias=False)
        self.second = nn.Conv2d(narrow, wide, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        u = self.first(functional.relu(self.norms[0](x)))
        u = self.second(functional.relu(self.norms[1](u)))
        halved: Tensor = self.straight(functional.avg_pool2d(x, 2)) + functional.avg_pool2d(u, 2)
        return halved


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


def _widths(size: int, features: int) -> list[int]:
    """Channels from full size down to 4×4: 1, 2, 4, 8, 8 times the features at 64 pixels."""
    halvings = size.bit_length() - 3
    if size < 16 or size & (size - 1):
        raise ValueError(f"size is {size}; these networks need a power of two from 16 up, such as 64, 128 or 256")
    return [features << min(level, halvings - 1) for level in range(halvings + 1)]


class InlierGenerator(nn.Module):
    """Noise (batch, latent) and an image (batch, 1, size, size) → an image in [−1, 1].

    >>> G = InlierGenerator(64, features=4, latent=8)
    >>> G(torch.rand(2, 8), torch.zeros(2, 1, 64, 64)).shape
    torch.Size([2, 1, 64, 64])
    """

    def __init__(self, size: int, *, features: int, latent: int) -> None:
        super().__init__()
        decoder = Decoder(size, features=features, latent=latent)
        halvings = size.bit_length() - 3
        widths = [1, *(features << level for level in range(halvings))]
        widest = widths[-1]  # the decoder's at 4×4
        self.image = nn.Sequential(*(_Inception(narrow, wide) for narrow, wide in pairwise(widths)))
        self.noise = nn.Linear(latent, widest * 16)
        self.joined = nn.Sequential(nn.Conv2d(2 * widest, widest, 1), *list(decoder.layers)[1:])

    def forward(self, noise: Tensor, image: Tensor) -> Tensor:
        from_noise = self.noise(noise).reshape(len(noise), -1, 4, 4)
        made: Tensor = self.joined(torch.cat([from_noise, self.image(image)], dim=1))
        return made


class _Inception(nn.Module):
    """Three kernels side by side, the side halved."""

    def __init__(self, narrow: int, wide: int) -> None:
        super().__init__()
        shares = (wide // 4, wide // 2, wide - wide // 4 - wide // 2)
        self.kernels = nn.ModuleList(
            PointwiseConv2d(narrow, share, 2)
            if side == 1
            else nn.Conv2d(narrow, share, side, stride=2, padding=side // 2, bias=False)
            for share, side in zip(shares, (1, 3, 5), strict=True)
        )
        self.after = nn.Sequential(nn.BatchNorm2d(wide), nn.LeakyReLU(0.2, inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.after(torch.cat([kernel(x) for kernel in self.kernels], dim=1))
        return found


class PairDiscriminator(nn.Module):
    """x (batch, 1, size, size) and z (batch, latent, 1, 1) → f, (batch, joint), the layer before the last, and a logit,
    (batch,).

    The image goes through the DCGAN pyramid to `joint` numbers, the code through a layer to as many, both together
    through one more.

    Args:
        size: side of an image in pixels, a power of two from 16 up.
        features: channels of the first convolution; they double at each halving.
        latent: length of the latent.
        joint: width of the layers that join image and latent.
        normalised: whether there is BatchNorm; False for the critic of a WGAN-GP.

    >>> D = PairDiscriminator(64, features=4, latent=8)
    >>> features, logit = D(torch.zeros(2, 1, 64, 64), torch.zeros(2, 8, 1, 1))
    >>> features.shape, logit.shape
    (torch.Size([2, 128]), torch.Size([2]))
    """

    def __init__(self, size: int, *, features: int, latent: int, joint: int = 128, normalised: bool = True) -> None:
        super().__init__()
        image = Discriminator(size, features=features, normalised=normalised)
        widest = image.head.in_channels
        self.image = nn.Sequential(image.pyramid, nn.Flatten(), nn.Linear(widest * 16, joint))
        self.code = nn.Sequential(nn.Linear(latent, joint), nn.LeakyReLU(0.2))
        self.both = nn.Sequential(nn.LeakyReLU(0.2), nn.Linear(2 * joint, joint), nn.LeakyReLU(0.2))
        self.head = nn.Linear(joint, 1)

    def forward(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        features = self.both(torch.cat([self.image(x), self.code(z.flatten(1))], dim=1))
        return features, self.head(features).flatten()


class SkipAutoencoder(nn.Module):
    """Image (batch, 1, size, size) → code (batch, latent, 1, 1), and the image again.

    >>> import torch
    >>> z, restored = SkipAutoencoder(64, features=4, latent=8)(torch.zeros(2, 1, 64, 64))
    >>> z.shape, restored.shape
    (torch.Size([2, 8, 1, 1]), torch.Size([2, 1, 64, 64]))
    """

    def __init__(self, size: int, *, features: int, latent: int, slope: float = 0.0) -> None:
        super().__init__()
        self.encoder = Encoder(size, features=features, latent=latent)
        self.decoder = Decoder(size, features=features, latent=latent, slope=slope)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        bridges = []
        for layer in self.encoder.pyramid:
            x = layer(x)
            if isinstance(layer, nn.LeakyReLU):
                bridges.append(x)  # (batch, features·2^level, size/2^(level+1), …)
        z = self.encoder.head(x)
        u = z
        for layer in self.decoder.layers:
            u = layer(u)
            if isinstance(layer, nn.LeakyReLU):
                u = u + bridges.pop()
        return z, u
