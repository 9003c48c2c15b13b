"""Consistency and risk weighed in images: the risk is unbiased, each of its terms counts, and both undo what A
weakens."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from unseen.losses import BackprojectedConsistency, BackprojectedRisk, Seen, Sure
from unseen.losses.sums import mean_square
from unseen.physics import BeerLambert, Gaussian, Identity, Measurement, PoissonGaussian, Tomography

SIZE, DRAWS = 8, 4000
A = Tomography(SIZE, 6)
GAUSSIAN = Measurement(A, noise=Gaussian(0.2))
COUNTS = Measurement(Tomography(SIZE, 6, pixel_size=0.1), link=BeerLambert(1000.0), noise=PoissonGaussian(1.0, 5.0))
Network = Callable[[Tensor, Measurement], Tensor]


def linear(y: Tensor, process: Measurement) -> Tensor:
    return 0.8 * process.A.fbp(process.linearise(y))  # type: ignore[attr-defined]


def bent(y: Tensor, process: Measurement) -> Tensor:
    return 0.7 * torch.tanh(1.5 * linear(y, process))


def truth() -> Tensor:
    return torch.rand(1, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


@dataclass(frozen=True)
class Drawn:
    """Over many draws of the noise: the mean of estimate − true loss, its standard error, the sizes of the terms."""

    bias: float
    standard_error: float
    risk: float
    divergence: float
    noise: float


PROCESSES = {"gaussian": GAUSSIAN, "counts": COUNTS}


@functools.cache
def drawn(f: Network, kind: str) -> Drawn:
    process = PROCESSES[kind]
    x = truth().expand(DRAWS, -1, -1, -1)
    y = process(x, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        estimate = BackprojectedRisk(tau=1e-2)(Seen(y, process, f), generator=torch.Generator().manual_seed(1)).double()
        exact = mean_square(process.A.fbp(process.A(f(y, process)) - process.A(x))).double()  # type: ignore[attr-defined]
        fits = BackprojectedConsistency()(Seen(y, process, f), generator=None).double()
        noise = mean_square(process.A.fbp(process.linearise(y) - process.A(x))).double()  # type: ignore[attr-defined]
    difference = estimate - exact
    return Drawn(
        bias=float(difference.mean()),
        standard_error=float(difference.std()) / math.sqrt(DRAWS),
        risk=float(exact.mean()),
        divergence=float((estimate - fits + noise).mean()),  # what is left of the estimate beside its first two terms
        noise=float(noise.mean()),
    )


@pytest.mark.parametrize(
    ("f", "kind"),
    [
        pytest.param(bent, "gaussian", marks=pytest.mark.nightly),
        (bent, "counts"),
        pytest.param(linear, "gaussian", marks=pytest.mark.nightly),
        pytest.param(linear, "counts", marks=pytest.mark.nightly),
    ],
)
def test_the_risk_is_that_of_the_clean_measurement(f: Network, kind: str) -> None:
    """|z| < 3.5, with a standard error of at most 5 % of a divergence term that is at least 20 % of the risk."""
    seen = drawn(f, kind)
    assert seen.divergence > 0.2 * seen.risk
    assert seen.standard_error <= 0.05 * seen.divergence
    assert abs(seen.bias) < 3.5 * seen.standard_error


@pytest.mark.parametrize("kind", PROCESSES)
def test_without_its_divergence_or_its_noise_term_it_is_biased(kind: str) -> None:
    seen = drawn(bent, kind)
    for missing in (seen.divergence, seen.noise):
        assert abs(missing) > 10 * seen.standard_error


def test_consistency_is_zero_exactly_where_the_measurement_is_met() -> None:
    x = truth()
    met = Seen(A(x), Measurement(A), lambda y, process: x)
    missed = Seen(A(x), Measurement(A), lambda y, process: x + 0.1)
    assert float(BackprojectedConsistency()(met, generator=None)) < 1e-20
    assert float(BackprojectedConsistency()(missed, generator=None)) > 1e-3


def test_what_the_operator_weakens_counts_as_any_other() -> None:
    """The same error in the image costs the same, however faintly A shows it."""
    x = truth()
    values = [
        float(
            BackprojectedConsistency()(
                Seen(factor * x, Measurement(factor * Identity((1, SIZE, SIZE))), lambda y, process: x + 0.5),
                generator=None,
            )
        )
        for factor in (0.01, 1.0, 100.0)
    ]
    assert values == pytest.approx([0.25, 0.25, 0.25])


def test_a_risk_needs_noise_and_a_step() -> None:
    with pytest.raises(ValueError, match="the process has no noise"):
        BackprojectedRisk()(Seen(A(truth()), Measurement(A), linear), generator=None)
    with pytest.raises(ValueError, match="tau is a step above 0"):
        BackprojectedRisk(tau=0.0)


def test_few_views_exaggerate_some_errors_so_that_measurements_judge() -> None:
    """‖B A d‖² > 10 ‖d‖² for the d that 40 steps of power iteration find; a projection would never exceed ‖d‖²."""
    few = Tomography(32, 12)
    d = torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    for _ in range(40):
        d = (d / d.norm()).requires_grad_()
        shown = few.fbp(few(d)).square().sum()
        (gradient,) = torch.autograd.grad(shown, d)
        d = gradient.detach()
    assert float(shown.detach()) > 10
    for loss in (BackprojectedConsistency(weight=2), BackprojectedRisk(weight=2)):
        judge = loss.judge(Measurement(few, noise=PoissonGaussian(1.0, 5.0)))
        assert isinstance(judge, Sure) and judge.weight == 2
        assert loss.judge(Measurement(few, noise=Gaussian(0.1))).compares == "measurements"
    assert isinstance(BackprojectedConsistency().judge(Measurement(few)), BackprojectedConsistency)
