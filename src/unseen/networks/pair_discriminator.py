"""Discriminator of pairs: an image and a code.

Source: Donahue, Krähenbühl & Darrell, "Adversarial feature learning", ICLR 2017 (BiGAN); Zenati et al., "Efficient
GAN-based anomaly detection", 2018 (the two branches, joined).
"""

import torch
from torch import Tensor, nn

from unseen.networks.dcgan import Discriminator


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
