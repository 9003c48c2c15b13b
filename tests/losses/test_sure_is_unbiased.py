"""SURE against the true risk: a z-test over paired draws, and the same test on formulas that lack a term.

Each draw of noise n gives y = x + n, the estimate from y alone, and the loss that it estimates, ‖h(y) − B x‖², from
the truth. Their difference has mean zero if and only if the estimate is unbiased.

Power: at |z| > 3.5 a bias of 5.15 standard errors is found with probability 0.95, and an unbiased formula is wrongly
refused with probability 0.0005. The standard error is asserted to be at most 5 % of the divergence term, and is 0.9 %
of it (lungs) and 0.6 % (whole film) over 250 draws: a bias of 4.6 % of that term would be found. `make nightly` takes
2,000 draws, and about a third of that bias would be found.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from tests.seeded import rng
from unseen.losses.sure_gaussian import sure, sure_literal
from unseen.physics import Gaussian, Mask

SIZE, SIGMA, TAU = 24, 0.4, 1e-3
FEW, MANY, BATCH = 250, 2000, 250  # draws
LARGEST_Z = 3.5


@functools.cache
def network() -> nn.Module:
    """Return a non-linear convolutional net in eval mode, BatchNorm with running averages of its own, that passes much
    noise on."""
    torch.manual_seed(3)
    net = nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1),
        nn.BatchNorm2d(12),
        nn.LeakyReLU(0.2),
        nn.Conv2d(12, 12, 3, padding=1),
        nn.BatchNorm2d(12),
        nn.Softplus(),
        nn.Conv2d(12, 1, 3, padding=1),
        nn.Tanh(),
    )
    optimiser = torch.optim.Adam(net.parameters(), 5e-3)
    for step in range(60):  # towards copying its input, as a network does that is trained on noisy films without SURE
        x = torch.randn(16, 1, SIZE, SIZE, generator=rng(100 + step))
        loss = ((net(x) - x) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net.eval().requires_grad_(False)


def film() -> Tensor:
    axis = torch.linspace(-1, 1, SIZE)
    return (0.5 * torch.cos(3 * axis)[:, None] + 0.4 * torch.sin(5 * axis)[None, :]).reshape(1, 1, SIZE, SIZE)


def lungs() -> Tensor:
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, SIZE), torch.linspace(-1, 1, SIZE), indexing="ij")
    return ((((columns.abs() - 0.45) / 0.32) ** 2 + (rows / 0.8) ** 2) < 1).reshape(1, SIZE, SIZE)


TARGETS: dict[str, Callable[[], Mask | None]] = {"lungs": lambda: Mask(lungs()), "whole film": lambda: None}


@dataclass(frozen=True)
class Paired:
    """Figures of an estimator from paired draws; `z`: mean difference to the true loss over its standard error."""

    z: float
    standard_error: float
    divergence: float
    risk: float


def divergence_term(h: nn.Module, y: Tensor, target: Mask | None, seed: int) -> Tensor:
    """(2σ²/τ)(Bb)ᵀ(h(y + τBb) − h(y)), written out for this test alone."""
    b = torch.randn(y.shape, generator=rng(seed))
    b = b if target is None else b * target.mask
    return 2 * SIGMA**2 / TAU * (b * (h(y + TAU * b) - h(y))).sum((1, 2, 3))


Estimator = Callable[[nn.Module, Tensor, Mask | None, int], Tensor]


def default(h: nn.Module, y: Tensor, target: Mask | None, seed: int) -> Tensor:
    return sure(h, y, Gaussian(SIGMA), target, tau=TAU, generator=rng(seed))


def without_divergence(h: nn.Module, y: Tensor, target: Mask | None, seed: int) -> Tensor:
    return default(h, y, target, seed) - divergence_term(h, y, target, seed)


def without_one_over_tau(h: nn.Module, y: Tensor, target: Mask | None, seed: int) -> Tensor:
    return default(h, y, target, seed) - (1 - TAU) * divergence_term(h, y, target, seed)


def counted_over_the_whole_film(h: nn.Module, y: Tensor, target: Mask | None, seed: int) -> Tensor:
    assert target is not None
    return default(h, y, target, seed) - SIGMA**2 * (SIZE**2 - int(target.counts()))


def perturbed_over_the_whole_film(h: nn.Module, y: Tensor, target: Mask | None, seed: int) -> Tensor:
    return without_divergence(h, y, target, seed) + divergence_term(h, y, None, seed)


def literal_mse(h: nn.Module, y: Tensor, target: Mask | None, seed: int) -> Tensor:
    return SIZE**2 * sure_literal(h, y, Gaussian(SIGMA), target, form="mse", tau=TAU, generator=rng(seed))


def literal_norm(h: nn.Module, y: Tensor, target: Mask | None, seed: int) -> Tensor:
    return SIZE**2 * sure_literal(h, y, Gaussian(SIGMA), target, form="norm", tau=TAU, generator=rng(seed))


def literal_norm_as_it_stands(h: nn.Module, y: Tensor, target: Mask | None, seed: int) -> Tensor:
    return sure_literal(h, y, Gaussian(SIGMA), target, form="norm", tau=TAU, generator=rng(seed))


def paired_draws(estimate: Estimator, target: Mask | None, *, draws: int = FEW) -> Paired:
    h, x = network(), film()
    true = x if target is None else target(x)
    differences, divergences, risks = [], [], []
    with torch.no_grad():
        for start in range(0, draws, BATCH):
            y = x + SIGMA * torch.randn(BATCH, 1, SIZE, SIZE, generator=rng(7 + start))
            loss = ((h(y) - true) ** 2).sum((1, 2, 3))
            differences.append(estimate(h, y, target, 50_000 + start) - loss)
            divergences.append(divergence_term(h, y, target, 50_000 + start))
            risks.append(loss)
    difference = torch.cat(differences).double()
    standard_error = float(difference.std() / draws**0.5)
    return Paired(
        z=float(difference.mean()) / standard_error,
        standard_error=standard_error,
        divergence=float(torch.cat(divergences).mean()),
        risk=float(torch.cat(risks).mean()),
    )


@pytest.mark.parametrize("draws", [FEW, pytest.param(MANY, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("target", TARGETS)
def test_sure_is_unbiased(target: str, draws: int) -> None:
    seen = paired_draws(default, TARGETS[target](), draws=draws)
    assert seen.divergence >= 0.2 * seen.risk
    assert seen.standard_error <= 0.05 * seen.divergence
    assert abs(seen.z) < LARGEST_Z, seen


def test_sure_is_unbiased_in_half_precision_at_a_step_above_its_rounding() -> None:
    def half(h: nn.Module, y: Tensor, target: Mask | None, seed: int) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = ((h(y).float() - film() * lungs()) ** 2).sum((1, 2, 3))
            return sure(h, y, Gaussian(SIGMA), target, tau=1e-2, generator=rng(seed)) - loss + single(h, y)

    def single(h: nn.Module, y: Tensor) -> Tensor:  # what paired_draws takes off again
        with torch.autocast("cpu", enabled=False):
            return ((h(y) - film() * lungs()) ** 2).sum((1, 2, 3))

    seen = paired_draws(half, Mask(lungs()))
    assert seen.standard_error <= 0.05 * seen.divergence
    assert abs(seen.z) < LARGEST_Z, seen


WRONG = [
    *(
        (wrong, target)
        for wrong in (
            without_divergence,
            without_one_over_tau,
            literal_mse,
            literal_norm,
            literal_norm_as_it_stands,
        )
        for target in TARGETS
    ),
    (counted_over_the_whole_film, "lungs"),
    (perturbed_over_the_whole_film, "lungs"),
]


# By day each term once, over the lungs.
OFTEN = [
    (wrong, "lungs")
    for wrong in (without_divergence, counted_over_the_whole_film, perturbed_over_the_whole_film, literal_mse)
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong, target",
    [
        pytest.param(*one, marks=[] if one in OFTEN else pytest.mark.nightly, id=f"{one[0].__name__}-{one[1]}")
        for one in WRONG
    ],
)
def test_the_same_test_refuses_a_formula_that_is_wrong_in_a_term(wrong: Estimator, target: str) -> None:
    seen = paired_draws(wrong, TARGETS[target]())
    assert abs(seen.z) > LARGEST_Z, seen


@pytest.mark.slow
def test_sure_is_unbiased_for_a_batch_that_normalises_itself() -> None:
    """Batch normalisation in train mode couples the samples; the sum over the batch still has the total derivative."""
    h, x, target = copy.deepcopy(network()).train(), film(), Mask(lungs())
    differences, divergences = [], []
    with torch.no_grad():
        for draw in range(200):
            y = x + SIGMA * torch.randn(4, 1, SIZE, SIZE, generator=rng(7 + draw))
            loss = ((h(y) - target(x)) ** 2).sum()
            differences.append(sure(h, y, Gaussian(SIGMA), target, tau=TAU, generator=rng(50_000 + draw)).sum() - loss)
            if draw % 8 == 0:  # only its size is asked for
                divergences.append(divergence_term(h, y, target, 50_000 + draw).sum())
    difference = torch.stack(differences).double()
    standard_error = float(difference.std() / len(difference) ** 0.5)
    assert standard_error <= 0.05 * float(torch.stack(divergences).mean())
    assert abs(float(difference.mean()) / standard_error) < LARGEST_Z


def test_for_a_linear_network_the_divergence_is_a_trace() -> None:
    """h(y) = W y: E over b of sure is ‖W y − B y‖² − σ² m + 2σ² tr(B W B), exactly, for each y."""
    size, sigma, m = 4, 0.7, 16
    W = torch.randn(m, m, generator=rng(1), dtype=torch.float64)
    keep = torch.rand(size, size, generator=rng(2)) > 0.5
    B = torch.diag(keep.flatten().double())
    y = torch.randn(1, 1, size, size, generator=rng(3), dtype=torch.float64)

    def h(batch: Tensor) -> Tensor:
        return (batch.flatten(1) @ W.T).reshape(batch.shape)

    exact = ((W - B) @ y.flatten()).square().sum() - sigma**2 * int(keep.sum()) + 2 * sigma**2 * torch.trace(B @ W @ B)
    draws = sure(h, y.expand(200_000, -1, -1, -1), Gaussian(sigma), Mask(keep), tau=0.3, generator=rng(4))
    standard_error = draws.std() / len(draws) ** 0.5
    assert standard_error < 0.02 * abs(exact)
    assert abs(draws.mean() - exact) / standard_error < LARGEST_Z

    b = torch.randn(y.shape, generator=rng(5), dtype=torch.float64).flatten()  # one probe, written out: to rounding
    one = ((W - B) @ y.flatten()).square().sum() - sigma**2 * int(keep.sum()) + 2 * sigma**2 * (B @ b) @ W @ (B @ b)
    got = sure(h, y, Gaussian(sigma), Mask(keep), tau=0.3, generator=rng(5))
    torch.testing.assert_close(got[0], one, rtol=1e-12, atol=1e-12)
