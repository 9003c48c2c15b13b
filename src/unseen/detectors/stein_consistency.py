"""`SteinConsistency`: consistency by SURE, for the two members of GANomaly's family that have it. The formula is
`losses.sure`'s.

The films' noise level is a setting, or is estimated on the training films: the median over films of the robust
estimate from their finest details. Real films are 8-bit and resampled, their noise small and correlated; SURE is then
nearly the squared error.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import Field

from unseen.detectors.detector import FitError, Fitting, Normals
from unseen.detectors.encoder_decoder_encoder import AdversarialSettings, Aim, EncoderDecoderEncoder
from unseen.losses.stein import sure, sure_literal
from unseen.physics.gaussian import Gaussian
from unseen.physics.mask import Mask

_LEAST_TAU_BF16 = (
    1e-2  # measured: unbiased under autocast at 1e-2 (tests of `losses.sure`); at 1e-3 the variance doubles
)


class SteinSettings(AdversarialSettings):
    """The thesis gives neither σ nor τ."""

    sigma: float | None = Field(default=None, ge=0, description="the films' noise, network units; none: estimated")
    tau: float = Field(default=1e-2, gt=0, description="step of the finite difference, network units")
    form: Literal["unbiased", "literal-mse", "literal-norm"] = Field(
        default="unbiased", description="literal: the thesis's equation 4.4 as it stands, to reproduce its figures"
    )


class SteinConsistency(EncoderDecoderEncoder):
    """Base of `ganomaly-sure` and `roi-sure`: [SURE of De∘E1 at x, target y = support ⊙ x] / n."""

    Config: ClassVar[type[SteinSettings]] = SteinSettings
    config: SteinSettings

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        if fitting.training.precision == "bf16" and self.config.tau < _LEAST_TAU_BF16:
            raise FitError(
                f"method.tau is {self.config.tau:g}: under bf16 its finite difference drowns in rounding. Take "
                f'{_LEAST_TAU_BF16:g} or more, or training.precision = "fp32"'
            )
        estimated = float(Gaussian.estimate(normals.images).median())
        self.facts = {
            "estimated_sigma": estimated,
            "sigma": estimated if self.config.sigma is None else self.config.sigma,
        }
        super().learn(normals, fitting)

    def consistency(self, aim: Aim, prediction: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        noise, target = Gaussian(self.facts["sigma"]), Mask(aim.support)
        modules = (self.networks["e1"], self.networks["de"])
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
