"""Losses: one value per sample.

Each states which of x (truth), y (measurement), A (operator) and f (network) it needs.

For learning from measurements, the classes: a `Loss` looks at a batch of measurements and at what the network makes of
it (`Seen`). `MeasurementConsistency` and `Equivariance` together are EI, `Sure` and `RobustEquivariance` REI;
`Supervised` is for those who have the truth, `Unsure` for those who do not know how noisy their measurements are.

`sure` is the risk of a network on noisy images, known without the clean ones, `mixed_sure`, `hudson_risk`,
`thinning_risk` and `recorrupted_risk` its kin for counts; `sure_literal` are the thesis's two readings of it. The
`feature_matching` and `discriminator_bce` losses train GANs, `wasserstein_critic` and `gradient_penalty` a WGAN-GP,
`negative_elbo` a VAE; `GAMES` are the usual pairs of losses of a GAN, by name; `dice_loss` and `bce` need a mask;
`structural_dissimilarity` is 1 − SSIM.

`LOSSES` is this package's registry: a new loss is one file, one line here, its name in `__init__.pyi` and an
entry in its contract test, which fails until it is there.
"""

import lazy_loader

from unseen.artifacts.registry import Registry

LOSSES = Registry(
    package="losses",
    kind="loss",
    group="unseen.losses",
    names={
        "backprojected-consistency": "backprojection:BackprojectedConsistency",
        "backprojected-risk": "backprojection:BackprojectedRisk",
        "bce": "mask_losses:bce",
        "dice": "mask_losses:dice_loss",
        "discriminator-bce": "discriminator_cross_entropy:discriminator_bce",
        "equivariance": "equivariance:Equivariance",
        "equivariant-adversarial": "equivariant_adversarial:EquivariantAdversarial",
        "equivariant-splitting": "equivariant_splitting:EquivariantSplitting",
        "feature-matching": "matched_features:feature_matching",
        "gradient-penalty": "wasserstein:gradient_penalty",
        "hudson-risk": "exact_poisson_risk:hudson_risk",
        "kullback-leibler": "elbo:kullback_leibler",
        "least-squares-discriminator": "gan_games:least_squares_discriminator",
        "least-squares-generator": "gan_games:least_squares_generator",
        "measurement-consistency": "measurement_consistency:MeasurementConsistency",
        "minimax-generator": "gan_games:minimax_generator",
        "mixed-sure": "sure_poisson:mixed_sure",
        "multi-operator": "multi_operator:MultiOperator",
        "negative-elbo": "elbo:negative_elbo",
        "non-saturating-generator": "gan_games:non_saturating_generator",
        "recorrupted": "recorruption:Recorrupted",
        "recorrupted-equivariance": "recorrupted_equivariance:RecorruptedEquivariance",
        "recorrupted-risk": "recorruption:recorrupted_risk",
        "robust-equivariance": "equivariance:RobustEquivariance",
        "scale-equivariance": "scale_equivariance:ScaleEquivariance",
        "splitting": "splitting:Splitting",
        "stein-risk": "risk:Sure",
        "structural-dissimilarity": "structural_similarity:structural_dissimilarity",
        "supervised": "supervised:Supervised",
        "sure": "sure_gaussian:sure",
        "sure-literal": "sure_gaussian:sure_literal",
        "thinning": "count_thinning:Thinning",
        "thinning-risk": "count_thinning:thinning_risk",
        "unsure": "unsure:Unsure",
        "wasserstein-critic": "wasserstein:wasserstein_critic",
        "wasserstein-generator": "wasserstein:wasserstein_generator",
    },
)


__getattr__, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted([*_names, "LOSSES"])
