"""The public names of `unseen.networks`: read by type checkers, and by lazy_loader at run time."""

from .dcgan import Decoder as Decoder
from .dcgan import Discriminator as Discriminator
from .dcgan import Encoder as Encoder
from .dcgan import initialise_dcgan as initialise_dcgan
from .gan_networks import PairDiscriminator as PairDiscriminator
from .gan_networks import ResidualCritic as ResidualCritic
from .gan_networks import ResidualGenerator as ResidualGenerator
from .resnet import ResNet18 as ResNet18
from .unet import ResidualUNet as ResidualUNet
from .unet import UNet as UNet
