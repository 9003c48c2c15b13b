"""λ by the discrepancy principle, and on images that are known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.priors.small_generators import Bent
from unseen.physics import FourierMask, Identity, Mask, Operator
from unseen.priors import Range, Search, Soft, Sparse, Tikhonov, by_discrepancy, by_validation
from unseen.priors.latent_prior import LatentPrior
from unseen.priors.solvers.latent_restarts import LatentSolution

SIZE, SIGMA = 6, 0.05


@pytest.mark.parametrize("kind", [Soft, pytest.param(Sparse, marks=pytest.mark.nightly), Tikhonov])
def test_the_first_weight_that_fits_is_taken(kind: type[LatentPrior] | type[Tikhonov]) -> None:
    rng = torch.Generator().manual_seed(0)
    G, A = Bent(), Mask(torch.rand(1, SIZE, SIZE, generator=rng) > 0.3)
    truth = G.sample(4, generator=rng) + 0.3 * torch.rand(4, 1, SIZE, SIZE, generator=rng, dtype=torch.float64)
    y = A(truth + SIGMA * torch.randn(truth.shape, generator=rng, dtype=torch.float64))
    prior = Tikhonov() if kind is Tikhonov else kind(G, mu=1e-3)  # type: ignore[call-arg]
    found = by_discrepancy(prior, y, A, sigma=SIGMA, largest=4.0)
    assert found.met.all(), found.sentence
    assert found.x.shape == truth.shape and (found.z is None) == (kind is Tikhonov)
    assert torch.equal(found.bound, torch.full((4,), int(A.counts()) * SIGMA**2, dtype=torch.float64))
    assert torch.allclose(found.misfit, (A(found.x) - y).square().flatten(1).sum(1))
    assert (found.misfit <= found.bound).all()
    halvings = (4.0 / found.weight).log2()
    assert torch.equal(halvings, halvings.round()) and (halvings > 0).all()
    before = prior.weighted(2 * found.weight).solve(y, A).x
    assert ((A(before) - y).square().flatten(1).sum(1) > found.bound).all(), "twice the weight does not fit"


def test_the_sweep_goes_on_from_where_it_was_and_only_with_those_that_do_not_fit() -> None:
    asked: list[tuple[int, bool]] = []

    class Watched(Soft):
        def solve(self, y: Tensor, A: Operator, **options: object) -> LatentSolution:  # type: ignore[override]
            asked.append((len(y), options["start"] is None))
            return super().solve(y, A, **options)  # type: ignore[arg-type]

    G, rng = Bent(), torch.Generator().manual_seed(0)
    x = G.sample(3, generator=rng)
    x[2] += 2 * torch.rand(1, SIZE, SIZE, generator=rng, dtype=torch.float64)
    y, A = x + SIGMA * torch.randn(x.shape, generator=rng, dtype=torch.float64), Identity((1, SIZE, SIZE))
    options = {"sigma": SIGMA, "largest": 10.0, "search": Search(restarts=5)}
    found = by_discrepancy(Watched(G, mu=1e-3), y, A, **options)  # type: ignore[arg-type]
    assert found.met.all() and found.weight[2] < found.weight[:2].min()
    sizes = [size for size, _ in asked]
    assert sizes[0] == 3 and sizes[-1] == 1 and sizes == sorted(sizes, reverse=True)
    assert [drawn for _, drawn in asked] == [True] + [False] * (len(asked) - 1)
    alone = by_discrepancy(Soft(G, mu=1e-3), y[2:], A, **options)  # type: ignore[arg-type]
    assert float(alone.weight) == float(found.weight[2]) and torch.allclose(alone.x[0], found.x[2], atol=1e-3)


def test_a_range_that_cannot_fit_says_so() -> None:
    y = torch.rand(2, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = by_discrepancy(Range(Bent()), y, Identity((1, SIZE, SIZE)), sigma=1e-3, largest=0.1, steps=3)
    assert not found.met.any() and found.weight.tolist() == [0.025] * 2
    assert "2 of 2 never fit" in found.sentence and "Soft" in found.sentence


def test_complex_measurements_count_twice() -> None:
    rng = torch.Generator().manual_seed(0)
    mask = torch.rand(SIZE, SIZE, generator=rng) > 0.5
    x = torch.rand(1, 1, SIZE, SIZE, generator=rng, dtype=torch.float64)
    for real in (False, True):
        A = FourierMask(mask, real=real)
        y = A(x if real else x.to(torch.complex128)) + 9 * ~mask
        found = by_discrepancy(Tikhonov(), y, A, sigma=0.1, largest=10.0)
        assert float(found.bound) == pytest.approx(2 * int(mask.sum()) * 0.01)
        assert found.met.all() and found.x.is_complex() != real


def test_an_operator_for_each_image() -> None:
    rng = torch.Generator().manual_seed(0)
    A = Mask(torch.rand(3, 1, SIZE, SIZE, generator=rng) > 0.5)
    x = Bent().sample(3, generator=rng) * torch.tensor([0.3, 1.0, 3.0], dtype=torch.float64).reshape(-1, 1, 1, 1)
    found = by_discrepancy(Soft(Bent(), mu=0.01), A(x), A, sigma=0.1, largest=10.0)
    assert found.met.all() and found.bound.tolist() == pytest.approx([0.01 * int(m) for m in A.counts()])


def test_nonsense_is_told() -> None:
    y, A = torch.zeros(1, 1, SIZE, SIZE), Identity((1, SIZE, SIZE))
    with pytest.raises(ValueError, match="sigma=0"):
        by_discrepancy(Tikhonov(), y, A, sigma=0.0, largest=1.0)
    with pytest.raises(ValueError, match=r"ratio in \(0, 1\)"):
        by_discrepancy(Tikhonov(), y, A, sigma=0.1, largest=1.0, ratio=1.0)


def test_validation_takes_the_least_error_and_warns_at_the_grids_end() -> None:
    rng = torch.Generator().manual_seed(0)
    A = Mask(torch.rand(1, SIZE, SIZE, generator=rng) > 0.3)
    truth = Bent().sample(4, generator=rng)
    y = A(truth + 0.2 * torch.randn(truth.shape, generator=rng, dtype=torch.float64))
    grid = [Soft(Bent(), weight=weight, mu=1e-3) for weight in (30.0, 3.0, 0.3, 0.03, 0.003)]
    few = Search(restarts=3)
    chosen = by_validation(grid, y, A, truth, solve=lambda prior, y, A: prior.solve(y, A, search=few).x)
    assert chosen.errors.shape == (5, 4)
    for prior, error in zip(grid, chosen.errors, strict=True):
        assert torch.allclose(error, (prior.solve(y, A, search=few).x - truth).square().flatten(1).mean(1))
    assert chosen.best is grid[chosen.index] and chosen.index == int(chosen.errors.mean(1).argmin())
    assert torch.equal(chosen.oracle, chosen.errors.argmin(0))
    ends = by_validation(grid[-2:], y, A, truth, solve=lambda prior, y, A: prior.solve(y, A, search=few).x)
    assert "grid's end" in ends.sentence
    with pytest.raises(ValueError, match="at least one"):
        by_validation([], y, A, truth, solve=lambda prior, y, A: y)
    with pytest.raises(ValueError, match="The truth is"):
        by_validation(grid[:1], y, A, truth, solve=lambda prior, y, A: y[..., :-1])
