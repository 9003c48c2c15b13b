"""Every risk as it comes, with its default step, at scales from 1e-4 to 1e4: a z-test beside the true risk.

Images on [0, 1] times the scale, and noise of about a tenth of them. The nets are the linear and the smooth one of
`paired`, in the scale's units (where noise is faint, those whose own bias is small). Power: see `paired`; the standard
error is at most 5 % of the divergence term.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.losses.paired import FAINT_NETWORKS, LARGEST_Z, NETWORKS, image, paired
from tests.seeded import rng
from unseen.losses import BackprojectedRisk, Loss, MeasurementConsistency, Recorrupted, Seen, Sure, Thinning
from unseen.losses.count_thinning import thinned
from unseen.losses.independent_pair import IndependentPair
from unseen.losses.loss import observed, observed_count
from unseen.losses.recorruption import recorrupted
from unseen.losses.sums import squares
from unseen.physics import Gaussian, Identity, Mask, Measurement, Noise, Poisson, PoissonGaussian

SIZE, BATCH, BATCHES = 16, 250, 8
SCALES = [1e-4, 1.0, 1e4]
NOISES: dict[str, Callable[[float], Noise]] = {
    "Gaussian": lambda c: Gaussian(0.1 * c),
    "Poisson": lambda c: Poisson(0.02 * c),
    "mixed": lambda c: PoissonGaussian(0.02 * c, 0.05 * c),
    "counts in thousands": lambda c: Poisson(8e-4 * c),
}
CASES: list[tuple[Callable[[], Loss], str]] = [
    *((Sure, noise) for noise in NOISES),
    (BackprojectedRisk, "Gaussian"),
    (Recorrupted, "Gaussian"),
    (Thinning, "Poisson"),
]


def drawn(make: Callable[[], Loss], noise: Noise, network: str, c: float) -> Callable[[int], tuple[Tensor, ...]]:
    loss, x = make(), c * image(SIZE).float()
    net = (FAINT_NETWORKS if isinstance(noise, Poisson) and noise.gain < 1e-3 * c else NETWORKS)[network]
    A = Mask(torch.rand(1, SIZE, SIZE, generator=rng(5)) > 0.3)
    process = Measurement(Identity(A.domain) if isinstance(loss, BackprojectedRisk) else A, noise=noise)

    def f(y: Tensor, process: Measurement) -> Tensor:
        return c * net(process.A.pinv(y) / c)

    def one(seed: int) -> tuple[Tensor, ...]:
        y = process(x.expand(BATCH, -1, -1, -1), generator=rng(seed))
        estimate = loss(Seen(y, process, f), generator=rng(10_000 + seed)).double()
        given = y
        if isinstance(loss, IndependentPair):
            split = recorrupted if isinstance(noise, Gaussian) else thinned
            given = split(y, noise, share=loss.share, generator=rng(10_000 + seed))[0]  # type: ignore[arg-type]
        miss = observed(process, process.A(f(given, process).double() - x))
        m = observed_count(process, y)
        copied = MeasurementConsistency()(Seen(y, process, f), generator=None).double()
        level = noise.variance(observed(process, process.mean(x).double())).mean() * (x[0].numel() / m)
        if isinstance(noise, Gaussian):
            level = noise.sigma.double() ** 2
        true = squares(miss) / m
        return estimate / c**2, true / c**2, (true - copied + level).abs() / c**2

    return one


# A step that does not follow the scale fails at the outermost scales: each risk and noise there by the smooth network,
# and one at scale 1 by the linear one. `make nightly` has every combination.
ONCE = {*((*case, "smooth", scale) for case in CASES for scale in (1e-4, 1e4)), (*CASES[0], "linear", 1.0)}
EVERY = [(*case, network, scale) for case in CASES for network in NETWORKS for scale in SCALES]


@pytest.mark.parametrize(
    ("make", "noise", "network", "scale"),
    [
        pytest.param(*one, marks=[] if one in ONCE else pytest.mark.nightly, id=f"{one[0].__name__}, {one[1:]}")
        for one in EVERY
    ],
)
def test_a_risk_as_it_comes_is_unbiased_at_every_scale(
    make: Callable[[], Loss], noise: str, network: str, scale: float
) -> None:
    seen = paired(drawn(make, NOISES[noise](scale), network, scale), BATCHES)  # type: ignore[arg-type]
    seen.assert_unbiased()


def test_the_same_test_refuses_a_step_that_does_not_follow_the_scale() -> None:
    """A step of 0.01 in every unit, the earlier default, gives a biased risk at scale 1e-4."""
    one, small = (
        paired(drawn(lambda: Sure(tau=1e-2), Gaussian(0.1 * scale), "smooth", scale), BATCHES)  # type: ignore[arg-type]
        for scale in (1.0, 1e-4)
    )
    one.assert_unbiased()
    assert abs(small.z) > LARGEST_Z
