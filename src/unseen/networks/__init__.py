"""Networks: tensors to tensors. No loss, no data, no training.

`Encoder`, `Decoder`, `Discriminator` are the DCGAN blocks of the GAN detectors; `UNet` finds lungs; `ResNet18` tells
pictures apart; `ResidualUNet` removes artefacts; `initialise_dcgan` draws weights.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from unseen.networks.dcgan import Decoder as Decoder
    from unseen.networks.dcgan import Discriminator as Discriminator
    from unseen.networks.dcgan import Encoder as Encoder
    from unseen.networks.initialise import initialise_dcgan as initialise_dcgan
    from unseen.networks.residual_classifier import ResNet18 as ResNet18
    from unseen.networks.residual_unet import ResidualUNet as ResidualUNet
    from unseen.networks.unet import UNet as UNet

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "dcgan": ["Decoder", "Discriminator", "Encoder"],
        "initialise": ["initialise_dcgan"],
        "residual_classifier": ["ResNet18"],
        "residual_unet": ["ResidualUNet"],
        "unet": ["UNet"],
    },
)
