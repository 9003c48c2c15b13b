"""The lasso and orthogonal matching pursuit, against scikit-learn, CVXPY and closed forms."""

from __future__ import annotations

import math

import cvxpy
import numpy as np
import pytest
import torch
from sklearn import linear_model
from torch import Tensor

from tests.priors.test_tv import Dense, matrix_of
from unseen.physics import (
    CompressedSensing,
    FourierMask,
    Gaussian,
    Identity,
    Mask,
    Measurement,
    Poisson,
)
from unseen.priors import KullbackLeibler, Lasso, WaveletTransform
from unseen.reconstruction import matching_pursuit

SIZE, ROWS, NONZEROS = 8, 40, 5
TIGHT = {"tolerance": 1e-7, "iterations": 50_000}


def sparse(n: int = 2, *, seed: int = 0, k: int = NONZEROS) -> Tensor:
    """k pixels of size 1 to 2 and either sign."""
    rng = torch.Generator().manual_seed(seed)
    places = torch.rand(n, SIZE**2, generator=rng).argsort(dim=1)[:, :k]
    sizes = 1 + torch.rand(n, k, generator=rng, dtype=torch.float64)
    signs = torch.randint(0, 2, (n, k), generator=rng) * 2 - 1
    return torch.zeros(n, SIZE**2, dtype=torch.float64).scatter(1, places, sizes * signs).reshape(n, 1, SIZE, SIZE)


def noisy(A: Dense, x: Tensor, *, sigma: float = 0.05) -> Tensor:
    return A(x) + sigma * torch.randn(len(x), *A.range, generator=torch.Generator().manual_seed(9)).double()


@pytest.mark.parametrize("solver", ["pdhg", "fista"])
def test_the_minimum_is_scikit_learns_lasso(solver: str) -> None:
    A, weight = Dense(ROWS, SIZE, seed=1), 0.05
    y = noisy(A, sparse())
    solution = Lasso(weight).solve(y, A, solver=solver, **TIGHT)
    assert solution.converged.all(), solution.sentence
    for found, seen in zip(solution.x, y.numpy(), strict=True):
        model = linear_model.Lasso(weight / ROWS, fit_intercept=False, tol=1e-12, max_iter=100_000)
        model.fit(matrix_of(A), seen)
        assert np.abs(found.flatten().numpy() - model.coef_).max() < 1e-4


def test_the_nonnegative_minimum_is_scikit_learns() -> None:
    A, weight = Dense(ROWS, SIZE, seed=1), 0.05
    y = noisy(A, sparse(1))
    found = Lasso(weight, nonnegative=True).solve(y, A, **TIGHT).x
    model = linear_model.Lasso(weight / ROWS, fit_intercept=False, tol=1e-12, max_iter=100_000, positive=True)
    model.fit(matrix_of(A), y[0].numpy())
    assert np.abs(found.flatten().numpy() - model.coef_).max() < 1e-4 and bool((found >= 0).all())


def test_within_the_noise_it_is_cvxpys_basis_pursuit_denoising() -> None:
    A, sigma = Dense(ROWS, SIZE, seed=1), 0.05
    y = noisy(A, sparse(1), sigma=sigma)
    unknown = cvxpy.Variable(SIZE**2)
    fits = cvxpy.norm(matrix_of(A) @ unknown - y.flatten().numpy()) <= sigma * math.sqrt(ROWS)
    expected = cvxpy.Problem(cvxpy.Minimize(cvxpy.norm1(unknown)), [fits]).solve(solver=cvxpy.CLARABEL)
    solution = Lasso(1.0).fitted(y, A, sigma=sigma, tolerance=1e-6, iterations=50_000)
    assert solution.converged.all(), solution.sentence
    assert float(solution.value) == pytest.approx(expected, rel=1e-4)
    assert np.abs(solution.x.flatten().numpy() - unknown.value).max() < 1e-2
    assert solution.weight is not None
    again = Lasso(solution.weight).solve(y, A, **TIGHT)
    assert torch.allclose(again.x, solution.x, atol=1e-3)


def test_without_noise_basis_pursuit_is_exact() -> None:
    """24 random sums of 64 pixels, of which 3 differ from 0."""
    A, x = CompressedSensing(SIZE, 24, seed=3), sparse(2, k=3)
    found = Lasso(1.0).fitted(A(x), A, sigma=0.0, tolerance=1e-5, iterations=20_000).x
    assert torch.allclose(found, x, atol=1e-3)
    assert float((A.pinv(A(x)) - x).norm() / x.norm()) > 0.5


