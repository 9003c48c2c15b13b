"""`RoiSure` and its relatives: consistency by SURE, by the squared error, and GANomaly with SURE.

`SteinConsistency`: consistency by SURE, for the two members of GANomaly's family that have it. The formulas are
those of `losses.sure`, and of `losses.mixed_sure` where the noise is that of counts.

    gaussian   x = x₀ + σ n
    poisson    u = gain · Poisson(u₀ / gain),           u = (x + 1) / 2 from 0 to 1: bright pixels are noisier
    mixed      the same, and Gaussian read-out of σ in x's units

The films' noise level is a setting, or is estimated on the training films: the median over films of the robust
estimate from their finest details. Real films are 8-bit and resampled, their noise small and correlated; SURE is then
nearly the squared error.

`RoiSure`, the thesis's own detector: sees the film, answers with the lungs alone.

    Ŷ = De(E1(X)),  Y = M ⊙ X;   score = ‖E1(X) − E2(Ŷ)‖₂
    L_G = 1·mean (f(Y) − f(Ŷ))² + 50·SURE + 1·mean (E1(X) − E2(Ŷ))²
    SURE = [ ‖h(X) − Y‖² − σ²m + (2σ²/τ) (Mb)ᵀ(h(X + τMb) − h(X)) ] / n,   h = De∘E1,  b ~ N(0, I),  m = |M|

SURE is unbiased for E‖h(X) − M ⊙ X₀‖²/n, X₀ the noise-free film. The thesis's equation 4.4 counts σ² once and lacks
1/τ: it is kept as `form = "literal-mse"` and `"literal-norm"`. The mask is the predicted one and shapes training's
target; the score needs none.

Source: the thesis, sections 4.2–4.3; SURE: Stein 1981, Ramani, Blu, Unser 2008.

`RoiOracle`: `roi-sure` with the plain squared error in the place of SURE; the thesis's "oracle", and its only
true twin.

consistency = mean (Y − Ŷ)²,   Y = M ⊙ X,  Ŷ = De(E1(X));   score = ‖E1(X) − E2(Ŷ)‖₂

`GanomalySure`: GANomaly with SURE in the place of its mean |x − x̂| (the thesis's appendix B.2).

    consistency = [ ‖h(x) − x‖² − σ²m + (2σ²/τ) (Mb)ᵀ(h(x + τMb) − h(x)) ] / n,   h = De∘E1,  b ~ N(0, I)

M = 1, m = n on a whole film. Where the image is a masked crop, only the m pixels inside carry noise, and M is
that mask.
"""

from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from pydantic import Field

from unseen.detectors.fitting import Fitting, Normals
from unseen.detectors.ganomaly import AdversarialSettings, Aim, EncoderDecoderEncoder
from unseen.detectors.weights import FitError
from unseen.losses.sure_gaussian import sure, sure_literal
from unseen.losses.sure_poisson import mixed_sure
from unseen.physics.noise import Gaussian, Poisson, PoissonGaussian
from unseen.physics.operator import Mask

if TYPE_CHECKING:
    from unseen.anatomy.view import View

_LEAST_TAU_BF16 = (
    1e-2  # measured: unbiased under autocast at 1e-2 (tests of `losses.sure`); at 1e-3 the variance doubles
)


class SteinSettings(AdversarialSettings):
    """The thesis gives neither σ nor τ."""

    sigma: float | None = Field(
        default=None,
        ge=0,
        description="σ of the films' noise; None: estimated",
        json_schema_extra={"unit": "network units"},
    )
    tau: float = Field(
        default=1e-2, gt=0, description="step of the finite difference", json_schema_extra={"unit": "network units"}
    )
    noise: Literal["gaussian", "poisson", "mixed"] = Field(
        default="gaussian", description="noise model that SURE assumes"
    )
    gain: float | None = Field(
        default=None, gt=0, le=1, description="of counts, in units of (x + 1) / 2: variance over mean; none: estimated"
    )
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
        if self.config.noise == "gaussian":
            estimated = float(Gaussian.estimate(normals.images).median())
            self.facts = {
                "estimated_sigma": estimated,
                "sigma": estimated if self.config.sigma is None else self.config.sigma,
            }
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
                f"method.noise = {self.config.noise}: its second difference drowns in the rounding of bf16. Take "
                'training.precision = "fp32"'
            )

    def _counts_of(self, images: torch.Tensor) -> dict[str, float]:
        """Gain, in units of u, and σ, in units of x: as they are set, or as the films show them."""
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
    """Network units, −1 to 1, as intensities from 0 to 1: what counts are proportional to."""
    return (x + 1) / 2


