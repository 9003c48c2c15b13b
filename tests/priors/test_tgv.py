"""Total generalised variation, against CVXPY and closed forms."""

from __future__ import annotations

import cvxpy
import numpy as np
import pytest
import torch
from torch import Tensor

from tests.priors.test_tv import Dense, matrix_of
from unseen.evaluation import psnr
from unseen.physics import FourierMask, Gaussian, Identity, Mask, Measurement, Operator
from unseen.priors import TGV, TV, KullbackLeibler
from unseen.priors.differences import NORM
from unseen.priors.tgv import _symmetrised, _symmetrised_adjoint

SIZE = 5


def image(n: int = 1) -> Tensor:
    """Return a ramp with an edge, and a little texture."""
    rows = torch.arange(SIZE, dtype=torch.float64).reshape(1, 1, SIZE, 1).expand(n, 1, SIZE, SIZE) / SIZE
    noise = 0.1 * torch.randn(n, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = rows + noise
    x[..., 3:] += 1
    return x


def cvxpy_generalised(x: cvxpy.Expression, second: float) -> tuple[cvxpy.Expression, cvxpy.Variable]:
    """Written down anew, pixel by pixel, from the definition; x is a matrix."""
    down, right = cvxpy.Variable((SIZE, SIZE)), cvxpy.Variable((SIZE, SIZE))
    parts = []

    def difference(of: cvxpy.Expression, i: int, j: int, axis: int) -> cvxpy.Expression | None:
        if axis == 0:
            return of[i + 1, j] - of[i, j] if i + 1 < SIZE else None
        return of[i, j + 1] - of[i, j] if j + 1 < SIZE else None

    for i in range(SIZE):
        for j in range(SIZE):
            apart = [
                difference(x, i, j, axis) - field[i, j]
                for axis, field in enumerate((down, right))
                if difference(x, i, j, axis) is not None
            ]
            if apart:
                parts.append(cvxpy.norm(cvxpy.hstack(apart)))
            mixed = [one for one in (difference(down, i, j, 1), difference(right, i, j, 0)) if one is not None]
            bent = [one for one in (difference(down, i, j, 0), difference(right, i, j, 1)) if one is not None]
            if mixed:
                bent.append(sum(mixed) / np.sqrt(2))
            if bent:
                parts.append(second * cvxpy.norm(cvxpy.hstack(bent)))
    return cvxpy.sum(cvxpy.hstack(parts)), down


def cases() -> dict[str, Operator]:
    kept = torch.rand(1, SIZE, SIZE, generator=torch.Generator().manual_seed(3)) > 0.4
    return {"identity": Identity((1, SIZE, SIZE)), "mask": Mask(kept), "sums": Dense(15, SIZE, seed=1)}


# By day sums of all pixels, which take any operator's way.
@pytest.mark.parametrize(
    "name", [name if name == "sums" else pytest.param(name, marks=pytest.mark.nightly) for name in cases()]
)
def test_the_minimum_is_cvxpys(name: str) -> None:
    A, weight, second = cases()[name], 0.1, 1.5
    y = A(image())
    unknown = cvxpy.Variable((SIZE, SIZE))
    objective = cvxpy.sum_squares(matrix_of(A) @ cvxpy.reshape(unknown, SIZE**2, order="C") - y.flatten().numpy()) / 2
    objective += weight * cvxpy_generalised(unknown, second)[0]
    expected = cvxpy.Problem(cvxpy.Minimize(objective)).solve(solver=cvxpy.CLARABEL)
    solution = TGV(weight, second=second).solve(y, A, tolerance=2e-4, iterations=10_000)
    assert solution.converged.all(), solution.sentence
    assert float(solution.value) == pytest.approx(expected, rel=2e-4)
    own = (A(solution.x) - y).square().sum() / 2 + TGV(weight, second=second)(solution.x)
    assert float(own) == pytest.approx(expected, rel=1e-3)


def test_the_distance_is_cvxpys() -> None:
    x = image(2)
    found = TGV(1.0, second=0.7).distance(x)
    for one, value in zip(x, found.tolist(), strict=True):
        generalised, _ = cvxpy_generalised(cvxpy.Constant(one[0].numpy()), 0.7)
        assert value == pytest.approx(cvxpy.Problem(cvxpy.Minimize(generalised)).solve(solver=cvxpy.CLARABEL), rel=1e-3)


def test_affine_images_have_no_generalised_variation() -> None:
    rows, columns = torch.meshgrid(*[torch.arange(6, dtype=torch.float64)] * 2, indexing="ij")
    affine = torch.stack([2 * rows - 3 * columns + 1, 0 * rows + 5, rows])[:, None]
    assert TGV(1.0).distance(affine).abs().max() < 1e-9 < 1 < float(TV(1.0).distance(affine)[0])
    curved = (rows**2)[None, None]
    assert float(TGV(1.0).distance(curved)) > 1


@pytest.mark.nightly  # the distance is cvxpy's
@pytest.mark.parametrize("second", [2.0, 0.1, 20.0])
def test_it_is_a_seminorm_no_larger_than_total_variation(second: float) -> None:
    """w = 0 gives TV."""
    x, prior = image(3), TGV(1.0, second=second)
    found = prior.distance(x)
    assert bool((found <= TV(1.0).distance(x) * (1 + 1e-4)).all())
    assert torch.allclose(prior.distance(2 * x), 2 * found, rtol=1e-3)


def test_the_symmetrised_gradient_has_its_adjoint_and_norm() -> None:
    rng = torch.Generator().manual_seed(0)
    field = torch.randn(2, 2, 3, 6, 5, generator=rng, dtype=torch.complex128)
    p = torch.randn(2, 3, 3, 6, 5, generator=rng, dtype=torch.complex128)
    forward = (_symmetrised(field).conj() * p).sum()
    assert torch.allclose(forward, (field.conj() * _symmetrised_adjoint(p)).sum())
    basis = torch.eye(2 * 144, dtype=torch.float64).reshape(-1, 2, 1, 12, 12)
    largest = float(torch.linalg.matrix_norm(_symmetrised(basis).flatten(1), 2))
    assert 0.9 * NORM < largest <= NORM


@pytest.mark.nightly
def test_ramps_are_denoised_better_than_by_total_variation() -> None:
    """Both stop at the noise, so neither has a weight that was chosen."""
    rows, columns = torch.meshgrid(*[torch.linspace(0, 1, 24)] * 2, indexing="ij")
    x = torch.stack([rows + columns, torch.maximum(rows, 1 - columns)])[:, None]
    A = Identity((1, 24, 24))
    y = Measurement(A, noise=Gaussian(0.1))(x, generator=torch.Generator().manual_seed(0))
    by_tgv, by_tv = TGV(1.0).fitted(y, A, sigma=0.1).x, TV.within_noise(y, A, sigma=0.1).x
    assert bool((torch.as_tensor(psnr(by_tgv, x)) > torch.as_tensor(psnr(by_tv, x)) + 1).all())


@pytest.mark.nightly
def test_nonnegative_complex_and_counted_images() -> None:
    y = image(2) - 0.4
    solution = TGV(0.05, nonnegative=True).solve(y, cases()["identity"])
    assert bool((solution.x >= 0).all()) and solution.converged.all()
    A = FourierMask(torch.rand(SIZE, SIZE, generator=torch.Generator().manual_seed(1)) > 0.3)
    seen = A(image(1) + 0j)
    turn = torch.exp(torch.tensor(0.7j, dtype=torch.complex128))
    plain, turned = (TGV(0.05).solve(one, A, iterations=300).x for one in (seen, turn * seen))
    assert torch.allclose(turn * plain, turned, atol=1e-6)
    counts = TGV(0.5, nonnegative=True, fit=KullbackLeibler(0.1)).solve(y.clamp(min=0), cases()["identity"])
    assert bool((counts.x >= 0).all()) and counts.converged.all(), counts.sentence


def test_mistakes_are_reported() -> None:
    with pytest.raises(ValueError, match="second is a finite number above 0"):
        TGV(0.1, second=0)
    with pytest.raises(ValueError, match="a prior with a proximal map, but the prior is TGV"):
        TGV(0.1).solve(image(), cases()["identity"], solver="fista")
    assert repr(TGV(0.1, second=3)) == "TGV(0.1, second=3)"
