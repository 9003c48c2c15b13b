"""The public names of `unseen.losses`: read by type checkers, and by lazy_loader at run time."""

import unseen.artifacts.registry

from .equivariance import Equivariance as Equivariance
from .equivariance import EquivariantAdversarial as EquivariantAdversarial
from .equivariance import RobustEquivariance as RobustEquivariance
from .equivariance import ScaleEquivariance as ScaleEquivariance
from .generative import GAMES as GAMES
from .generative import GanLoss as GanLoss
from .generative import discriminator_bce as discriminator_bce
from .generative import feature_matching as feature_matching
from .generative import gradient_penalty as gradient_penalty
from .generative import kullback_leibler as kullback_leibler
from .generative import least_squares_discriminator as least_squares_discriminator
from .generative import least_squares_generator as least_squares_generator
from .generative import minimax_generator as minimax_generator
from .generative import negative_elbo as negative_elbo
from .generative import non_saturating_generator as non_saturating_generator
from .generative import wasserstein_critic as wasserstein_critic
from .generative import wasserstein_generator as wasserstein_generator
from .loss import Loss as Loss
from .loss import Seen as Seen
from .loss import at_least_single as at_least_single
from .loss import running_averages_frozen as running_averages_frozen
from .measurement import BackprojectedConsistency as BackprojectedConsistency
from .measurement import BackprojectedRisk as BackprojectedRisk
from .measurement import MeasurementConsistency as MeasurementConsistency
from .measurement import MultiOperator as MultiOperator
from .objectives import objective as objective
from .risk import Sure as Sure
from .splitting import Recorrupted as Recorrupted
from .splitting import Splitting as Splitting
from .splitting import Thinning as Thinning
from .splitting import recorrupted_risk as recorrupted_risk
from .splitting import thinning_risk as thinning_risk
from .supervised import Supervised as Supervised
from .supervised import bce as bce
from .supervised import dice_loss as dice_loss
from .supervised import structural_dissimilarity as structural_dissimilarity
from .sure_gaussian import sure as sure
from .sure_gaussian import sure_literal as sure_literal
from .sure_poisson import hudson_risk as hudson_risk
from .sure_poisson import mixed_sure as mixed_sure
from .unsure import Unsure as Unsure

LOSSES: unseen.artifacts.registry.Registry
