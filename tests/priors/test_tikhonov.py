"""Tikhonov against the dense normal equations."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from unseen.physics import (
    Blur,
    FourierMask,
    FunctionOperator,
    Identity,
    Mask,
    Operator,
    Tomography,
    simulated_coils,
)
from unseen.physics.blur_kernels import gaussian_kernel
from unseen.priors import L1, Squares, Tikhonov
from unseen.priors.damped import DampedLeastSquares

SIZE = 8


def operators() -> dict[str, Operator]:
    rng = torch.Generator().manual_seed(0)
    mask = torch.rand(SIZE, SIZE, generator=rng) > 0.5
    return {
        "identity": 3 * Identity((1, SIZE, SIZE)),
        "mask": Mask(mask),
        "fourier": FourierMask(mask),
        "fourier, real": FourierMask(mask, real=True),
        "coils": FourierMask(mask, coils=simulated_coils(SIZE, coils=3)),
        "tomography": Tomography(SIZE, angles=5),
        "blur": Blur(SIZE, gaussian_kernel(0.8)),
    }


def dense(A: Operator) -> Tensor:
    unit = torch.eye(A.domain[1] ** 2, dtype=torch.float64).reshape(-1, *A.domain)
    if A.complex_domain:  # real and imaginary parts are numbers of their own
        unit = torch.cat([unit, 1j * unit])
    columns = A(unit).flatten(1)
    return torch.view_as_real(columns).flatten(1) if columns.is_complex() else columns


@pytest.fixture
def by_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every image be larger than the spectral way's limit."""
    monkeypatch.setattr("unseen.priors.damped.SPECTRAL", SIZE**2 - 1)


@pytest.mark.usefixtures("by_gradients")
@pytest.mark.parametrize("name", ["coils", "tomography"])
def test_the_minimum_of_larger_images_is_that_of_the_normal_equations(name: str) -> None:
    assert DampedLeastSquares(operators()[name]).way == "conjugate gradients"
    test_the_minimum_is_that_of_the_normal_equations(name)


@pytest.mark.parametrize("name", operators())
def test_the_minimum_is_that_of_the_normal_equations(name: str) -> None:
    A = operators()[name]
    rng = torch.Generator().manual_seed(1)
    x = torch.rand(2, *A.domain, generator=rng, dtype=torch.float64)
    y = A(torch.complex(x, x.flip(-1).square()) if A.complex_domain else x)
    columns, seen = dense(A), y.flatten(1) if not y.is_complex() else torch.view_as_real(y).flatten(1)
    weights, sigma = torch.tensor([0.5, 0.01], dtype=torch.float64), 0.7
    found = Tikhonov(weights, fit=Squares(sigma)).solve(y, A)
    assert found.converged.all() and found.x.is_complex() == A.complex_domain, found.sentence
    gram, eye = columns @ columns.T / (2 * sigma**2), torch.eye(len(columns), dtype=torch.float64)
    for i in range(2):
        expected = torch.cholesky_solve(
            (columns @ seen[i] / (2 * sigma**2))[:, None], torch.linalg.cholesky(gram + weights[i] * eye)
        )[:, 0]
        x = found.x[i].flatten()
        assert torch.allclose(torch.cat([x.real, x.imag]) if A.complex_domain else x, expected, atol=1e-6)
        value = (expected @ columns - seen[i]).square().sum() / (2 * sigma**2) + weights[i] * expected.square().sum()
        assert float(found.value[i]) == pytest.approx(float(value), rel=1e-8)


@pytest.mark.parametrize("coils", [False, True])
def test_complex_images_by_conjugate_gradients_are_those_of_the_other_ways(coils: bool) -> None:
    A = operators()["coils" if coils else "fourier"]
    y = A(torch.randn(2, *A.domain, generator=torch.Generator().manual_seed(2), dtype=torch.complex128))
    tau = torch.tensor([0.3, 2.0], dtype=torch.float64)
    solver = DampedLeastSquares(A)
    assert solver.way == ("spectral" if coils else "frame")
    expected = solver.solve(y, tau)
    solver._frame, solver.__class__ = None, _ByGradients
    for start in (None, torch.ones_like(expected)):
        torch.testing.assert_close(solver.solve(y, tau, start=start), expected, rtol=0, atol=1e-8)


class _ByGradients(DampedLeastSquares):
    way = "conjugate gradients"  # type: ignore[assignment]


@pytest.mark.usefixtures("by_gradients")
def test_a_real_guess_of_complex_images_is_taken() -> None:
    A = operators()["coils"]
    y = A(torch.randn(1, *A.domain, generator=torch.Generator().manual_seed(2), dtype=torch.complex128))
    found = Tikhonov(0.1).solve(y, A, start=torch.ones(1, *A.domain, dtype=torch.float64))
    assert found.x.is_complex() and torch.allclose(found.x, Tikhonov(0.1).solve(y, A).x, atol=1e-5)


def test_an_operator_that_is_linear_over_real_numbers_alone() -> None:
    A = FunctionOperator(lambda x: x.real + x.imag, (1, SIZE, SIZE), complex_images=True)
    found = Tikhonov(0.5, fit=Squares(1.0)).solve(torch.full((1, *A.range), 3.0, dtype=torch.float64), A)
    torch.testing.assert_close(found.x, torch.full_like(found.x, 1 + 1j))  # of u + v = 3: 3 / (2 + 1) each


def test_without_a_known_noise_the_weight_is_for_an_operator_of_norm_one() -> None:
    A, y = operators()["tomography"], torch.rand(1, *operators()["tomography"].range, dtype=torch.float64)
    one, many = Tikhonov(0.1).solve(y, A), Tikhonov(0.1).solve(50 * y, 50 * A)
    assert torch.allclose(one.x, many.x, atol=1e-6) and torch.allclose(one.value, many.value, rtol=1e-6)


def test_the_distance_and_what_it_refuses() -> None:
    assert Tikhonov().distance(torch.full((2, 1, 2, 2), 3.0)).tolist() == [36.0, 36.0]
    with pytest.raises(ValueError, match=r"above 0.*pinv"):
        Tikhonov(0.0)
    with pytest.raises(ValueError, match="Squares"):
        Tikhonov(fit=L1())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="takes"):
        Tikhonov().solve(torch.zeros(1, 1, 3, 3), Identity((1, 2, 2)))
