"""Networks: tensors to tensors. No loss, no data, no training.

`DcganEncoder`, `DcganDecoder`, `Discriminator` are the DCGAN blocks of the GAN detectors, `PairDiscriminator` sees an
image and its code, `ResidualGenerator` and `ResidualCritic` are WGAN-GP's; `UNet` finds lungs; `ResNet18` classifies
images; `ResidualUNet` removes artefacts; `initialise_dcgan` draws weights.
"""

import lazy_loader

from unseen.deprecation import renamed

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__getattr__ = renamed(
    __name__, {"Decoder": "DcganDecoder", "Encoder": "DcganEncoder"}, removed_in="0.4", otherwise=__getattr__
)
