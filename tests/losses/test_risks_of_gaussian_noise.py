"""`Sure` and `Recorrupted` on measurements with Gaussian noise against the true risk of what is remeasured: nets
linear and smooth, through operators that see all, part, and complex entries. Power: see `paired`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from tests.losses.paired import FAINT_NETWORKS, LARGEST_Z, Paired, image, paired
from tests.seeded import rng
from unseen.losses import MeasurementConsistency, Recorrupted, Seen, Sure
from unseen.losses.loss import observed, observed_count
from unseen.losses.recorruption import recorrupted
from unseen.losses.sums import squares
from unseen.physics import CompressedSensing, FourierMask, Gaussian, Mask, Measurement, Operator, stack

SIZE, BATCH, BATCHES = 16, 250, 12
SIGMAS = (0.05, 0.1, 0.2)


def dropped(share: float, *shape: int) -> Tensor:
    return torch.rand(shape, generator=rng(5)) > share


@dataclass(frozen=True)
class Problem:
    """An operator, and how a real network serves its images."""

    A: Operator
    x: Tensor
    by_adjoint: bool = False

    def reconstruct(self, network: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Measurement], Tensor]:
        def f(y: Tensor, process: Measurement) -> Tensor:
            start = process.A.adjoint(y) if self.by_adjoint else process.A.pinv(y)
            if not start.is_complex():
                return network(start)
            pairs = network(torch.view_as_real(start).movedim(-1, 2).flatten(1, 2))
            return torch.complex(pairs[:, :1], pairs[:, 1:])

        return f


def problems() -> dict[str, Problem]:
    x = image(SIZE)
    complex_x = torch.complex(x, image(SIZE, 2)[:, 1:])
    coils = torch.cat([x[0], (1 - x[0] ** 2).sqrt() * 1j])  # |s₁|² + |s₂|² = 1
    inpainting = Mask(dropped(0.3, SIZE, SIZE))
    return {
        "inpainting": Problem(inpainting, x),
        "two masks on colours": Problem(
            stack(Mask(dropped(0.3, 2, SIZE, SIZE)), Mask(~dropped(0.6, 2, SIZE, SIZE))), image(SIZE, 2)
        ),
        "MRI": Problem(FourierMask(dropped(0.5, SIZE, SIZE)), complex_x),
        "MRI, two coils": Problem(FourierMask(dropped(0.5, SIZE, SIZE), coils=coils), complex_x, by_adjoint=True),
        "compressed sensing": Problem(CompressedSensing(SIZE, 150), x),
    }


PROBLEMS = problems()
QUICK = ("inpainting", "MRI")
EVERY = [(name, network, sigma) for name in PROBLEMS for network in FAINT_NETWORKS for sigma in SIGMAS]
# Each operator, each network and each sigma once; `make nightly` has every combination of them.
ONCE = {
    *((name, "smooth", 0.1) for name in PROBLEMS),
    *(("inpainting", "smooth", sigma) for sigma in SIGMAS),
    ("inpainting", "linear", 0.1),
}
CASES = [case if case in ONCE else pytest.param(*case, marks=pytest.mark.nightly) for case in EVERY]


@functools.cache
def draw(name: str, network: str, sigma: float) -> Callable[[int], tuple[Tensor, Tensor, Tensor]]:
    """Batches of estimate, true loss and divergence by their seed, each drawn once for all tests."""
    problem = PROBLEMS[name]
    process = Measurement(problem.A, noise=Gaussian(sigma))
    f, clean = problem.reconstruct(FAINT_NETWORKS[network]), process.mean(problem.x)

    @functools.cache
    @torch.no_grad()
    def one(seed: int) -> tuple[Tensor, Tensor, Tensor]:
        seen = Seen(process(problem.x.expand(BATCH, -1, -1, -1), generator=rng(seed)), process, f)
        estimate = Sure(tau=1e-3)(seen, generator=rng(10_000 + seed))
        consistency = MeasurementConsistency()(seen, generator=None)
        loss = squares(observed(process, seen.remeasured - clean)) / observed_count(process, seen.y)
        return estimate, loss, estimate - consistency + sigma**2

    return one


@pytest.mark.parametrize("name, network, sigma", CASES)
def test_sure_is_unbiased(name: str, network: str, sigma: float) -> None:
    paired(draw(name, network, sigma), BATCHES).assert_unbiased()


def entries_a_sample(name: str) -> tuple[int, int]:
    """m as it is counted, and all real components of y."""
    A, components = PROBLEMS[name].A, 2 if "MRI" in name else 1
    mask = A.observed()
    total = math.prod(A.range)
    return components * (total if mask is None else int(mask.counts())), components * total


def wrong(how: str, name: str, sigma: float, right: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    estimate, loss, divergence = right
    m, everything = entries_a_sample(name)
    off = {
        "without the divergence": -divergence,
        "half the divergence": -divergence / 2,
        "without the noise's own energy": sigma**2,
        "noise counted where nothing is measured": -(sigma**2) * (everything / m - 1),
        "a complex entry counted once": sigma**2 / 2,
    }[how]
    return estimate + off, loss, divergence


WRONG = [
    *((how, name) for how in ("without the divergence", "half the divergence") for name in QUICK),
    *(("without the noise's own energy", name) for name in QUICK),
    *(("noise counted where nothing is measured", name) for name in QUICK),
    ("a complex entry counted once", "MRI"),
]


@pytest.mark.parametrize(
    "how, name",
    [
        one if one[1] == "MRI" and one[0] != "half the divergence" else pytest.param(*one, marks=pytest.mark.nightly)
        for one in WRONG
    ],
)
def test_the_same_test_refuses_a_formula_that_is_wrong_in_a_term(how: str, name: str) -> None:
    one = draw(name, "smooth", 0.1)
    assert abs(paired(lambda seed: wrong(how, name, 0.1, one(seed)), BATCHES).z) > LARGEST_Z


@functools.cache
def recorrupted_draw(name: str, network: str) -> Paired:
    sigma, share, problem = 0.1, 0.1, PROBLEMS[name]
    process = Measurement(problem.A, noise=Gaussian(sigma))
    f, clean = problem.reconstruct(FAINT_NETWORKS[network]), process.mean(problem.x)

    def one(seed: int) -> tuple[Tensor, Tensor, Tensor]:
        y = process(problem.x.expand(BATCH, -1, -1, -1), generator=rng(seed))
        estimate = Recorrupted(share)(Seen(y, process, f), generator=rng(10_000 + seed))
        noisier, _ = recorrupted(y, Gaussian(sigma), share=share, generator=rng(10_000 + seed))
        seen, m = Seen(noisier, process, f), observed_count(process, y)
        loss = squares(observed(process, seen.remeasured - clean)) / m
        residual, noise = (torch.view_as_real(t) if t.is_complex() else t for t in (seen.remeasured, noisier - clean))
        copied = 2 * (observed(process, noise) * residual if not y.is_complex() else noise * residual)
        return estimate, loss, copied.flatten(1).sum(dim=1) / m

    return paired(one, 2 * BATCHES)


@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize("network", ["smooth", pytest.param("linear", marks=pytest.mark.nightly)])
def test_recorrupted_is_unbiased_for_the_risk_at_the_noisier_measurement(name: str, network: str) -> None:
    recorrupted_draw(name, network).assert_unbiased()


# The smaller error is the harder one to see.
@pytest.mark.parametrize("energy", [pytest.param(1 / 0.1, marks=pytest.mark.nightly), 1 / 0.1 - 1 / 0.9])
def test_recorrupted_without_its_noises_energy_is_refused(energy: float) -> None:
    seen = recorrupted_draw("MRI", "smooth")
    assert abs(seen.bias + 0.1**2 * energy) / seen.standard_error > LARGEST_Z  # the same is added in every draw


def test_the_two_recorrupted_measurements_are_independent_and_average_to_y() -> None:
    y = torch.randn(1, 1, 200, 1000, generator=rng(0), dtype=torch.float64)  # the truth is zero, sigma is 1
    first, second = recorrupted(y, Gaussian(1.0), share=0.2, generator=rng(1))
    torch.testing.assert_close(0.8 * first + 0.2 * second, y)
    assert float(first.var()) == pytest.approx(1 / 0.8, rel=0.02)
    assert float(second.var()) == pytest.approx(1 / 0.2, rel=0.02)
    assert abs(float((first * second).mean())) < 4 * (1 / 0.8 / 0.2 / y.numel()) ** 0.5
