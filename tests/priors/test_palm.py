"""The descent over latents: its law, on functions with a closed form."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from unseen.priors.solvers.palm import Point, SearchState, palm
from unseen.priors.solvers.proximal_gradient import proximal_steps

State = tuple[Tensor, ...]


def valley(rows: Tensor, z: Tensor, state: State) -> Point:
    """Rosenbrock's: a bent valley in which plain gradient steps take thousands."""
    a, b = z[:, 0], z[:, 1]
    value = (1 - a) ** 2 + 100 * (b - a**2) ** 2
    slope = torch.stack([-2 * (1 - a) - 400 * a * (b - a**2), 200 * (b - a**2)], dim=1)
    return Point(value, slope, state, z, torch.zeros_like(value))


def bowls(rows: Tensor, z: Tensor, state: State) -> Point:
    """Return a quadratic function for each start, whose curvatures span four decades."""
    curvature = torch.logspace(-2, 2, z.shape[1], dtype=z.dtype) * (1 + rows)[:, None]
    away = z - rows[:, None]
    value = (curvature * away**2).sum(1) / 2 + 1
    return Point(value, curvature * away, state, z, torch.zeros_like(value))


def starts(n: int, d: int) -> Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_it_finds_the_end_of_a_bent_valley_without_ever_rising() -> None:
    found = palm(valley, starts(20, 2), (), iterations=300, tolerance=1e-6)
    assert found.converged.all() and int(found.iterations.max()) < 150
    assert torch.allclose(found.z, torch.ones(20, 2, dtype=torch.float64), atol=1e-3)
    assert (found.looks[:, 1].diff(dim=0) <= 0).all()


def test_each_start_is_on_its_own() -> None:
    z = starts(5, 6)
    together = palm(bowls, z, (), iterations=300, tolerance=1e-8)
    assert together.converged.all() and len(set(together.iterations.tolist())) > 1
    for i in range(5):
        alone = palm(lambda rows, z, s, i=i: bowls(rows + i, z, s), z[i : i + 1], (), iterations=300, tolerance=1e-8)
        assert int(alone.iterations) == int(together.iterations[i])
        assert torch.allclose(alone.z[0], together.z[i])
        assert torch.allclose(together.z[i], torch.full((6,), float(i), dtype=torch.float64), atol=1e-2)


def test_each_iteration_calls_once_with_the_starts_that_still_move() -> None:
    sizes: list[int] = []

    def counted(rows: Tensor, z: Tensor, state: State) -> Point:
        sizes.append(len(rows))
        return bowls(rows, z, state)

    found = palm(counted, starts(5, 6), (), iterations=300, tolerance=1e-6)
    assert found.calls == len(sizes) == int(found.iterations.max()) + 1
    assert sizes[0] == 5 and sizes[-1] < 5 and sizes == sorted(sizes, reverse=True)
    sizes.clear()
    assert palm(counted, starts(5, 6), (), iterations=30, tolerance=0).calls == 31
    assert sizes == [5] * 31


def test_a_rejected_start_keeps_its_point_and_its_other_block() -> None:
    """A wall: every try beyond 1 is infinite, or no number at all."""

    def walled(rows: Tensor, z: Tensor, state: State) -> Point:
        beyond = (z > 1).any(1)
        value = torch.where(beyond, torch.tensor([torch.inf, torch.nan], dtype=z.dtype)[rows % 2], -z.sum(1) + 10)
        return Point(value, -torch.ones_like(z), (state[0] + 1,), z, torch.zeros_like(value))

    found = palm(walled, torch.zeros(4, 2), (torch.zeros(4, 1),), iterations=200, tolerance=1e-6)
    assert (found.looks[:, 1].diff(dim=0) <= 0).all()
    assert ((found.z <= 1).all() and (found.z > 0.99).all()) and found.converged.all()
    falls = (found.looks[:, 1].diff(dim=0) < 0).sum(0)
    assert torch.equal(found.state[0].flatten(), falls + 1.0), "the block of a rejected try is not kept"


def test_a_kink_ends_the_descent() -> None:
    def pointed(rows: Tensor, z: Tensor, state: State) -> Point:
        value = (z - 0.3).abs().sum(1) + 1
        return Point(value, (z - 0.3).sign(), state, z, torch.zeros_like(value))

    found = palm(pointed, starts(6, 1), (), iterations=300, tolerance=1e-8)
    assert found.converged.all() and torch.allclose(found.z, torch.full_like(found.z, 0.3), atol=1e-5)


def test_who_begins_at_the_minimum_stays_there() -> None:
    found = palm(bowls, torch.zeros(1, 3), (), iterations=50, tolerance=1e-6)
    assert found.converged.all() and int(found.iterations) == 1 and not found.z.any()
    assert float(found.gap) == 0


def test_nothing_finite_is_not_convergence() -> None:
    def hopeless(rows: Tensor, z: Tensor, state: State) -> Point:
        return Point(z.sum(1) * torch.nan, z, state, z, torch.zeros(len(z)))

    assert not palm(hopeless, starts(2, 3), (), iterations=300, tolerance=1e-4).converged.any()


def test_the_iterations_run_out() -> None:
    seen: list[SearchState] = []
    found = palm(valley, starts(3, 2), (), iterations=4, tolerance=1e-9, progress=seen.append)
    assert not found.converged.any() and found.iterations.tolist() == [4] * 3
    assert [moment.iteration for moment in seen] == [1, 2, 3, 4] and {moment.iterations for moment in seen} == {4}
    assert found.looks.shape == (5, 3, 3) and (found.gap > 1e-9).all()


def test_nonsense_is_told() -> None:
    with pytest.raises(ValueError, match="iterations=0"):
        palm(bowls, starts(1, 2), (), iterations=0, tolerance=1e-4)
    with pytest.raises(ValueError, match="tolerance"):
        palm(bowls, starts(1, 2), (), iterations=1, tolerance=-1.0)


def test_proximal_steps_find_the_lasso_and_never_rise() -> None:
    rng = torch.Generator().manual_seed(0)
    matrix = torch.randn(2, 8, 5, generator=rng, dtype=torch.float64)
    seen = torch.randn(2, 8, 1, generator=rng, dtype=torch.float64)
    weight = 1.5

    def smooth(w: Tensor) -> tuple[Tensor, Tensor]:
        off = matrix @ w[..., None] - seen
        return off.square().sum((1, 2)) / 2, (matrix.mT @ off).squeeze(-1)

    def soft(v: Tensor, t: Tensor) -> Tensor:
        return v.sign() * (v.abs() - weight * t).clamp(min=0)

    def cost(w: Tensor) -> Tensor:
        return weight * w.abs().sum(1)

    w, step, totals = torch.zeros(2, 5, dtype=torch.float64), torch.tensor([1.0, 100.0], dtype=torch.float64), []
    for _ in range(100):
        w, step, fall = proximal_steps(smooth, soft, cost, w, step, steps=5)
        totals.append(smooth(w)[0] + cost(w))
        assert (fall >= 0).all()
    assert (torch.stack(totals).diff(dim=0) <= 0).all()
    slope = smooth(w)[1]
    assert torch.allclose(slope[w != 0], -weight * w[w != 0].sign(), atol=1e-6), "the lasso's conditions"
    assert (slope[w == 0].abs() <= weight).all() and bool((w == 0).any()) and bool((w != 0).any())
