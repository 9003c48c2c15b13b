"""Networks: tensors to tensors. No loss, no data, no training.

`Encoder`, `Decoder`, `Discriminator` are the DCGAN blocks of the GAN detectors, `PairDiscriminator` sees an image and
its code, `ResidualGenerator` and `ResidualCritic` are WGAN-GP's; `UNet` finds lungs; `ResNet18` classifies images;
`ResidualUNet` removes artefacts; `initialise_dcgan` draws weights.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
