"""Networks made of DCGAN blocks: an inlier generator, a discriminator of pairs, a U-Net with a code.

A generator that draws from noise and from a picture.

    picture   blocks that halve the side, each 1×1, 3×3 and 5×5 kernels side by side, down to 4×4
    noise     linear, to 4×4
    joined    1×1, then the DCGAN decoder's transposed convolutions; tanh

Source: Motamed, Rogalla & Khalvati, "RANDGAN: randomized generative adversarial network for detection of COVID-19 in
chest X-ray", Scientific Reports 11 (2021), figure 2; the kernels side by side are Szegedy et al.'s, CVPR 2015.

A discriminator of pairs: a picture and a code.

Source: Donahue, Krähenbühl & Darrell, "Adversarial feature learning", ICLR 2017 (BiGAN); Zenati et al., "Efficient
GAN-based anomaly detection", 2018 (the two branches, joined).

A U-Net of DCGAN blocks, with a code: what the encoder saw at each scale is added to the decoder's.

    z = head(pyramid(x)),   x̂ = decoder(z), each of whose layers also gets the pyramid's of the same size

What passes over the bridges need not pass through z: it learns the identity.

Source: Ronneberger, Fischer & Brox, "U-Net", MICCAI 2015 (form); the residual U-Net that Zhang, 2022, puts in the place
of GANomaly's first autoencoder.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from unseen.networks.dcgan import Decoder, Discriminator, Encoder
from unseen.networks.resnet import PointwiseConv2d


class InlierGenerator(nn.Module):
    """Noise (batch, latent) and a picture (batch, 1, size, size) → a picture in [−1, 1].

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
        self.picture = nn.Sequential(*(_Inception(narrow, wide) for narrow, wide in pairwise(widths)))
        self.noise = nn.Linear(latent, widest * 16)
        self.joined = nn.Sequential(nn.Conv2d(2 * widest, widest, 1), *list(decoder.layers)[1:])

    def forward(self, noise: Tensor, picture: Tensor) -> Tensor:
        from_noise = self.noise(noise).reshape(len(noise), -1, 4, 4)
        made: Tensor = self.joined(torch.cat([from_noise, self.picture(picture)], dim=1))
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

    The picture goes through the DCGAN pyramid to `joint` numbers, the code through a layer to as many, both together
    through one more.

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
    """Picture (batch, 1, size, size) → code (batch, latent, 1, 1), and the picture again.

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
