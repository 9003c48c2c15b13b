"""The solvers' parts, on problems with a closed form."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from unseen.physics import Identity
from unseen.physics.tensor_products import inner, lengths
from unseen.priors.solvers.fista import fista
from unseen.priors.solvers.pdhg import Term, pdhg, squared_distance, within

SHAPE = (1, 3, 4)


def draw(n: int, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(n, *SHAPE, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_a_constraints_gap_is_fenchel_and_youngs(dtype: torch.dtype) -> None:
    y, p, z = draw(3, 0, dtype), draw(3, 1, dtype), draw(3, 2, dtype)
    radius = torch.tensor([0.5, 2.0, 0.0], dtype=torch.float64)
    reach = radius.reshape(-1, 1, 1, 1)
    inside = y + 0.6 * reach * (z - y) / lengths(z - y)
    term = within(Identity(SHAPE), y, 1.0, radius)
    # F = 0 inside; F*(p) = sup over the ball of ⟨z, p⟩
    expected = (radius * lengths(p).flatten() + inner(y, p).flatten()) - inner(inside, p).flatten()
    assert torch.allclose(term.gap(inside, p), expected)
    assert torch.allclose(term.gap(y + reach * p / lengths(p), p), torch.zeros(3, dtype=torch.float64), atol=1e-12)
    assert (term.gap(y + 1.1 * reach * p / lengths(p), p)[:2] > 0.01).all(), "outside costs"


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_a_constraints_proximal_map_is_moreaus(dtype: torch.dtype) -> None:
    """prox of s F* at p = p − s · (the nearest point of the ball to p / s)."""
    y, p = draw(3, 0, dtype), draw(3, 1, dtype)
    radius, step = torch.tensor([0.5, 9.0, 0.0], dtype=torch.float64), torch.tensor(0.7, dtype=torch.float64)
    away = p / step - y
    nearest = y + away * (radius.reshape(-1, 1, 1, 1) / lengths(away)).clamp(max=1)
    found = within(Identity(SHAPE), y, 1.0, radius).prox_conjugate(p, step.expand(3, 1, 1, 1))
    assert torch.allclose(found, p - step * nearest)
    assert bool((found[1] == 0).all()), "what is within the ball already"


def test_the_squared_distances_gap_is_fenchel_and_youngs() -> None:
    y, p, z = draw(2, 0), draw(2, 1), draw(2, 2)
    conjugate = (inner(p, p) / 2 + inner(p, y)).flatten()
    term = squared_distance(Identity(SHAPE), y, 1.0)
    assert torch.allclose(term.gap(z, p), term.value(z) + conjugate - inner(z, p).flatten())


def test_pdhg_solves_least_squares_with_two_terms() -> None:
    """min ‖x − a‖²/2 + ‖3 x − b‖²/2 is (a + 3 b) / 10, whatever the ratio and the batch mates."""
    a, b = draw(2, 0), draw(2, 1)
    terms: list[Term] = [
        squared_distance(Identity(SHAPE), a, 1.0),
        squared_distance(3 * Identity(SHAPE), b, 3.0),
    ]
    for ratio in (0.1, 1.0, 10.0):
        found, duals = pdhg(
            terms, torch.zeros_like(a), ratio=torch.full((2, 1, 1, 1), ratio), iterations=20_000, tolerance=1e-9
        )
        assert found.converged.all(), found.sentence
        assert torch.allclose(found.x, (a + 3 * b) / 10, atol=1e-5)
        assert torch.allclose(duals[0], found.x - a, atol=1e-4)


def test_fistas_momentum_begins_anew() -> None:
    """On a badly conditioned quadratic: without restarts it swings for 10,000 steps and more."""
    curvature = torch.logspace(-4, 0, 12, dtype=torch.float64)
    middle = torch.ones(1, 12, dtype=torch.float64)
    found = fista(
        lambda x: curvature * (x - middle),
        lambda v, step: v,
        lambda x: (curvature * (x - middle) ** 2).sum(1) / 2 + 1,
        torch.zeros_like(middle),
        lipschitz=1.0,
        iterations=10_000,
        tolerance=1e-9,
    )
    assert found.converged.all(), found.sentence
    assert int(found.iterations) < 2000
    assert torch.allclose(found.x, middle, atol=1e-4)


def test_a_solver_that_is_told_nonsense_says_so() -> None:
    x = torch.zeros(1, 2)
    with pytest.raises(ValueError, match="lipschitz"):
        fista(lambda x: x, lambda v, step: v, lambda x: x.sum(1), x, lipschitz=0.0, iterations=5, tolerance=1e-3)


def test_a_norm_that_is_too_small_is_told_as_divergence() -> None:
    y = draw(1, 0)
    terms = [squared_distance(100 * Identity(SHAPE), y, 1.0), squared_distance(Identity(SHAPE), y, 1.0)]
    found, _ = pdhg(terms, y, ratio=torch.ones(1, 1, 1, 1, dtype=y.dtype), iterations=5000, tolerance=1e-9)
    assert not found.converged.any()
    assert "Diverged" in found.sentence and "norm()" in found.sentence
