"""`AeSsim`: an autoencoder held to structure rather than to grey values.

    loss = mean over the mask of 1 − SSIM(x, x̂);     marks = 1 − SSIM(x, x̂)

SSIM with a Gaussian window of σ = 1.5 pixels (`losses.similarity_map`).

Source: Bergmann, Löwe, Fauser, Sattlegger & Steger, "Improving unsupervised defect segmentation by applying structural
similarity to autoencoders", VISAPP 2019, equations 3 to 6.
"""

from __future__ import annotations

from torch import Tensor, nn

from unseen.detectors.restorer import CodeSettings, Restorer, mean_inside
from unseen.losses.structural_similarity import dissimilarity_map
from unseen.networks.dcgan import Decoder, Encoder

_PEAK = 2.0  # the range of network units


class AeSsim(Restorer):
    """Autoencoder by structural similarity.

    >>> AeSsim(size=64).config.latent
    16
    """

    key = "ae-ssim"

    Config = CodeSettings
    config: CodeSettings

    def build(self) -> nn.Module:
        size, features, latent = self.view.size, self.config.features, self.config.latent
        return nn.Sequential(
            Encoder(size, features=features, latent=latent), Decoder(size, features=features, latent=latent)
        )

    def loss(self, output: Tensor, x: Tensor, inside: Tensor) -> Tensor:
        return mean_inside(dissimilarity_map(output * inside, x, peak=_PEAK), inside)

    def marks(self, output: Tensor, x: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        return dissimilarity_map(output * inside, x, peak=_PEAK).clamp(min=0), output
