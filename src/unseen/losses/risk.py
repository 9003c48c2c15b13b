"""SURE as a training descends it: the risk of what is remeasured, by the estimator that the noise asks for."""

import math
import warnings
from typing import ClassVar

import torch
from torch import Tensor

from unseen.losses.loss import Loss, Seen, observed, observed_count
from unseen.losses.sums import at_least_single
from unseen.losses.sure_gaussian import rounded_away, sure
from unseen.losses.sure_poisson import mixed_sure
from unseen.physics.argument_checks import number
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.poisson_noise import PoissonGaussian

COUNTS_TAU = 1e-4  # of the brightest mean; 10 at 1e5 photons, as the authors of REI take it
LEAST_TAU = 1e-2  # of the gain, for images that are black
LARGEST_GAIN = 0.1  # of the brightest mean, to which the second order is reliable
FIRST_ORDER_GAIN = 1e-3  # of the brightest mean, below which the second order adds nothing


class Sure(Loss):
    """The estimated risk E‖link(A f(y)) − u‖² / m on the m observed real components, u = the measurement without noise.

    For `MeasurementConsistency` where there is noise: with `RobustEquivariance` it is REI. By `sure` for Gaussian
    noise; for counts by `mixed_sure`, to first order where the gain is below 0.001 of the brightest mean that the batch
    shows, else to second.

    Args:
        tau: the finite difference's step in y's units, > 0. None: sigma / 2 for Gaussian noise; for counts gain / 2
            (second order) or 1e-4 of the sample's brightest mean (first); at least what the network's precision rounds.
        order: 1 or 2, for counts alone; None: chosen as described above.
        weight: ≥ 0, the papers' α_sure.

    Warns (when called):
        RuntimeWarning: second order with a gain above a tenth of the brightest mean: not reliable, use `Thinning`.

    Raises (when called):
        ValueError: the process has no noise.
        TypeError: a noise without an estimator here.

    Example:
        >>> import torch
        >>> from unseen.losses import Seen
        >>> from unseen.physics import Gaussian, Identity, Measurement
        >>> y = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
        >>> copying = Seen(y, Measurement(Identity((1, 64, 64)), noise=Gaussian(1.0)), lambda y, process: y)
        >>> round(Sure()(copying, generator=torch.Generator().manual_seed(1)).item(), 1)
        1.0

    Source: Chen, Tachella & Davies, Robust equivariant imaging, CVPR 2022, arXiv 2111.12855, with the mixed risk as
    `mixed_sure` has it.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"y", "A", "f"})

    def __init__(self, tau: float | None = None, *, order: int | None = None, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        if tau is not None and not 0 < number("tau", tau) < math.inf:
            raise ValueError(f"tau is a step above 0 and finite, but got {tau}.")
        if order not in (None, 1, 2):
            raise ValueError(f"order is 1 or 2 in the gain, or None, but got {order}.")
        self.tau, self.order = tau, order

    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        process, y = seen.process, seen.y

        def again(other: Tensor) -> Tensor:
            return observed(process, process.mean(seen.again(other)))

        prediction, target = observed(process, seen.remeasured), process.A.observed()
        m = observed_count(process, y).clamp(min=1)
        if isinstance(process.noise, Gaussian):
            total = sure(
                again,
                y,
                process.noise,
                target,
                tau=self.tau,
                generator=generator,
                prediction=prediction,
            )
        elif isinstance(process.noise, PoissonGaussian):
            brightest = brightest_mean(observed(process, y.detach()), process.noise)
            order = order_for(process.noise, brightest, self.order)
            tau: float | Tensor | None = self.tau
            if tau is None:
                first = (COUNTS_TAU * brightest).clamp(min=LEAST_TAU * process.noise.gain)
                tau = first if order == 1 else torch.full_like(first, process.noise.gain / 2)
                tau = torch.maximum(tau, rounded_away(y, target))
            total = mixed_sure(
                again, y, process.noise, target, order=order, tau=tau, generator=generator, prediction=prediction
            )
        elif process.noise is None:
            raise ValueError("Sure takes the noise off the risk, but the process has none: use MeasurementConsistency.")
        else:
            raise TypeError(
                f"Sure knows Gaussian noise and counts, but got {type(process.noise).__name__}. Use a loss that needs "
                "no law of the noise, such as Splitting."
            )
        return total / m.to(total)

    def __repr__(self) -> str:
        return f"Sure(tau={self.tau}, order={self.order}, weight={self.weight:g})"


def brightest_mean(y: Tensor, noise: PoissonGaussian) -> Tensor:
    """Return the largest u that each sample's largest y speaks for, u + 3 √(gain u + sigma²) = max y: (batch,), ≥
    gain.
    """
    largest = at_least_single(y).flatten(1).amax(dim=1).clamp(min=3 * noise.sigma)
    half = largest + 4.5 * noise.gain
    root = half**2 - (largest**2 - 9 * noise.sigma**2)
    return (half - root.sqrt()).clamp(min=noise.gain)


def order_for(noise: PoissonGaussian, brightest: Tensor, asked: int | None) -> int:
    """Return the order that was asked for, else 1 or 2 by the brightest of a batch.

    Warns:
        RuntimeWarning: it is 2, and that is not reliable.
    """
    peak = float(brightest.max())
    order = asked or (1 if noise.gain < FIRST_ORDER_GAIN * peak else 2)
    if order == 2 and noise.gain > LARGEST_GAIN * peak:
        warnings.warn(
            f"A count adds {noise.gain:g} to means of up to {peak:.3g}: above a tenth of them the second-order risk of "
            "counts is not reliable. Use Thinning, which is exact for Poisson noise.",
            RuntimeWarning,
            stacklevel=4,
        )
    return order
