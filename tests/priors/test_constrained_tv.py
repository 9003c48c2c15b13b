"""TV with x ≥ 0 and with the Poisson likelihood, against CVXPY and closed forms."""

from __future__ import annotations

import itertools
import math

import cvxpy
import numpy as np
import pytest
import torch
from torch import Tensor

from tests.priors.test_tv import SIZE, Dense, cvxpy_variation, image, matrix_of
from unseen.evaluation import psnr
from unseen.physics import Blur, FourierMask, Gaussian, Identity, Mask, Measurement, Operator, Poisson
from unseen.physics.blur_kernels import gaussian_kernel
from unseen.priors import TV, KullbackLeibler, Squares
from unseen.reconstruction import total_variation


class Rates(Dense):
    """Entries of at least 0, as of a detector that counts."""

    def __init__(self, rows: int, size: int, *, seed: int) -> None:
        super().__init__(rows, size, seed=seed)
        self._set(matrix=self.matrix.abs())


def cases() -> dict[str, Operator]:
    kept = torch.rand(1, SIZE, SIZE, generator=torch.Generator().manual_seed(3)) > 0.4
    return {"identity": Identity((1, SIZE, SIZE)), "mask": Mask(kept), "rates": Rates(60, SIZE, seed=1)}


def counts(A: Operator, *, gain: float, n: int = 1) -> Tensor:
    return Poisson(gain).sample(A(image(n).clamp(min=0)), generator=torch.Generator().manual_seed(7))


@pytest.mark.parametrize("name", cases())
def test_the_minimum_over_nonnegative_images_is_cvxpys(name: str) -> None:
    A = cases()[name]
    y = A(image() - 0.4)  # a third of the pixels would be negative
    weight = 0.02 * A.norm() ** 2
    unknown = cvxpy.Variable(SIZE**2, nonneg=True)
    objective = cvxpy.sum_squares(matrix_of(A) @ unknown - y.flatten().numpy()) / 2
    objective += weight * cvxpy_variation(unknown, SIZE)
    expected = cvxpy.Problem(cvxpy.Minimize(objective)).solve(solver=cvxpy.CLARABEL)

    solution = TV(weight, nonnegative=True).solve(y, A, tolerance=1e-6, iterations=20_000)

    assert solution.converged.all(), solution.sentence
    assert float(solution.value) == pytest.approx(expected, rel=1e-5)
    assert bool((solution.x >= 0).all()) and not bool((TV(weight).solve(y, A).x >= 0).all())
    if name == "identity":
        assert np.abs(solution.x.flatten().numpy() - unknown.value).max() < 1e-3


# By day each operator once, and both likelihoods.
OFTEN = {("identity", 0.0), ("mask", 0.3)}


@pytest.mark.parametrize(
    ("name", "background"),
    [
        one if one in OFTEN else pytest.param(*one, marks=pytest.mark.nightly)
        for one in itertools.product(cases(), (0.0, 0.3))
    ],
)
def test_the_minimum_under_poisson_noise_is_cvxpys(name: str, background: float) -> None:
    A, gain, weight = cases()[name], 0.1, 0.8
    y = counts(A, gain=gain)
    if background:
        y = y + gain * Poisson(1.0).sample(torch.full_like(y, background / gain), generator=torch.Generator())
        mask = A.observed()
        y = y if mask is None else mask(y)
    rows = np.flatnonzero(np.abs(matrix_of(A)).sum(1))  # CVXPY's cone has no place for a rate that is always 0
    unknown = cvxpy.Variable(SIZE**2, nonneg=True)
    rates = matrix_of(A)[rows] @ unknown + background
    objective = cvxpy.sum(cvxpy.kl_div(y.flatten().numpy()[rows], rates)) / gain
    objective += weight * cvxpy_variation(unknown, SIZE)
    expected = cvxpy.Problem(cvxpy.Minimize(objective)).solve(solver=cvxpy.CLARABEL)

    fit = KullbackLeibler(gain, background=background)
    solution = TV(weight, nonnegative=True, fit=fit).solve(y, A, tolerance=1e-6, iterations=20_000)

    assert solution.converged.all(), solution.sentence
    assert float(solution.value) == pytest.approx(expected, rel=1e-5)
    misfit = fit(A(solution.x).flatten(1)[:, rows], y.flatten(1)[:, rows])
    assert float(misfit + TV(weight)(solution.x)) == pytest.approx(expected, rel=1e-5)


def test_the_flattest_nonnegative_image_within_the_noise_is_cvxpys() -> None:
    A, sigma = cases()["rates"], 0.1
    y = A(image().clamp(min=0)) + sigma * torch.randn(1, 60, generator=torch.Generator().manual_seed(5)).double()
    unknown = cvxpy.Variable(SIZE**2, nonneg=True)
    fits = cvxpy.norm(matrix_of(A) @ unknown - y.flatten().numpy()) <= sigma * math.sqrt(60)
    expected = cvxpy.Problem(cvxpy.Minimize(cvxpy_variation(unknown, SIZE)), [fits]).solve(solver=cvxpy.CLARABEL)
    solution = TV.within_noise(y, A, sigma=sigma, nonnegative=True, tolerance=1e-5, iterations=20_000)
    assert solution.converged.all(), solution.sentence
    assert float(solution.value) == pytest.approx(expected, rel=1e-4)
    assert bool((solution.x >= 0).all())


