"""The likelihood of transmitted counts I0 exp(−A x), against SciPy's L-BFGS-B, CVXPY and the noise's likelihood."""

from __future__ import annotations

import cvxpy
import numpy as np
import pytest
import scipy.optimize
import scipy.special
import torch
from torch import Tensor

from tests.priors.test_tv import SIZE, cvxpy_variation, image, matrix_of
from unseen.evaluation import psnr
from unseen.physics import BeerLambert, Identity, Mask, Measurement, Operator, Poisson, PoissonGaussian, Tomography
from unseen.priors import TV, Transmission
from unseen.priors.solvers.transmission_term import transmission_likelihood
from unseen.priors.solvers.wright_omega import wright_omega
from unseen.reconstruction import total_variation

I0, GAIN = 60.0, 0.5
KEPT = torch.rand(1, SIZE, SIZE, generator=torch.Generator().manual_seed(3)) > 0.4
CASES: dict[str, Operator] = {
    "identity": Identity((1, SIZE, SIZE)),
    "mask": Mask(KEPT),
    "scan": Tomography(SIZE, angles=9, pixel_size=1 / SIZE),
}


def counts(A: Operator, n: int = 1) -> Tensor:
    process = Measurement(A, link=BeerLambert(I0), noise=Poisson(GAIN))
    y = process(3 * image(n).clamp(min=0), generator=torch.Generator().manual_seed(7))
    mask = A.observed()
    return y if mask is None else mask(y)


def rows_of(A: Operator) -> np.ndarray:
    """Return rows that see a pixel: the others' counts are constants."""
    return np.flatnonzero(np.abs(matrix_of(A)).sum(1))


def test_wright_omega_is_scipys() -> None:
    t = torch.cat([torch.linspace(-60, 60, 4001), torch.logspace(1, 30, 100), -torch.logspace(1, 2, 50)]).double()
    expected = scipy.special.wrightomega(t.numpy())
    assert np.allclose(wright_omega(t).numpy(), expected, rtol=1e-14, atol=0)
    single = t[t > -80].float()
    expected = scipy.special.wrightomega(single.double().numpy())
    assert np.allclose(wright_omega(single).numpy(), expected, rtol=1e-6, atol=0)


def test_the_fit_is_the_log_likelihood_up_to_its_best_value_and_has_its_slope() -> None:
    u = 3 * torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mean = I0 * torch.exp(-u)
    y = Poisson(GAIN).sample(mean, generator=torch.Generator().manual_seed(1))
    y[0, 0, 0] = 0
    noise = Poisson(GAIN)
    wanted = noise.log_likelihood(y, y.clamp(min=1e-300)) - noise.log_likelihood(y, mean)
    assert torch.allclose(Transmission(I0, GAIN)(u, y), wanted)
    u.requires_grad_()
    (slope,) = torch.autograd.grad(Transmission(I0, GAIN)(u, y).sum(), u)
    assert torch.allclose(slope, (y - mean) / GAIN)


