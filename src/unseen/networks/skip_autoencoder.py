"""U-Net of DCGAN blocks with a code: the encoder's maps at each scale are added to the decoder's.

    z = head(pyramid(x)),   x̂ = decoder(z), each of whose layers also gets the pyramid's of the same size

Details that pass over the bridges need not pass through z: the network learns the identity.

Source: Ronneberger, Fischer & Brox, "U-Net", MICCAI 2015 (form); the residual U-Net that Zhang, 2022, puts in the place
of GANomaly's first autoencoder.
"""

from torch import Tensor, nn

from unseen.networks.dcgan import DcganDecoder, DcganEncoder


class SkipAutoencoder(nn.Module):
    """Image (batch, 1, size, size) → code (batch, latent, 1, 1), and the image again.

    >>> import torch
    >>> z, restored = SkipAutoencoder(64, features=4, latent=8)(torch.zeros(2, 1, 64, 64))
    >>> z.shape, restored.shape
    (torch.Size([2, 8, 1, 1]), torch.Size([2, 1, 64, 64]))
    """

    def __init__(self, size: int, *, features: int, latent: int, slope: float = 0.0) -> None:
        super().__init__()
        self.encoder = DcganEncoder(size, features=features, latent=latent)
        self.decoder = DcganDecoder(size, features=features, latent=latent, slope=slope)

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
