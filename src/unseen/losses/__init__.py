"""Losses: one value per sample, each stating which of x (truth), y (measurement), A (operator) and f (network) it
needs.

For learning from measurements, the classes: a `Loss` looks at a batch of measurements and at what the network makes of
it (`Seen`). `MeasurementConsistency` and `Equivariance` together are EI, `Sure` and `RobustEquivariance` REI;
`Supervised` is for those who have the truth.

`sure` is the risk of a network on noisy pictures, known without the clean ones, `mixed_sure`, `hudson_risk`,
`thinning_risk` and `recorrupted_risk` its kin for counts; `sure_literal` are the thesis's two readings of it. The
`feature_matching` and `discriminator_bce` losses train GANs, `wasserstein_critic` and `gradient_penalty` a WGAN-GP,
`negative_elbo` a VAE; `GAMES` are the usual pairs of losses of a GAN, by name; `dice_loss` and `bce` need a mask;
`structural_dissimilarity` is 1 − SSIM.

`LOSSES` is this room's registry: a new loss is one file and one line here, and the contract tests find it.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from unseen.losses.adversarial import discriminator_bce as discriminator_bce
    from unseen.losses.adversarial import feature_matching as feature_matching
    from unseen.losses.backprojected import BackprojectedConsistency as BackprojectedConsistency
    from unseen.losses.backprojected import BackprojectedRisk as BackprojectedRisk
    from unseen.losses.equivariance import Equivariance as Equivariance
    from unseen.losses.equivariance import RobustEquivariance as RobustEquivariance
    from unseen.losses.equivariant_adversarial import EquivariantAdversarial as EquivariantAdversarial
    from unseen.losses.evidence_lower_bound import kullback_leibler as kullback_leibler
    from unseen.losses.evidence_lower_bound import negative_elbo as negative_elbo
    from unseen.losses.gan import GAMES as GAMES
    from unseen.losses.gan import GanLoss as GanLoss
    from unseen.losses.gan import least_squares_discriminator as least_squares_discriminator
    from unseen.losses.gan import least_squares_generator as least_squares_generator
    from unseen.losses.gan import minimax_generator as minimax_generator
    from unseen.losses.gan import non_saturating_generator as non_saturating_generator
    from unseen.losses.gan import wasserstein_generator as wasserstein_generator
    from unseen.losses.hudson import hudson_risk as hudson_risk
    from unseen.losses.loss import Loss as Loss
    from unseen.losses.loss import Seen as Seen
    from unseen.losses.measurement import MeasurementConsistency as MeasurementConsistency
    from unseen.losses.mixed_stein import mixed_sure as mixed_sure
    from unseen.losses.multi_operator import MultiOperator as MultiOperator
    from unseen.losses.recorrupted import Recorrupted as Recorrupted
    from unseen.losses.recorrupted import recorrupted_risk as recorrupted_risk
    from unseen.losses.risk import Sure as Sure
    from unseen.losses.running_averages import running_averages_frozen as running_averages_frozen
    from unseen.losses.scale_equivariance import ScaleEquivariance as ScaleEquivariance
    from unseen.losses.splitting import Splitting as Splitting
    from unseen.losses.stein import sure as sure
    from unseen.losses.stein import sure_literal as sure_literal
    from unseen.losses.structural_similarity import structural_dissimilarity as structural_dissimilarity
    from unseen.losses.supervised import bce as bce
    from unseen.losses.supervised import dice_loss as dice_loss
    from unseen.losses.thinning import Thinning as Thinning
    from unseen.losses.thinning import thinning_risk as thinning_risk
    from unseen.losses.truth import Supervised as Supervised
    from unseen.losses.wasserstein import gradient_penalty as gradient_penalty
    from unseen.losses.wasserstein import wasserstein_critic as wasserstein_critic

LOSSES = {
    "backprojected-consistency": "backprojected:BackprojectedConsistency",
    "backprojected-risk": "backprojected:BackprojectedRisk",
    "bce": "supervised:bce",
    "dice": "supervised:dice_loss",
    "discriminator-bce": "adversarial:discriminator_bce",
    "equivariance": "equivariance:Equivariance",
    "equivariant-adversarial": "equivariant_adversarial:EquivariantAdversarial",
    "feature-matching": "adversarial:feature_matching",
    "gradient-penalty": "wasserstein:gradient_penalty",
    "hudson-risk": "hudson:hudson_risk",
    "kullback-leibler": "evidence_lower_bound:kullback_leibler",
    "least-squares-discriminator": "gan:least_squares_discriminator",
    "least-squares-generator": "gan:least_squares_generator",
    "measurement-consistency": "measurement:MeasurementConsistency",
    "minimax-generator": "gan:minimax_generator",
    "mixed-sure": "mixed_stein:mixed_sure",
    "multi-operator": "multi_operator:MultiOperator",
    "negative-elbo": "evidence_lower_bound:negative_elbo",
    "non-saturating-generator": "gan:non_saturating_generator",
    "recorrupted": "recorrupted:Recorrupted",
    "recorrupted-risk": "recorrupted:recorrupted_risk",
    "robust-equivariance": "equivariance:RobustEquivariance",
    "scale-equivariance": "scale_equivariance:ScaleEquivariance",
    "splitting": "splitting:Splitting",
    "stein-risk": "risk:Sure",
    "structural-dissimilarity": "structural_similarity:structural_dissimilarity",
    "supervised": "truth:Supervised",
    "sure": "stein:sure",
    "sure-literal": "stein:sure_literal",
    "thinning": "thinning:Thinning",
    "thinning-risk": "thinning:thinning_risk",
    "wasserstein-critic": "wasserstein:wasserstein_critic",
    "wasserstein-generator": "gan:wasserstein_generator",
}

_attributes: dict[str, list[str]] = {
    "gan": ["GAMES", "GanLoss"],
    "loss": ["Loss", "Seen"],
    "running_averages": ["running_averages_frozen"],
}
for _place in LOSSES.values():
    _file, _, _name = _place.partition(":")
    _attributes.setdefault(_file, []).append(_name)

_lazy_getattr, _lazy_dir, _lazy_all = lazy_loader.attach(__name__, submod_attrs=_attributes)
__getattr__, __dir__ = _lazy_getattr, _lazy_dir
__all__ = sorted([*_lazy_all, "LOSSES"])
