"""The public names of `unseen.priors`: read by type checkers, and by lazy_loader at run time."""

import unseen.artifacts.registry

from .autoencoders import AE as AE
from .autoencoders import VAE as VAE
from .discrepancy_principle import by_discrepancy as by_discrepancy
from .fits import L1 as L1
from .fits import Features as Features
from .fits import Fit as Fit
from .fits import KullbackLeibler as KullbackLeibler
from .fits import Squares as Squares
from .fits import Transmission as Transmission
from .generative import Range as Range
from .generative import Soft as Soft
from .generative import Sparse as Sparse
from .generator import Generator as Generator
from .grid_validation import by_validation as by_validation
from .lasso import Lasso as Lasso
from .lasso import OrthogonalBasis as OrthogonalBasis
from .principal_subspace import PrincipalSubspace as PrincipalSubspace
from .prior import Prior as Prior
from .saved import load as load
from .saved import save as save
from .search_settings import Search as Search
from .tgv import TGV as TGV
from .tikhonov import Tikhonov as Tikhonov
from .trained import TrainedGenerator as TrainedGenerator
from .tv import TV as TV
from .wavelet_transform import WaveletTransform as WaveletTransform
from .wavelets import Wavelets as Wavelets
from .wgan_gp import WGANGP as WGANGP
from .wrapped_generator import Wrapped as Wrapped

GENERATORS: unseen.artifacts.registry.Registry
PRIORS: unseen.artifacts.registry.Registry