@pytest.mark.parametrize("solver", ["pdhg", "fista"])
def test_seen_in_whole_the_solution_is_soft_thresholding(solver: str) -> None:
    rng = torch.Generator().manual_seed(2)
    v = torch.randn(2, 1, 4, 4, generator=rng, dtype=torch.complex128)
    expected = v / v.abs() * (v.abs() - 0.6).clamp(min=0)
    assert torch.allclose(Lasso(0.6).prox(v).x, expected)
    A = FourierMask(torch.ones(4, 4, dtype=torch.bool))
    assert torch.allclose(Lasso(0.6).solve(A(v), A, solver=solver, **TIGHT).x, expected, atol=1e-4)
    real = v.real
    found = Lasso(0.6, nonnegative=True).prox(real)
    assert torch.allclose(found.x, (real - 0.6).clamp(min=0))
    solved = Lasso(0.6, nonnegative=True).solve(real, Identity((1, 4, 4)), **TIGHT)
    assert torch.allclose(solved.x, found.x, atol=1e-4) and torch.allclose(solved.value, found.value, rtol=1e-5)


def test_the_image_is_zero_from_the_largest_correlation_on() -> None:
    A = Dense(ROWS, SIZE, seed=1)
    y = noisy(A, sparse(1))
    largest = float(A.adjoint(y).abs().max())
    assert not Lasso(1.001 * largest).solve(y, A, **TIGHT).x.abs().max() > 1e-6
    assert Lasso(0.95 * largest).solve(y, A, **TIGHT).x.abs().max() > 1e-3


@pytest.mark.parametrize("k", [1, 4, 9])
def test_matching_pursuit_is_scikit_learns(k: int) -> None:
    A = Dense(ROWS, SIZE, seed=1)
    y = noisy(A, sparse(3))
    columns = matrix_of(A)
    lengths = np.linalg.norm(columns, axis=0)
    found = matching_pursuit(y, Measurement(A), nonzeros=k)
    expected = linear_model.orthogonal_mp(columns / lengths, y.numpy().T, n_nonzero_coefs=k).T / lengths
    assert np.abs(found.flatten(1).numpy() - expected).max() < 1e-9
    assert (found != 0).flatten(1).sum(1).tolist() == [k] * 3


def test_matching_pursuit_recovers_sparse_images_exactly() -> None:
    A = CompressedSensing(SIZE, 32, seed=4)
    x = sparse(20, k=3)
    found = matching_pursuit(A(x), Measurement(A), nonzeros=3)
    assert torch.allclose(found, x, atol=1e-9)
    more = matching_pursuit(A(x), Measurement(A), nonzeros=10)
    assert torch.allclose(more, x, atol=1e-9), "it stops once nothing is left"


def test_matching_pursuit_stops_at_the_noise() -> None:
    A, sigma = Dense(ROWS, SIZE, seed=1), 0.05
    x = torch.cat([sparse(1, k=1), sparse(1, seed=1), 0 * sparse(1)])
    y = noisy(A, x, sigma=sigma)
    found = matching_pursuit(y, Measurement(A, noise=Gaussian(sigma)))
    counts = (found != 0).flatten(1).sum(1)
    assert counts[0] <= counts[1] <= 12
    assert bool(((A(found) - y).square().sum(1) <= ROWS * sigma**2).all())
    one_less = matching_pursuit(y[1:2], Measurement(A), nonzeros=int(counts[1]) - 1)
    assert float((A(one_less) - y[1:2]).square().sum()) > ROWS * sigma**2
    alone = matching_pursuit(y[1:2], Measurement(A, noise=Gaussian(sigma)))
    assert torch.allclose(alone[0], found[1], atol=1e-12), "each sample by itself"


def test_matching_pursuit_of_complex_measurements_other_bases_and_one_operator_for_each() -> None:
    W = WaveletTransform("haar", levels=2)
    x = W.adjoint(sparse(2, k=3))
    mask = torch.rand(SIZE, SIZE, generator=torch.Generator().manual_seed(5)) < 0.7
    real = FourierMask(mask, real=True)
    assert torch.allclose(matching_pursuit(real(x), Measurement(real), nonzeros=3, basis=W), x, atol=1e-9)
    whole = FourierMask(mask)
    turned = x * torch.exp(torch.tensor(0.7j, dtype=torch.complex128))
    found = matching_pursuit(whole(turned), Measurement(whole), nonzeros=3, basis=W)
    assert torch.allclose(found, turned, atol=1e-9)
    masks = torch.rand(2, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(6)) < 0.6
    A, image = Mask(masks), sparse(2)
    assert torch.allclose(matching_pursuit(A(image), Measurement(A), nonzeros=NONZEROS), A(image))


def test_mistakes_are_reported() -> None:
    A = Identity((1, 4, 4))
    y = torch.ones(1, 1, 4, 4)
    with pytest.raises(
        ValueError, match="nonzeros, the number of coefficients, is a whole number of at least 1, but got 0"
    ):
        matching_pursuit(y, Measurement(A), nonzeros=0)
    with pytest.raises(ValueError, match="nonzeros=None needs one Gaussian noise"):
        matching_pursuit(y, Measurement(A, noise=Poisson(0.1)))
    with pytest.raises(ValueError, match="basis of pixels alone"):
        Lasso(0.1, basis=WaveletTransform(), nonnegative=True).prox(y)
    with pytest.raises(ValueError, match="Lasso's weight"):
        Lasso(-0.1)
    with pytest.raises(ValueError, match='Use "pdhg"'):
        Lasso(0.1, fit=KullbackLeibler()).solve(y, A, solver="fista")
