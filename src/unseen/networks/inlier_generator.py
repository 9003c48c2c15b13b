"""Generator of RANDGAN, which draws from noise and from an image.

    image   blocks that halve the side, each 1×1, 3×3 and 5×5 kernels side by side, down to 4×4
    noise     linear, to 4×4
    joined    1×1, then the DCGAN decoder's transposed convolutions; tanh

Source: Motamed, Rogalla & Khalvati, "RANDGAN: randomized generative adversarial network for detection of COVID-19 in
chest X-ray", Scientific Reports 11 (2021), figure 2; the kernels side by side are Szegedy et al.'s, CVPR 2015.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from unseen.networks.dcgan import DcganDecoder
from unseen.networks.pointwise_convolution import PointwiseConv2d


class InlierGenerator(nn.Module):
    """Noise (batch, latent) and an image (batch, 1, size, size) → an image in [−1, 1].

    >>> G = InlierGenerator(64, features=4, latent=8)
    >>> G(torch.rand(2, 8), torch.zeros(2, 1, 64, 64)).shape
    torch.Size([2, 1, 64, 64])
    """

    def __init__(self, size: int, *, features: int, latent: int) -> None:
        super().__init__()
        decoder = DcganDecoder(size, features=features, latent=latent)
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
