"""The wavelet transform and its prior, against PyWavelets, CVXPY and closed forms."""

from __future__ import annotations

import cvxpy
import numpy as np
import pytest
import pywt
import torch

from tests.priors.test_tv import Dense, matrix_of
from unseen.physics import Identity
from unseen.priors import Wavelets, WaveletTransform
from unseen.priors.wavelet_transform import daubechies_filter, one_level

pytestmark = pytest.mark.filterwarnings("ignore:Level value of .* is too high:UserWarning")


@pytest.mark.parametrize("moments", range(1, 11))
def test_filters_are_pywavelets(moments: int) -> None:
    expected = np.array(pywt.Wavelet(f"db{moments}").rec_lo)
    assert np.abs(daubechies_filter(moments) - expected).max() < 1e-7


@pytest.mark.parametrize("side", [2, 6, 12, 32])
@pytest.mark.parametrize("moments", [1, 2, 4, 10])
def test_one_level_is_orthogonal_also_where_filters_are_longer_than_the_signal(side: int, moments: int) -> None:
    matrix = one_level(side, moments)
    assert torch.allclose(matrix @ matrix.T, torch.eye(side, dtype=torch.float64), atol=1e-7)


@pytest.mark.parametrize("name", ["haar", "db2", "db4", "db7"])
def test_coefficients_are_pywavelets(name: str) -> None:
    x = torch.randn(1, 1, 32, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = WaveletTransform(name, levels=3)(x)[0, 0].numpy()
    expected, _ = pywt.coeffs_to_array(pywt.wavedec2(x[0, 0].numpy(), name, mode="periodization", level=3))
    assert np.abs(found - expected).max() < 1e-7


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_the_transform_is_orthogonal(dtype: torch.dtype) -> None:
    W, rng = WaveletTransform("db3", levels=4), torch.Generator().manual_seed(0)
    x, c = (torch.randn(2, 3, 24, 8, generator=rng, dtype=dtype) for _ in range(2))
    assert torch.allclose(W.adjoint(W(x)), x, atol=1e-9) and torch.allclose(W(W.adjoint(c)), c, atol=1e-9)
    assert torch.allclose((W(x).conj() * c).sum(), (x.conj() * W.adjoint(c)).sum(), atol=1e-9)
    assert W.approximation(x) == (3, 1)


def test_smooth_images_have_no_details_inside() -> None:
    """A filter with n vanishing moments is blind to polynomials of degree n − 1, away from the boundary."""
    rows = torch.arange(32, dtype=torch.float64).reshape(1, 1, 32, 1).expand(1, 1, 32, 32)
    polynomial = 1 + rows - 0.05 * rows**2
    details = WaveletTransform("db3", levels=1)(polynomial)[..., 16:, :16]
    assert float(details[..., 3:-3, :].abs().max()) < 1e-9 < float(details.abs().max())
    assert float(Wavelets(1.0).distance(torch.full((1, 2, 16, 16), 7.0)).max()) < 1e-3


def test_the_minimum_is_cvxpys() -> None:
    size, weight = 8, 0.05
    A = Dense(40, size, seed=1)
    y = A(torch.rand(1, 1, size, size, generator=torch.Generator().manual_seed(3), dtype=torch.float64))
    prior = Wavelets(weight, wavelet="db2", levels=2)
    basis = torch.eye(size**2, dtype=torch.float64).reshape(-1, 1, size, size)
    W = prior.transform(basis)
    W[..., :2, :2] = 0
    unknown = cvxpy.Variable(size**2)
    objective = cvxpy.sum_squares(matrix_of(A) @ unknown - y.flatten().numpy()) / 2
    objective += weight * cvxpy.norm1(W.flatten(1).T.numpy() @ unknown)
    expected = cvxpy.Problem(cvxpy.Minimize(objective)).solve(solver=cvxpy.CLARABEL)
    for solver in ("pdhg", "fista"):
        solution = prior.solve(y, A, solver=solver, tolerance=1e-6, iterations=50_000)
        assert solution.converged.all(), solution.sentence
        assert float(solution.value) == pytest.approx(expected, rel=1e-5)


def test_denoising_is_pywavelets_soft_thresholding() -> None:
    x = torch.randn(1, 1, 16, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    parts = pywt.wavedec2(x[0, 0].numpy(), "db4", mode="periodization", level=2)
    kept = [parts[0], *[tuple(pywt.threshold(one, 0.5, "soft") for one in level) for level in parts[1:]]]
    expected = pywt.waverec2(kept, "db4", mode="periodization")
    prior = Wavelets(0.5, wavelet="db4", levels=2)
    assert np.abs(prior.prox(x).x[0, 0].numpy() - expected).max() < 1e-7
    solved = prior.solve(x, Identity((1, 16, 16)), tolerance=1e-8, iterations=20_000)
    assert torch.allclose(solved.x, prior.prox(x).x, atol=1e-3)


def test_mistakes_are_reported() -> None:
    with pytest.raises(ValueError, match="db1 to db10, but got 'sym4'"):
        Wavelets(0.1, wavelet="sym4")
    with pytest.raises(ValueError, match="levels is a whole number of at least 1"):
        WaveletTransform(levels=0)
    with pytest.raises(ValueError, match=r"even sides, but got \(1, 1, 7, 8\)"):
        Wavelets(0.1).solve(torch.ones(1, 1, 7, 8), Identity((1, 7, 8)))
    assert repr(Wavelets(0.1, levels=2)) == "Wavelets(0.1, basis=WaveletTransform('db4', levels=2))"