@pytest.mark.parametrize("name", CASES)
def test_the_proximal_map_is_a_subgradient_and_the_gap_is_fenchels(name: str) -> None:
    """p⁺ = prox(p) satisfies (p − p⁺) / step = z with p⁺ = F'(z), where the gap is 0; elsewhere it is above."""
    A, y = CASES[name], counts(CASES[name], 2)
    term = transmission_likelihood(A, y, A.norm(), I0=I0, gain=GAIN)
    p = 20 * torch.randn(y.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    step = torch.tensor([0.3, 7.0], dtype=torch.float64).reshape(-1, 1, 1, 1)
    after = term.prox_conjugate(p, step)
    z = (p - after) / step
    slope = (y - I0 * torch.exp(-z)) / GAIN
    mask = A.observed()
    slope = slope if mask is None else mask(slope)
    assert torch.allclose(after, slope, atol=1e-9)
    assert bool((term.gap(z, after) < 1e-9).all()) and bool((term.gap(z + 0.1, after) > 1e-3).all())


@pytest.mark.parametrize("name", ["mask", "scan"])
def test_without_a_prior_the_minimum_is_that_of_l_bfgs_b(name: str) -> None:
    A, y = CASES[name], counts(CASES[name])
    rows = rows_of(A)
    matrix, seen = matrix_of(A)[rows], y.flatten().numpy()[rows]

    def cost(x: np.ndarray) -> tuple[float, np.ndarray]:
        lines = matrix @ x
        mean = I0 * np.exp(-lines)
        best = scipy.special.xlogy(seen, seen) - seen * (np.log(I0) - lines)
        return float((mean - seen + best).sum() / GAIN), matrix.T @ (seen - mean) / GAIN

    found = scipy.optimize.minimize(
        cost, np.zeros(SIZE**2), jac=True, bounds=[(0, None)] * SIZE**2, method="L-BFGS-B",
        options={"maxiter": 20_000, "maxfun": 50_000, "ftol": 1e-15, "gtol": 1e-9},
    )  # fmt: skip
    solution = TV(0.0, nonnegative=True, fit=Transmission(I0, GAIN)).solve(y, A, tolerance=1e-6, iterations=50_000)
    assert solution.converged.all(), solution.sentence
    assert cost(solution.x.flatten().numpy())[0] == pytest.approx(float(found.fun), rel=1e-5)


@pytest.mark.parametrize(
    "name", [name if name != "identity" else pytest.param(name, marks=pytest.mark.nightly) for name in CASES]
)
def test_with_total_variation_the_minimum_is_cvxpys(name: str) -> None:
    A, y, weight = CASES[name], counts(CASES[name]), 0.8
    rows = rows_of(A)
    unknown = cvxpy.Variable(SIZE**2, nonneg=True)
    lines, seen = matrix_of(A)[rows] @ unknown, y.flatten().numpy()[rows]
    objective = (I0 * cvxpy.sum(cvxpy.exp(-lines)) + seen @ lines) / GAIN + weight * cvxpy_variation(unknown, SIZE)
    constant = (scipy.special.xlogy(seen, seen / I0) - seen).sum() / GAIN
    expected = cvxpy.Problem(cvxpy.Minimize(objective)).solve(solver=cvxpy.CLARABEL) + constant

    prior = TV(weight, nonnegative=True, fit=Transmission(I0, GAIN))
    solution = prior.solve(y, A, tolerance=1e-6, iterations=50_000)
    assert solution.converged.all(), solution.sentence
    misfit = Transmission(I0, GAIN)(A(solution.x).flatten(1)[:, rows], y.flatten(1)[:, rows])
    assert float(misfit + prior(solution.x)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.nightly
def test_low_dose_ct_is_better_by_the_likelihood_than_by_the_squares_of_the_logarithms() -> None:
    """Few counts behind the object: the logarithm weighs their noise like that of the others."""
    A = Tomography(24, angles=40, pixel_size=1 / 24)
    process = Measurement(A, link=BeerLambert(300.0), noise=Poisson(1.0))
    x = 4 * image(4, size=24).clamp(min=0).float()
    y = process(x, generator=torch.Generator().manual_seed(0))
    best = {
        likelihood: max(
            psnr(total_variation(y, process, weight=w, nonnegative=True, likelihood=likelihood), x, peak=4.0).mean()
            for w in weights
        )
        for likelihood, weights in {"poisson": (0.3, 1.0, 3.0), "gaussian": (0.001, 0.003, 0.01, 0.03, 0.1)}.items()
    }
    assert best["poisson"] > best["gaussian"]
    by_name = total_variation(y, process, weight=1.0, nonnegative=True, likelihood="poisson")
    assert torch.equal(by_name, TV(1.0, nonnegative=True, fit=Transmission(300.0)).solve(y, A).x)


@pytest.mark.nightly
def test_each_sample_is_solved_by_itself_in_single_precision() -> None:
    A = CASES["mask"]
    y = counts(A, 3).float() * torch.tensor([1.0, 0.2, 0.0]).reshape(-1, 1, 1, 1)
    prior = TV(0.8, nonnegative=True, fit=Transmission(I0, GAIN))
    together = prior.solve(y, A, iterations=300).x
    assert bool(together.isfinite().all())
    for i in range(3):
        assert torch.allclose(prior.solve(y[i : i + 1], A, iterations=300).x[0], together[i], atol=1e-4)


def test_mistakes_are_reported() -> None:
    A, y = CASES["identity"], counts(CASES["identity"])
    with pytest.raises(ValueError, match=r"Transmission\(60\) fits counts"):
        TV(0.1, fit=Transmission(I0)).solve(-y, A)
    with pytest.raises(ValueError, match="I0 is a finite number above 0"):
        Transmission(0.0)
    with pytest.raises(ValueError, match="of Gaussian noise, but the fit is Transmission"):
        TV(0.1, fit=Transmission(I0, GAIN)).fitted(y, A, sigma=0.1)
    with pytest.raises(ValueError, match="Poisson noise without read-out"):
        noisy = Measurement(A, link=BeerLambert(I0), noise=PoissonGaussian(1.0, 2.0))
        total_variation(y, noisy, weight=1.0, likelihood="poisson")
