"""Consistency and risk weighed in images: the risk is unbiased, each of its terms counts, and both undo what A
weakens."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from unseen.losses import BackprojectedConsistency, BackprojectedRisk, Seen
from unseen.losses.loss import mean_square
from unseen.physics import BeerLambert, Gaussian, Identity, Measurement, PoissonGaussian, Tomography

SIZE, DRAWS = 8, 6000
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


def estimated_and_true(f: Network, process: Measurement, loss: BackprojectedRisk) -> tuple[Tensor, Tensor]:
    """The estimate and the true loss for each of many draws of the noise."""
    x = truth().expand(DRAWS, -1, -1, -1)
    y = process(x, generator=torch.Generator().manual_seed(0))
    estimate = loss(Seen(y, process, f), generator=torch.Generator().manual_seed(1))
    exact = mean_square(process.A.fbp(process.A(f(y, process)) - process.A(x)))  # type: ignore[attr-defined]
    return estimate.double(), exact.double()


def divergence_of(f: Network, process: Measurement, loss: BackprojectedRisk) -> float:
    """The risk's divergence term: what is left of the estimate beside its first two, in the mean."""
    x = truth().expand(DRAWS, -1, -1, -1)
    y = process(x, generator=torch.Generator().manual_seed(0))
    estimate = loss(Seen(y, process, f), generator=torch.Generator().manual_seed(1)).double().mean()
    fits = BackprojectedConsistency()(Seen(y, process, f), generator=None).double().mean()
    noise = mean_square(process.A.fbp(process.linearise(y) - process.A(x))).double().mean()  # type: ignore[attr-defined]
    return float(estimate - fits + noise)


@pytest.mark.parametrize("process", [GAUSSIAN, COUNTS], ids=["gaussian", "counts"])
@pytest.mark.parametrize("f", [linear, bent])
def test_the_risk_is_that_of_the_clean_measurement(f: Network, process: Measurement) -> None:
    """|z| < 3.5, with a standard error of at most 5 % of a divergence term that is at least 20 % of the risk."""
    loss = BackprojectedRisk(tau=1e-2)
    estimate, exact = estimated_and_true(f, process, loss)
    difference = estimate - exact
    error = float(difference.std()) / math.sqrt(DRAWS)
    divergence = divergence_of(f, process, loss)
    assert divergence > 0.2 * float(exact.mean())
    assert error <= 0.05 * divergence
    assert abs(float(difference.mean())) < 3.5 * error


@pytest.mark.parametrize("process", [GAUSSIAN, COUNTS], ids=["gaussian", "counts"])
def test_without_its_divergence_or_its_noise_term_it_is_biased(process: Measurement) -> None:
    loss = BackprojectedRisk(tau=1e-2)
    estimate, exact = estimated_and_true(bent, process, loss)
    x = truth().expand(DRAWS, -1, -1, -1)
    y = process(x, generator=torch.Generator().manual_seed(0))
    noise = mean_square(process.A.fbp(process.linearise(y) - process.A(x))).double()  # type: ignore[attr-defined]
    error = float((estimate - exact).std()) / math.sqrt(DRAWS)
    for missing in (divergence_of(bent, process, loss), float(noise.mean())):
        assert abs(missing) > 10 * error


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
