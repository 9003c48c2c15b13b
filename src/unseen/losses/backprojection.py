"""Measurement consistency weighed in images instead of measurements, and its unbiased estimate under noise.

Where A weakens some of what it shows (tomography: a frequency by the root of its inverse), ‖A x̂ − p‖² hardly
changes between images that differ there, and its minimisation is very slow. B = A⁺, or filtered backprojection where A
has one, undoes the weakening: B(A x̂ − p) is the error in the image, as far as A shows it.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor

from unseen.losses.loss import Loss, Seen, observed
from unseen.losses.risk import Sure
from unseen.losses.sums import at_least_single, mean_square
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.measurement import Measurement
from unseen.physics.noise import standard_normal
from unseen.physics.poisson_noise import PoissonGaussian
from unseen.physics.tensor_products import inner


class BackprojectedConsistency(Loss):
    """‖B(A f(y) − p)‖² / n,  p = link⁻¹(y),  over the n real components of an image; B = FBP if A has one, else A⁺.

    It is zero where `MeasurementConsistency` is, and with noise teaches f to copy it, as that does: use
    `BackprojectedRisk`.

    Args:
        weight: ≥ 0.

    Example:
        >>> import torch
        >>> from unseen.losses import Seen
        >>> from unseen.physics import Identity, Measurement
        >>> process = Measurement(0.1 * Identity((1, 2, 2)))
        >>> seen = Seen(torch.ones(1, 1, 2, 2), process, lambda y, process: 10 * y + 3)
        >>> round(BackprojectedConsistency()(seen, generator=None).item(), 4)
        9.0
    """

    needs: ClassVar[frozenset[str]] = frozenset({"y", "A", "f"})
    compares = "images"

    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        del generator
        return mean_square(_backprojected(seen.process, _residual(seen)))

    def judge(self, process: Measurement) -> Loss:
        """Return itself without noise; with noise, the loss that judges by `BackprojectedRisk`."""
        return self if process.noise is None else BackprojectedRisk(weight=self.weight).judge(process)


class BackprojectedRisk(Loss):
    """The estimated risk E‖B(A f(y) − p̄)‖² / n, p̄ = the linearised measurement without noise:

    [‖B(A f(y) − p)‖² − ‖B e‖² + (2/τ) ⟨B e, B A (f(y') − f(y))⟩] / n,   e = √v ⊙ b,  b ~ N(0, I),
    y' = link(p + τ e),   v = Var(y) · (d link⁻¹(y)/dy)²

    `Sure` in another norm: Stein's lemma in the variable p, whose noise is nearly Gaussian, of variance v. Exact in
    the mean for Gaussian noise without a link, up to O(τ²); with counts it is of first order in the gain, for counts
    in hundreds or more. With `RobustEquivariance` it is REI.

    Args:
        tau: the step, > 0, in standard deviations of the noise; as in `Sure` half of one, which learns less noise by
            heart than shorter steps.
        weight: ≥ 0.

    Raises (when called):
        ValueError: the process has no noise.

    Example:
        >>> import torch
        >>> from unseen.losses import Seen
        >>> from unseen.physics import Gaussian, Identity, Measurement
        >>> y = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
        >>> copying = Seen(y, Measurement(Identity((1, 64, 64)), noise=Gaussian(1.0)), lambda y, process: y)
        >>> round(BackprojectedRisk()(copying, generator=torch.Generator().manual_seed(1)).item(), 1)
        1.0

    Source: Stein, Annals of Statistics 9 (1981) 1135-1151, for a quadratic risk with a matrix; Eldar, Generalized SURE
    for exponential families, IEEE TSP 57 (2009) 471-481, takes the projection onto what A shows, as B A does here.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"y", "A", "f"})
    compares = "images"

    def __init__(self, tau: float = 0.5, *, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        if not 0 < tau < math.inf:
            raise ValueError(f"tau is a step above 0 and finite, but got {tau}.")
        self.tau = float(tau)

    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        process = seen.process
        noise = noise_of_linearised(process, seen.y, generator=generator)
        p = process.linearise(at_least_single(seen.y)) + self.tau * noise
        perturbed = (p if process.link is None else process.link(p)).to(seen.y)
        residual, drawn = _residual(seen), _backprojected(process, noise)
        change = process.A(at_least_single(seen.again(perturbed) - seen.reconstruction))
        n = drawn[0].numel() * (2 if drawn.is_complex() else 1)
        divergence = inner(drawn, _backprojected(process, change)).flatten() / n
        return mean_square(_backprojected(process, residual)) - mean_square(drawn) + 2 / self.tau * divergence

    def judge(self, process: Measurement) -> Loss:
        """Return the risk in the measurements, where there is an estimator of it.

        B A is no projection where B is the FBP of few views: ‖B A d‖² > 10 ‖d‖² for some d. So it may rise while the
        error of the images still falls, and would stop a training too early.
        """
        return Sure(weight=self.weight) if isinstance(process.noise, (Gaussian, PoissonGaussian)) else self

    def __repr__(self) -> str:
        return f"{type(self).__name__}(tau={self.tau:g}, weight={self.weight:g})"


def noise_of_linearised(process: Measurement, y: Tensor, *, generator: torch.Generator | None) -> Tensor:
    """√v ⊙ b: noise as p = link⁻¹(y) has it, to first order; zero where nothing is measured. (batch, *A.range).

    Raises:
        ValueError: the process has no noise.
    """
    if process.noise is None:
        raise ValueError("A risk is of noisy measurements, but the process has no noise. Use BackprojectedConsistency.")
    y = at_least_single(y.detach())
    variance = process.noise.variance(y)
    deviation = (variance.real if variance.is_complex() else variance).clamp(min=0).sqrt()
    if process.link is not None:
        with torch.enable_grad():
            leaf = y.clone().requires_grad_()
            (slope,) = torch.autograd.grad(process.linearise(leaf).sum(), leaf)
        deviation = deviation * slope.abs()
    return observed(process, deviation * standard_normal(y, generator=generator))


def _residual(seen: Seen) -> Tensor:
    return seen.process.A(at_least_single(seen.reconstruction)) - seen.process.linearise(at_least_single(seen.y))


def _backprojected(process: Measurement, p: Tensor) -> Tensor:
    """B p: (batch, *A.domain)."""
    inverse = getattr(process.A, "fbp", process.A.pinv)
    image: Tensor = inverse(p)
    return image
