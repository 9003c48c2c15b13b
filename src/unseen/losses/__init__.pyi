"""The public names of `unseen.losses`: read by type checkers, and by lazy_loader at run time."""

import unseen.artifacts.registry

from .backprojection import BackprojectedConsistency as BackprojectedConsistency
from .backprojection import BackprojectedRisk as BackprojectedRisk
from .count_thinning import Thinning as Thinning
from .count_thinning import thinning_risk as thinning_risk
from .discriminator_cross_entropy import discriminator_bce as discriminator_bce
from .elbo import kullback_leibler as kullback_leibler
from .elbo import negative_elbo as negative_elbo
from .equivariance import Equivariance as Equivariance
from .equivariance import RobustEquivariance as RobustEquivariance
from .equivariant_adversarial import EquivariantAdversarial as EquivariantAdversarial
from .equivariant_splitting import EquivariantSplitting as EquivariantSplitting
from .exact_poisson_risk import hudson_risk as hudson_risk
from .gan_games import GAMES as GAMES
from .gan_games import GanLoss as GanLoss
from .gan_games import least_squares_discriminator as least_squares_discriminator
from .gan_games import least_squares_generator as least_squares_generator
from .gan_games import minimax_generator as minimax_generator
from .gan_games import non_saturating_generator as non_saturating_generator
from .loss import Loss as Loss
from .loss import Seen as Seen
from .mask_losses import bce as bce
from .mask_losses import dice_loss as dice_loss
from .matched_features import feature_matching as feature_matching
from .measurement_consistency import MeasurementConsistency as MeasurementConsistency
from .multi_operator import MultiOperator as MultiOperator
from .objectives import objective as objective
from .recorrupted_equivariance import RecorruptedEquivariance as RecorruptedEquivariance
from .recorruption import Recorrupted as Recorrupted
from .recorruption import recorrupted_risk as recorrupted_risk
from .risk import Sure as Sure
from .running_averages import running_averages_frozen as running_averages_frozen
from .scale_equivariance import ScaleEquivariance as ScaleEquivariance
from .splitting import Splitting as Splitting
from .structural_similarity import structural_dissimilarity as structural_dissimilarity
from .sums import at_least_single as at_least_single
from .supervised import Supervised as Supervised
from .sure_gaussian import sure as sure
from .sure_gaussian import sure_literal as sure_literal
from .sure_poisson import mixed_sure as mixed_sure
from .unsure import Unsure as Unsure
from .wasserstein import gradient_penalty as gradient_penalty
from .wasserstein import wasserstein_critic as wasserstein_critic
from .wasserstein import wasserstein_generator as wasserstein_generator

LOSSES: unseen.artifacts.registry.Registry
