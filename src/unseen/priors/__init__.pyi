"""The public names of `unseen.priors`: read by type checkers, and by lazy_loader at run time."""

from .ae import AE as AE
from .discrepancy import by_discrepancy as by_discrepancy
from .fits import L1 as L1
from .fits import Features as Features
from .fits import Fit as Fit
from .fits import Squares as Squares
from .generator import Generator as Generator
from .latent_prior import Search as Search
from .principal_subspace import PrincipalSubspace as PrincipalSubspace
from .prior import Prior as Prior
from .range import Range as Range
from .saved import load as load
from .saved import save as save
from .soft import Soft as Soft
from .sparse import Sparse as Sparse
from .tikhonov import Tikhonov as Tikhonov
from .trained import TrainedGenerator as TrainedGenerator
from .tv import TV as TV
from .vae import VAE as VAE
from .validation import by_validation as by_validation
from .wgan_gp import WGANGP as WGANGP
from .wrapped import Wrapped as Wrapped

GENERATORS: dict[str, str]
PRIORS: dict[str, str]
