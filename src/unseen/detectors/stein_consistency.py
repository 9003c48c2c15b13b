"""Consistency by SURE with its noise level, for the detectors `roi-sure` and `ganomaly-sure`.

The formulas are those of `losses.sure`, and of `losses.mixed_sure` for noise of counts.

    gaussian   x = x₀ + σ n
    poisson    u = gain · Poisson(u₀ / gain),           u = (x + 1) / 2 from 0 to 1: bright pixels are noisier
    mixed      the same, and Gaussian read-out of σ in x's units

The films' noise level is a setting, or is estimated on the training films: the median over films of the robust
estimate from their finest details. Real films are 8-bit and resampled, their noise small and correlated; SURE is then
nearly the squared error.
"""

from typing import Literal

import torch
from pydantic import Field

from unseen.detectors.errors import FitError
from unseen.detectors.fitting import Fitting
from unseen.detectors.ganomaly_family import AdversarialSettings, Aim, EncoderDecoderEncoder
from unseen.detectors.normals import Normals
from unseen.detectors.sure_noise import Sigma, Tau, check_tau, noise_level
from unseen.losses.sure_gaussian import sure, sure_literal
from unseen.losses.sure_poisson import mixed_sure
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.operator import Mask
from unseen.physics.poisson_noise import Poisson, PoissonGaussian


class SteinSettings(AdversarialSettings):
    """The thesis gives neither σ nor τ."""

    sigma: Sigma = None
    tau: Tau = 1e-2
    noise: Literal["gaussian", "poisson", "mixed"] = Field(
        default="gaussian", description="noise model that SURE assumes"
    )
    gain: float | None = Field(
        default=None, gt=0, le=1, description="of counts, in units of (x + 1) / 2: variance over mean; none: estimated"
    )
    form: Literal["unbiased", "literal-mse", "literal-norm"] = Field(
        default="unbiased", description="literal: the thesis's equation 4.4 as printed, to reproduce its figures"
    )


class SteinConsistency(EncoderDecoderEncoder):
    """Base of `ganomaly-sure` and `roi-sure`: [SURE of De∘E1 at x, target y = support ⊙ x] / n."""

    Config = SteinSettings
    config: SteinSettings

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        check_tau(self.config.tau, fitting.training)
        if self.config.noise == "gaussian":
            self.facts = noise_level(normals.images, self.config.sigma)
        else:
            self._check_counts(fitting)
            self.facts = self._counts_of(normals.images)
        super().learn(normals, fitting)

    def consistency(self, aim: Aim, prediction: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        target = Mask(aim.support)
        modules = (self.networks["e1"], self.networks["de"])
        if self.config.noise != "gaussian":
            gain = self.facts["gain"]

            def answer(prediction: torch.Tensor) -> torch.Tensor:
                return (prediction + aim.support) / 2  # an intensity where one is asked for; else the answer is 0

            total = mixed_sure(
                lambda u: answer(self.reconstruct(2 * u - 1)),
                intensity(aim.x),
                PoissonGaussian(gain, self.facts["sigma"] / 2),
                target,
                tau=max(gain, self.config.tau) / 2,
                generator=rng,
                prediction=answer(prediction.float()),
                modules=modules,
            )
            return 4 * total / aim.x[0].numel()  # squares of u count a quarter of those of x
        noise = Gaussian(self.facts["sigma"])
        tau = self.config.tau
        if self.config.form == "unbiased":
            total = sure(
                self.reconstruct, aim.x, noise, target, tau=tau, generator=rng, prediction=prediction, modules=modules
            )
            return total / aim.x[0].numel()
        form: Literal["mse", "norm"] = "mse" if self.config.form == "literal-mse" else "norm"
        return sure_literal(
            self.reconstruct,
            aim.x,
            noise,
            target,
            form=form,
            tau=tau,
            generator=rng,
            prediction=prediction,
            modules=modules,
        )

    def _check_counts(self, fitting: Fitting) -> None:
        if self.config.form != "unbiased":
            raise FitError(f"method.form: {self.config.form} is for Gaussian noise. Leave it or method.noise out")
        if fitting.training.precision == "bf16":
            raise FitError(
                f"method.noise = {self.config.noise}: under bf16 rounding errors exceed its second difference. Take "
                'training.precision = "fp32"'
            )

    def _counts_of(self, images: torch.Tensor) -> dict[str, float]:
        """Return the gain, in units of u, and σ, in units of x: from the settings, or estimated from the films."""
        gain, sigma = self.config.gain, 0.0 if self.config.noise == "poisson" else self.config.sigma
        if gain is None or sigma is None:
            u = intensity(images)
            try:
                found = Poisson.estimate(u) if self.config.noise == "poisson" else PoissonGaussian.estimate(u)
            except ValueError as error:
                raise FitError(f"method.gain: the films show too little to estimate it ({error}). Set it") from error
            gain = found.gain if gain is None else gain
            sigma = 2 * found.sigma if sigma is None else sigma
        return {"gain": gain, "sigma": sigma}


def intensity(x: torch.Tensor) -> torch.Tensor:
    """Map network units, −1 to 1, to intensities from 0 to 1, to which counts are proportional."""
    return (x + 1) / 2
