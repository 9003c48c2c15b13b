"""Total variation and its solvers, against CVXPY, against each other, and on closed forms."""

from __future__ import annotations

import functools
import math

import cvxpy
import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from unseen.data import phantoms
from unseen.physics import FourierMask, Gaussian, Identity, Mask, Measurement, Operator, Tomography, stack
from unseen.physics.sampling_masks import random_sampling
from unseen.priors import TV
from unseen.priors.differences import NORM, differences, differences_adjoint, total_variation

SIZE = 7


class Dense(Operator):
    """A matrix; the least that TV can be asked to work with."""

    matrix: Tensor

    def __init__(self, rows: int, size: int, *, seed: int) -> None:
        super().__init__(domain=(1, size, size), range=(rows,))
        made = torch.randn(rows, size**2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        self._set(matrix=made / rows**0.5)

    def _forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.matrix.to(x.dtype).T

    def _adjoint(self, y: Tensor) -> Tensor:
        return (y @ self.matrix.to(y.dtype)).reshape(-1, *self.domain)


def image(n: int = 1, *, size: int = SIZE, seed: int = 0) -> Tensor:
    """Blocks and a little texture."""
    rng = torch.Generator().manual_seed(seed)
    x = 0.05 * torch.randn(n, 1, size, size, generator=rng, dtype=torch.float64)
    for i in range(n):
        top, left = (int(v) for v in torch.randint(0, size // 2, (2,), generator=rng))
        x[i, :, top : top + size // 2, left : left + size // 2] += 1 + i
    return x


def matrix_of(A: Operator) -> np.ndarray:
    basis = torch.eye(math.prod(A.domain), dtype=torch.float64).reshape(-1, *A.domain)
    return A(basis).flatten(1).T.numpy()


def cvxpy_variation(x: cvxpy.Expression, size: int) -> cvxpy.Expression:
    """Written down anew, pixel by pixel, from the definition."""
    pairs = []
    for i in range(size):
        for j in range(size):
            down = x[(i + 1) * size + j] - x[i * size + j] if i + 1 < size else 0
            right = x[i * size + j + 1] - x[i * size + j] if j + 1 < size else 0
            pairs.append(cvxpy.norm(cvxpy.hstack([down, right])))
    return cvxpy.sum(cvxpy.hstack(pairs))


def cases() -> dict[str, Operator]:
    rng = torch.Generator().manual_seed(3)
    return {
        "identity": Identity((1, SIZE, SIZE)),
        "mask": Mask(torch.rand(1, SIZE, SIZE, generator=rng) > 0.4),
        "fewer numbers than pixels": Dense(40, SIZE, seed=1),
        "more numbers than pixels": Dense(150, SIZE, seed=2),
        "scaled": 30 * Mask(torch.rand(1, SIZE, SIZE, generator=rng) > 0.4),
    }


@functools.cache
def cvxpys(name: str) -> tuple[float, np.ndarray]:
    """Return the least objective, and where it is."""
    A = cases()[name]
    unknown = cvxpy.Variable(SIZE**2)
    matrix, seen = matrix_of(A), A(image()).flatten().numpy()
    weight = 0.08 * A.norm() ** 2
    objective = cvxpy.sum_squares(matrix @ unknown - seen) / 2 + weight * cvxpy_variation(unknown, SIZE)
    expected = cvxpy.Problem(cvxpy.Minimize(objective)).solve(solver=cvxpy.CLARABEL)
    return float(expected), np.asarray(unknown.value)


# By day each solver on what is seen whole, and the one that is taken by default on what is seen in part.
OFTEN = {("identity", "fista"), ("mask", "pdhg"), ("fewer numbers than pixels", "pdhg")}


@pytest.mark.parametrize(
    ("name", "solver"),
    [
        (name, solver) if (name, solver) in OFTEN else pytest.param(name, solver, marks=pytest.mark.nightly)
        for name in cases()
        for solver in ("pdhg", "fista")
    ],
)
def test_the_minimum_is_cvxpys(name: str, solver: str) -> None:
    A = cases()[name]
    weight = 0.08 * A.norm() ** 2
    y = A(image())
    expected, where = cvxpys(name)

    solution = TV(weight).solve(y, A, solver=solver, tolerance=1e-6, iterations=20_000)

    assert solution.converged.all(), solution.sentence
    assert float(solution.value) == pytest.approx(expected, rel=1e-5)
    assert float(solution.value) >= expected * (1 - 1e-6)
    if name in ("identity", "more numbers than pixels"):  # the others may have many minimisers
        assert np.abs(solution.x.flatten().numpy() - where).max() < 1e-3


@pytest.mark.parametrize(
    "name",
    [
        "fewer numbers than pixels",
        pytest.param("more numbers than pixels", marks=pytest.mark.nightly),
        pytest.param("mask", marks=pytest.mark.nightly),
    ],
)
def test_the_flattest_image_within_the_noise_is_cvxpys(name: str) -> None:
    A, sigma = cases()[name], 0.1
    y = A(image()) + sigma * A(torch.randn(1, *A.domain, generator=torch.Generator().manual_seed(5)).double())
    unknown = cvxpy.Variable(SIZE**2)
    mask = A.observed()
    m = math.prod(A.range) if mask is None else int(mask.counts())
    fits = cvxpy.norm(matrix_of(A) @ unknown - y.flatten().numpy()) <= sigma * math.sqrt(m)
    expected = cvxpy.Problem(cvxpy.Minimize(cvxpy_variation(unknown, SIZE)), [fits]).solve(solver=cvxpy.CLARABEL)

    solution = TV.within_noise(y, A, sigma=sigma, tolerance=1e-5, iterations=20_000)

    assert solution.converged.all(), solution.sentence
    assert float(solution.value) == pytest.approx(expected, rel=1e-4)
    assert float((A(solution.x) - y).square().sum()) == pytest.approx(m * sigma**2, rel=1e-3)
    assert solution.weight is not None
    assert float(solution.weight) == pytest.approx(sigma * math.sqrt(m) / float(fits.dual_value), rel=1e-2)


@pytest.mark.nightly  # the test above holds it against CVXPY's
def test_the_weight_that_the_noise_gives_leads_to_the_same_image() -> None:
    A = cases()["more numbers than pixels"]
    y = A(image(3)) + 0.1 * torch.randn(3, *A.range, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    within = TV.within_noise(y, A, sigma=0.1, tolerance=1e-6, iterations=20_000)
    assert within.weight is not None
    assert len(set(within.weight.tolist())) == 3  # each sample's own
    again = TV(within.weight).solve(y, A, tolerance=1e-6, iterations=20_000)
    assert torch.allclose(again.x, within.x, atol=1e-3)


def test_ct_with_little_noise_is_fitted_within_the_noise() -> None:
    """After 2,000 steps its misfit was 20 % above the noise: 13 standard deviations of ‖noise‖."""
    sigma, x = (
        0.003,
        functional.avg_pool2d(torch.from_numpy(phantoms.normals(1, seed=3, size=64)[0].pixels)[None, None], 2),
    )
    A = Tomography(32, angles=20)
    y = Measurement(A, Gaussian(sigma))(x, generator=torch.Generator().manual_seed(1))
    solution = TV.within_noise(y, A, sigma=sigma)
    assert solution.converged.all() and int(solution.iterations) < 1200, solution.sentence
    assert solution.weight is not None
    noise = sigma * math.sqrt(math.prod(A.range))
    off = float((A(solution.x) - y).norm()) / noise
    assert 0.98 < off <= 1 + solution.tolerance * float(solution.weight * solution.value) / (2 * noise**2)
    assert off < 1.02


def test_complex_noise_counts_two_components_for_each_sampled_frequency() -> None:
    mask = random_sampling(16, 2, generator=torch.Generator().manual_seed(0))
    A, rng = FourierMask(mask), torch.Generator().manual_seed(1)
    x = image(size=16).to(torch.complex128)
    noise = torch.view_as_complex(0.05 * torch.randn(1, 1, 16, 16, 2, generator=rng, dtype=torch.float64))
    y = A(x) + noise * mask
    solution = TV.within_noise(y, A, sigma=0.05, tolerance=1e-4, iterations=20_000)
    assert solution.converged.all(), solution.sentence
    off = (A(solution.x) - y).abs().square().sum() / (2 * int(mask.sum()) * 0.05**2)
    assert float(off) == pytest.approx(1, rel=1e-3)


@pytest.mark.nightly
def test_a_turn_in_the_complex_plane_turns_the_solution() -> None:
    A = FourierMask(random_sampling(12, 2, generator=torch.Generator().manual_seed(0)))
    y = A(image(size=12).to(torch.complex128))
    turn = torch.exp(torch.tensor(0.7j, dtype=torch.complex128))
    plain, turned = (TV(0.05).solve(seen, A, tolerance=1e-4) for seen in (y, turn * y))
    assert torch.allclose(turn * plain.x, turned.x, atol=1e-6)


@pytest.mark.parametrize("solver", ["pdhg", pytest.param("fista", marks=pytest.mark.nightly)])
def test_each_sample_stops_by_itself(solver: str) -> None:
    A = cases()["mask"]
    y = A(image(4)) * torch.tensor([1.0, 3.0, 0.1, 0.0], dtype=torch.float64).reshape(-1, 1, 1, 1)
    together = TV(0.01).solve(y, A, solver=solver, tolerance=0.01)
    assert together.converged.all() and len(set(together.iterations.tolist())) > 1
    for i in range(4):
        alone = TV(0.01).solve(y[i : i + 1], A, solver=solver, tolerance=0.01)
        assert int(alone.iterations) == int(together.iterations[i])
        assert torch.allclose(alone.x[0], together.x[i], rtol=0, atol=1e-12 * float(y.abs().max()))


def test_a_weight_for_each_sample_is_that_samples_weight() -> None:
    A, weights = cases()["mask"], torch.tensor([0.5, 0.01])
    y = A(image(1)).expand(2, -1, -1, -1)
    both = TV(weights).solve(y, A)
    for i, weight in enumerate(weights.tolist()):
        assert torch.allclose(TV(weight).solve(y[:1], A).x[0], both.x[i], atol=1e-6)


def test_denoising_lowers_a_step_by_its_length_over_its_area() -> None:
    """Two flat halves of n² / 2 pixels with an edge of length n: the step is lowered by 2 λ / n on both sides."""
    n, weight = 12, 0.6
    v = torch.zeros(1, 1, n, n, dtype=torch.float64)
    v[..., n // 2 :] = 1
    solution = TV(weight).prox(v, tolerance=1e-9)
    assert solution.converged.all(), solution.sentence
    expected = v + (1 - 2 * v) * 2 * weight / n
    assert torch.allclose(solution.x, expected, atol=1e-4)
    solved = TV(weight).solve(v, Identity((1, n, n)), tolerance=1e-7, iterations=20_000)
    assert torch.allclose(solved.x, expected, atol=1e-4)


def test_total_variation_is_isotropic_and_knows_no_edge_at_the_boundary() -> None:
    x = torch.zeros(1, 2, 6, 6)
    x[0, 0, 2:, :] = 3  # an edge 6 long, 3 high
    x[0, 1, :3, :3] = 1  # a corner: two steps down, two to the right, and one pixel with both
    assert float(total_variation(x)) == pytest.approx(18 + 4 + math.sqrt(2))
    assert float(total_variation(torch.full((1, 1, 6, 6), 7.0))) == 0
    assert float(total_variation((3 + 4j) * x)) == pytest.approx(5 * float(total_variation(x)))


def test_total_variation_is_differentiable() -> None:
    x = image(2, size=5).requires_grad_()
    assert torch.autograd.gradcheck(total_variation, x)
    assert torch.equal(total_variation(x), total_variation(x.detach()))
    flat = torch.ones(1, 1, 4, 4, requires_grad=True)
    (slope,) = torch.autograd.grad(total_variation(flat).sum(), flat)
    assert bool((slope == 0).all())


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_the_differences_adjoint_is_their_adjoint(dtype: torch.dtype) -> None:
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 7, 5, generator=rng, dtype=dtype)
    q = torch.randn(2, 2, 3, 7, 5, generator=rng, dtype=dtype)
    forward = (differences(x).conj() * q).sum()
    assert torch.allclose(forward, (x.conj() * differences_adjoint(q)).sum(), rtol=1e-12)


def test_the_differences_norm_is_below_its_bound_and_near_it() -> None:
    basis = torch.eye(400, dtype=torch.float64).reshape(-1, 1, 20, 20)
    largest = float(torch.linalg.matrix_norm(differences(basis).flatten(1), 2))
    assert 0.99 * NORM < largest < NORM


def test_single_precision_reaches_the_same_minimum() -> None:
    A = cases()["mask"]
    y = A(image(2))
    double, single = TV(0.05).solve(y, A, tolerance=1e-4), TV(0.05).solve(y.float(), A)
    assert single.x.dtype == torch.float32
    assert single.converged.all(), single.sentence
    assert torch.allclose(single.value, double.value, rtol=1e-3)


def test_the_gap_is_no_smaller_than_the_distance_to_the_minimum() -> None:
    """At every look on the way, not only at the end."""
    A = cases()["fewer numbers than pixels"]
    y = A(image())
    minimum = float(TV(0.05).solve(y, A, tolerance=1e-9, iterations=50_000).value)
    _, value, gap = TV(0.05).solve(y, A, tolerance=1e-6, iterations=20_000).trace.squeeze(-1).T
    assert len(value) > 20
    assert ((value - minimum) / value <= gap + 1e-9).all()


def test_a_solution_says_that_it_did_not_converge_and_what_to_do() -> None:
    A = cases()["mask"]
    solution = TV(0.01).solve(A(image(2)), A, tolerance=1e-9, iterations=30)
    assert not solution.converged.any()
    assert solution.iterations.tolist() == [30, 30]
    assert "Not converged: 0 of 2" in solution.sentence and "more iterations" in solution.sentence


def test_what_stands_where_nothing_was_measured_does_not_count() -> None:
    A = cases()["mask"]
    y = A(image())
    seen = A.observed()
    assert seen is not None
    dirty = y + 7.0 * ~seen.mask
    assert torch.equal(TV(0.01).solve(dirty, A).value, TV(0.01).solve(y, A).value)
    assert torch.equal(TV.within_noise(dirty, A, sigma=0.1).x, TV.within_noise(y, A, sigma=0.1).x)


def test_without_noise_the_seen_pixels_are_kept() -> None:
    A = cases()["mask"]
    y = A(image())
    solution = TV.within_noise(y, A, sigma=0.0, iterations=20_000)
    assert solution.converged.all(), solution.sentence
    assert torch.allclose(A(solution.x), y, atol=1e-3)


def test_noise_above_all_that_is_seen_gives_a_flat_image_and_an_infinite_weight() -> None:
    A = Identity((1, SIZE, SIZE))
    solution = TV.within_noise(image(), A, sigma=10.0)
    several = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    flat = TV.within_noise(several, Identity((3, 8, 8)), sigma=10.0).x
    assert torch.allclose(flat, several.mean(dim=(2, 3), keepdim=True).expand_as(flat))
    assert float(total_variation(solution.x)) < 1e-9
    assert solution.converged.all()
    assert solution.weight is not None and math.isinf(float(solution.weight))


def test_stacked_operators_are_solved_for_too() -> None:
    A = stack(cases()["mask"], 2 * Identity((1, SIZE, SIZE)))
    solution = TV(0.01).solve(A(image(2)), A)
    assert solution.converged.all(), solution.sentence


def test_bad_input_is_told_what_was_expected() -> None:
    A = cases()["mask"]
    y = A(image())
    with pytest.raises(ValueError, match="at least 0"):
        TV(-1.0)
    with pytest.raises(ValueError, match="at least 0"):
        TV(math.nan)
    with pytest.raises(ValueError, match="NaN or infinity"):
        TV(0.1).solve(y * math.nan, A)
    with pytest.raises(ValueError, match="takes"):
        TV(0.1).solve(y[..., :-1], A)
    with pytest.raises(ValueError, match="real or complex"):
        TV(0.1).solve(y.long(), A)
    with pytest.raises(ValueError, match="weights for 3 samples, but got a batch of 1"):
        TV(torch.ones(3)).solve(y, A)
    with pytest.raises(ValueError, match='"pdhg" or "fista"'):
        TV(0.1).solve(y, A, solver="admm")
    with pytest.raises(ValueError, match="sigma"):
        TV.within_noise(y, A, sigma=-0.1)
    for weight in ("0.1", None):
        with pytest.raises(ValueError, match=r"TV's weight is a finite number of at least 0.*but got"):
            TV(weight)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="tolerance"):
        TV(0.1).solve(y, A, tolerance=0)
    with pytest.raises(ValueError, match="iterations=0"):
        TV(0.1).solve(y, A, iterations=0)
    with pytest.raises(ValueError, match="start is"):
        TV(0.1).solve(y, A, start=y[..., :-1])
    with pytest.raises(ValueError, match="images"):
        TV(0.1)(torch.ones(3, 3))
    with pytest.raises(ValueError, match="images"):
        TV(0.1).solve(torch.ones(1, 4), Identity((4,)))
