"""The public names of `unseen.networks`: read by type checkers, and by lazy_loader at run time."""

from .dcgan import DcganDecoder as DcganDecoder
from .dcgan import DcganEncoder as DcganEncoder
from .dcgan import Discriminator as Discriminator
from .dcgan_initialisation import initialise_dcgan as initialise_dcgan
from .pair_discriminator import PairDiscriminator as PairDiscriminator
from .patch_discriminator import PatchDiscriminator as PatchDiscriminator
from .residual_generator import ResidualCritic as ResidualCritic
from .residual_generator import ResidualGenerator as ResidualGenerator
from .residual_unet import ResidualUNet as ResidualUNet
from .resnet import ResNet18 as ResNet18
from .unet import UNet as UNet
