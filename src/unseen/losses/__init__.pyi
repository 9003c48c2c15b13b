"""The public names of `unseen.losses`: read by type checkers, and by lazy_loader at run time."""

from .adversarial import discriminator_bce as discriminator_bce
from .adversarial import feature_matching as feature_matching
from .backprojected import BackprojectedConsistency as BackprojectedConsistency
from .backprojected import BackprojectedRisk as BackprojectedRisk
from .equivariance import Equivariance as Equivariance
from .equivariance import RobustEquivariance as RobustEquivariance
from .equivariant_adversarial import EquivariantAdversarial as EquivariantAdversarial
from .evidence_lower_bound import kullback_leibler as kullback_leibler
from .evidence_lower_bound import negative_elbo as negative_elbo
from .gan import GAMES as GAMES
from .gan import GanLoss as GanLoss
from .gan import least_squares_discriminator as least_squares_discriminator
from .gan import least_squares_generator as least_squares_generator
from .gan import minimax_generator as minimax_generator
from .gan import non_saturating_generator as non_saturating_generator
from .gan import wasserstein_generator as wasserstein_generator
from .hudson import hudson_risk as hudson_risk
from .loss import Loss as Loss
from .loss import Seen as Seen
from .measurement import MeasurementConsistency as MeasurementConsistency
from .mixed_stein import mixed_sure as mixed_sure
from .multi_operator import MultiOperator as MultiOperator
from .recorrupted import Recorrupted as Recorrupted
from .recorrupted import recorrupted_risk as recorrupted_risk
from .risk import Sure as Sure
from .running_averages import running_averages_frozen as running_averages_frozen
from .scale_equivariance import ScaleEquivariance as ScaleEquivariance
from .splitting import Splitting as Splitting
from .stein import sure as sure
from .stein import sure_literal as sure_literal
from .structural_similarity import structural_dissimilarity as structural_dissimilarity
from .supervised import bce as bce
from .supervised import dice_loss as dice_loss
from .thinning import Thinning as Thinning
from .thinning import thinning_risk as thinning_risk
from .truth import Supervised as Supervised
from .wasserstein import gradient_penalty as gradient_penalty
from .wasserstein import wasserstein_critic as wasserstein_critic

LOSSES: dict[str, str]