def test_the_kullback_leibler_fit_is_the_log_likelihood_up_to_its_best_value() -> None:
    noise = Poisson(0.25)
    u = torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.1
    y = noise.sample(u, generator=torch.Generator().manual_seed(1))
    best = noise.log_likelihood(y, y)
    assert torch.allclose(KullbackLeibler(0.25)(u, y), best - noise.log_likelihood(y, u))
    assert torch.equal(KullbackLeibler(0.25)(y, y), torch.zeros(3, dtype=torch.float64))
    assert math.isinf(KullbackLeibler()(torch.tensor([[0.0]]), torch.tensor([[1.0]])).item())
    assert math.isinf(KullbackLeibler()(torch.tensor([[-1.0]]), torch.tensor([[0.0]])).item())


def test_without_a_weight_on_edges_counts_are_met_exactly() -> None:
    y = counts(Identity((1, SIZE, SIZE)), gain=0.1, n=2)
    solution = TV(0.0, nonnegative=True, fit=KullbackLeibler(0.1)).solve(y, Identity((1, SIZE, SIZE)), tolerance=1e-6)
    assert torch.allclose(solution.x, y, atol=1e-3)


def test_each_sample_is_solved_by_itself() -> None:
    A = cases()["mask"]
    y = counts(A, gain=0.1, n=3) * torch.tensor([1.0, 3.0, 0.0], dtype=torch.float64).reshape(-1, 1, 1, 1)
    prior = TV(0.5, nonnegative=True, fit=KullbackLeibler(0.1))
    together = prior.solve(y, A)
    assert together.converged.all(), together.sentence
    for i in range(3):
        assert torch.allclose(prior.solve(y[i : i + 1], A).x[0], together.x[i], atol=1e-10)


def test_denoising_keeps_nonnegative_images_so() -> None:
    v = image(2) - 0.5
    found = TV(0.1, nonnegative=True).prox(v, tolerance=1e-6, iterations=20_000)
    assert bool((found.x >= 0).all())
    dual = (found.x - v)[found.x == 0]
    assert len(dual) and float(found.value.sum()) > float(TV(0.1).prox(v).value.sum())


@pytest.mark.nightly
def test_the_baseline_by_name_is_this_prior() -> None:
    process = Measurement(Blur(16, gaussian_kernel(1.0)), noise=Poisson(0.02))
    x = image(2, size=16).clamp(min=0).float()
    y = process(x, generator=torch.Generator().manual_seed(0))
    found = total_variation(y, process, weight=1.5, nonnegative=True, likelihood="poisson")
    assert torch.equal(found, TV(1.5, nonnegative=True, fit=KullbackLeibler(0.02)).solve(y, process.A).x)
    assert float(psnr(found, x).mean()) > float(psnr(y, x).mean()) + 5


def test_mistakes_are_reported() -> None:
    A = Identity((1, 8, 8))
    y = torch.ones(1, 1, 8, 8)
    with pytest.raises(ValueError, match="real numbers of at least 0, but y is negative"):
        TV(0.1, fit=KullbackLeibler()).solve(-y, A)
    with pytest.raises(ValueError, match="real images are at least 0"):
        TV(0.1, nonnegative=True).solve(y + 0j, FourierMask(torch.ones(8, 8)))
    with pytest.raises(ValueError, match=r"by squares .fit=None., KullbackLeibler"):
        TV(0.1, fit=Squares(1.0))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match='Use "pdhg"'):
        TV(0.1, nonnegative=True).solve(y, A, solver="fista")
    with pytest.raises(ValueError, match="of Gaussian noise, but the fit is KullbackLeibler"):
        TV(0.1, fit=KullbackLeibler()).fitted(y, A, sigma=0.1)
    for wrong in ({"gain": 0.0}, {"background": -1.0}):
        with pytest.raises(ValueError, match="finite number"):
            KullbackLeibler(**wrong)
    process = Measurement(A, noise=Gaussian(0.1))
    with pytest.raises(ValueError, match="needs Poisson noise without read-out"):
        total_variation(y, process, weight=0.1, likelihood="poisson")
    with pytest.raises(ValueError, match="gaussian or poisson, but got 'laplace'"):
        total_variation(y, process, weight=0.1, likelihood="laplace")  # type: ignore[arg-type]


def test_each_image_may_have_its_own_noise_level() -> None:
    """Before, one level was taken for all."""
    x, sigma = torch.zeros(3, 1, 16, 16), torch.tensor([0.02, 0.1, 0.4])
    x[..., 4:12, 4:12] = 1
    y = x + sigma.reshape(-1, 1, 1, 1) * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    A = Identity((1, 16, 16))
    together = TV.within_noise(y, A, sigma=sigma).x
    for i in range(3):
        alone = TV.within_noise(y[i : i + 1], A, sigma=float(sigma[i])).x[0]
        assert torch.allclose(together[i], alone, atol=1e-5)
        assert (together[i] - y[i]).square().mean().sqrt() == pytest.approx(float(sigma[i]), rel=0.02)
    with pytest.raises(ValueError, match="sigma has levels for 2 samples, but got a batch of 3"):
        TV.within_noise(y, A, sigma=sigma[:2])
    with pytest.raises(ValueError, match="sigma is a standard deviation of at least 0"):
        TV.within_noise(y, A, sigma=-sigma)