class RoiSure(SteinConsistency):
    """Lung-focused GAN, held to the noise-free lungs by SURE.

    >>> RoiSure(size=64, features=16).config.form
    'unbiased'
    """

    key = "roi-sure"
    needs_lungs = True

    if TYPE_CHECKING:

        def __init__(
            self,
            config: SteinSettings | None = None,
            *,
            view: View | None = None,
            size: int | None = None,
            features: int = 32,
            latent: int = 100,
            decoder_slope: float = 0.2,
            adversarial_weight: float = 1.0,
            consistency_weight: float = 50.0,
            encoding_weight: float = 1.0,
            learning_rate: float = 0.0002,
            sigma: float | None = None,
            tau: float = 0.01,
            noise: Literal["gaussian", "poisson", "mixed"] = "gaussian",
            gain: float | None = None,
            form: Literal["unbiased", "literal-mse", "literal-norm"] = "unbiased",
        ) -> None: ...

    def aim(self, image: torch.Tensor, inside: torch.Tensor, lungs: torch.Tensor) -> Aim:
        return Aim(x=image, y=image * lungs, support=lungs)


class RoiOracle(EncoderDecoderEncoder):
    """Lung-focused GAN, held to the lungs as they were seen.

    >>> RoiOracle(size=64, features=16).needs_lungs
    True
    """

    key = "roi-oracle"
    needs_lungs = True

    if TYPE_CHECKING:

        def __init__(
            self,
            config: AdversarialSettings | None = None,
            *,
            view: View | None = None,
            size: int | None = None,
            features: int = 32,
            latent: int = 100,
            decoder_slope: float = 0.2,
            adversarial_weight: float = 1.0,
            consistency_weight: float = 50.0,
            encoding_weight: float = 1.0,
            learning_rate: float = 0.0002,
        ) -> None: ...

    def aim(self, image: torch.Tensor, inside: torch.Tensor, lungs: torch.Tensor) -> Aim:
        return Aim(x=image, y=image * lungs, support=lungs)

    def consistency(self, aim: Aim, prediction: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        return ((aim.y - prediction.float()) ** 2).flatten(1).mean(1)


class GanomalySure(SteinConsistency):
    """GANomaly whose reconstruction is held to the noise-free image, by Stein's unbiased risk estimate.

    >>> GanomalySure(size=64).config.tau
    0.01
    """

    key = "ganomaly-sure"

    if TYPE_CHECKING:

        def __init__(
            self,
            config: SteinSettings | None = None,
            *,
            view: View | None = None,
            size: int | None = None,
            features: int = 32,
            latent: int = 100,
            decoder_slope: float = 0.2,
            adversarial_weight: float = 1.0,
            consistency_weight: float = 50.0,
            encoding_weight: float = 1.0,
            learning_rate: float = 0.0002,
            sigma: float | None = None,
            tau: float = 0.01,
            noise: Literal["gaussian", "poisson", "mixed"] = "gaussian",
            gain: float | None = None,
            form: Literal["unbiased", "literal-mse", "literal-norm"] = "unbiased",
        ) -> None: ...

    def aim(self, image: torch.Tensor, inside: torch.Tensor, lungs: torch.Tensor) -> Aim:
        masked = image * inside
        return Aim(x=masked, y=masked, support=inside)
