"""`Sparse` against CVXPY, where the generator is straight and the problem convex."""

from __future__ import annotations

import cvxpy
import numpy as np
import pytest
import torch

from tests.priors.small_generators import Straight
from unseen.physics import Identity, Mask
from unseen.priors import L1, Range, Search, Sparse

SIZE = 6


@pytest.mark.parametrize("kind", ["identity", "mask"])
def test_the_minimum_is_cvxpys(kind: str) -> None:
    G, rng = Straight(), torch.Generator().manual_seed(4)
    A = Identity((1, SIZE, SIZE)) if kind == "identity" else Mask(torch.rand(1, SIZE, SIZE, generator=rng) > 0.4)
    x = G.sample(1, generator=rng)
    x[0, 0, 1, 2] += 4
    x[0, 0, 4, 4] -= 3
    y = A(x + 0.1 * torch.randn(x.shape, generator=rng, dtype=torch.float64))
    weight, mu = 0.2, 0.3

    z, u = cvxpy.Variable(3), cvxpy.Variable(SIZE**2)
    kept = A(torch.ones_like(x)).flatten().numpy()
    off = cvxpy.multiply(kept, G.mean.numpy() + G.rows.numpy().T @ z + u) - y.flatten().numpy()
    cost = cvxpy.sum_squares(off) / 2 + weight * (cvxpy.norm1(u) + mu * cvxpy.sum_squares(z))
    expected = cvxpy.Problem(cvxpy.Minimize(cost)).solve(solver=cvxpy.CLARABEL)

    found = Sparse(G, weight=weight, mu=mu).solve(y, A, search=Search(restarts=2, iterations=500, tolerance=1e-8))
    assert found.converged.all(), found.sentence
    assert float(found.value) == pytest.approx(expected, rel=1e-4)
    assert np.abs(found.z.flatten().numpy() - z.value).max() < 1e-2
    assert np.abs(found.residual.flatten().numpy() - u.value).max() < 1e-2


def test_with_a_large_weight_nothing_is_left_unexplained() -> None:
    G, A = Straight(), Identity((1, SIZE, SIZE))
    y = torch.rand(2, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = Sparse(G, weight=1e3, mu=1e-4).solve(y, A)
    assert not found.residual.any()
    assert torch.allclose(found.x, Range(G, weight=0.1).solve(y, A).x, atol=1e-3)


def test_the_distance_is_in_the_norm_that_is_asked_for() -> None:
    """On a range of one dimension the nearest in ℓ1 is a weighted median."""
    G = Straight(latent=1)
    x = torch.rand(1, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    crossings = (x.flatten() - G.mean) / G.rows[0]
    values = (G(crossings[:, None]) - x).abs().flatten(1).sum(1)
    found = Sparse(G, mu=0.0).distance(x, search=Search(tolerance=1e-7))
    assert float(found) == pytest.approx(float(values.min()), rel=1e-3)
    twice = Sparse(G, mu=0.0).distance(x, norm=2.0 * L1(), search=Search(tolerance=1e-7))
    assert float(twice) == pytest.approx(2 * float(found), rel=1e-3)
