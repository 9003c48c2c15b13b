"""`Soft` between least squares and `Range`."""

from __future__ import annotations

import pytest
import torch

from tests.priors.small_generators import Bent, Straight
from unseen.physics import Identity, Mask
from unseen.priors import L1, Features, Range, Search, Soft

SIZE = 6


def test_a_large_weight_is_range_and_a_small_one_keeps_what_was_seen() -> None:
    G, rng = Bent(), torch.Generator().manual_seed(0)
    A = Mask(torch.rand(1, SIZE, SIZE, generator=rng) > 0.5)
    y = A(torch.rand(2, 1, SIZE, SIZE, generator=rng, dtype=torch.float64))
    stiff = Soft(G, weight=1e4, mu=1e-6).solve(y, A, search=Search(tolerance=1e-7))
    assert torch.allclose(stiff.x, Range(G, weight=1e-2).solve(y, A, search=Search(tolerance=1e-7)).x, atol=1e-3)
    loose = Soft(G, weight=1e-4, mu=1e-6).solve(y, A)
    assert torch.allclose(A(loose.x), y, atol=1e-3)
    assert torch.allclose((loose.x - G(loose.z))[~A.mask.expand_as(y)], torch.zeros(1, dtype=torch.float64))


def test_another_fit_takes_proximal_steps_to_the_same_minimum() -> None:
    """Features of the identity are the squares; so both ways of settling x have to agree."""
    G, A = Bent(), Identity((1, SIZE, SIZE))
    y = torch.rand(2, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    closed, stepped = (
        Soft(G, weight=0.3, mu=0.05, **extra).solve(y, A, search=Search(tolerance=1e-7))
        for extra in ({}, {"fit": Features(torch.nn.Identity())})
    )
    assert torch.allclose(closed.value, stepped.value, rtol=1e-4)
    assert torch.allclose(closed.x, stepped.x, atol=1e-2)


def test_the_distance_is_the_squares_and_the_penalty() -> None:
    G = Straight()
    x = torch.rand(2, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mu = 0.7
    off = x.flatten(1) - G.mean
    z = torch.linalg.solve(G.rows @ G.rows.T + mu * torch.eye(3), (off @ G.rows.T).T).T
    expected = (G(z) - x).square().flatten(1).sum(1) + mu * z.square().sum(1)
    assert Soft(G, mu=mu).distance(x).tolist() == pytest.approx(expected.tolist(), rel=1e-4)
    anogan = Soft(G, mu=0.0).distance(x, norm=L1() + 0.1 * Features(torch.nn.Identity()))
    assert (anogan >= Soft(G, mu=0.0).distance(x, norm=L1())).all()
