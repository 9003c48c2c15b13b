"""Losses: one value per sample, each stating which of x (truth), y (measurement), A (operator) and f (network) it
needs.

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
        "backprojected-consistency": "measurement:BackprojectedConsistency",
        "backprojected-risk": "measurement:BackprojectedRisk",
        "bce": "supervised:bce",
        "dice": "supervised:dice_loss",
        "discriminator-bce": "generative:discriminator_bce",
        "equivariance": "equivariance:Equivariance",
        "equivariant-adversarial": "equivariance:EquivariantAdversarial",
        "feature-matching": "generative:feature_matching",
        "gradient-penalty": "generative:gradient_penalty",
        "hudson-risk": "sure_poisson:hudson_risk",
        "kullback-leibler": "generative:kullback_leibler",
        "least-squares-discriminator": "generative:least_squares_discriminator",
        "least-squares-generator": "generative:least_squares_generator",
        "measurement-consistency": "measurement:MeasurementConsistency",
        "minimax-generator": "generative:minimax_generator",
        "mixed-sure": "sure_poisson:mixed_sure",
        "multi-operator": "measurement:MultiOperator",
        "negative-elbo": "generative:negative_elbo",
        "non-saturating-generator": "generative:non_saturating_generator",
        "recorrupted": "splitting:Recorrupted",
        "recorrupted-risk": "splitting:recorrupted_risk",
        "robust-equivariance": "equivariance:RobustEquivariance",
        "scale-equivariance": "equivariance:ScaleEquivariance",
        "splitting": "splitting:Splitting",
        "stein-risk": "risk:Sure",
        "structural-dissimilarity": "supervised:structural_dissimilarity",
        "supervised": "supervised:Supervised",
        "sure": "sure_gaussian:sure",
        "sure-literal": "sure_gaussian:sure_literal",
        "thinning": "splitting:Thinning",
        "thinning-risk": "splitting:thinning_risk",
        "unsure": "unsure:Unsure",
        "wasserstein-critic": "generative:wasserstein_critic",
        "wasserstein-generator": "generative:wasserstein_generator",
    },
)


__getattr__, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted([*_names, "LOSSES"])
