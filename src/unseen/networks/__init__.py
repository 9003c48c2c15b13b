"""Networks: tensors to tensors. No loss, no data, no training.

`Encoder`, `Decoder`, `Discriminator` are the DCGAN blocks of the GAN detectors, `PairDiscriminator` sees a picture and
its code, `ResidualGenerator` and `ResidualCritic` are WGAN-GP's; `UNet` finds lungs; `ResNet18` tells pictures apart;
`ResidualUNet` removes artefacts; `initialise_dcgan` draws weights.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from unseen.networks.dcgan import Decoder as Decoder
    from unseen.networks.dcgan import Discriminator as Discriminator
    from unseen.networks.dcgan import Encoder as Encoder
    from unseen.networks.initialise import initialise_dcgan as initialise_dcgan
    from unseen.networks.pair_discriminator import PairDiscriminator as PairDiscriminator
    from unseen.networks.residual_classifier import ResNet18 as ResNet18
    from unseen.networks.residual_gan import ResidualCritic as ResidualCritic
    from unseen.networks.residual_gan import ResidualGenerator as ResidualGenerator
    from unseen.networks.residual_unet import ResidualUNet as ResidualUNet
    from unseen.networks.unet import UNet as UNet

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "dcgan": ["Decoder", "Discriminator", "Encoder"],
        "initialise": ["initialise_dcgan"],
        "pair_discriminator": ["PairDiscriminator"],
        "residual_classifier": ["ResNet18"],
        "residual_gan": ["ResidualCritic", "ResidualGenerator"],
        "residual_unet": ["ResidualUNet"],
        "unet": ["UNet"],
    },
)
