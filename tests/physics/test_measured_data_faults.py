"""Forty further cases of faults that measured data showed, by class of fault."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import Tensor

from benchmarks.imaging.inputs import sampled_columns
from tests.seeded import rng
from unseen.physics import (
    Blur,
    Downsampling,
    FourierMask,
    Gaussian,
    Mask,
    Measurement,
    Operator,
    Poisson,
    Shifts,
    SinglePixelCamera,
    Tomography,
    gaussian_kernel,
    identify,
)

# -- identify: one verdict at every seed


@pytest.mark.parametrize(
    ("size", "box"),
    [(28, 9), (40, 21), *(pytest.param(*one, marks=pytest.mark.nightly) for one in ((20, 7), (36, 13), (44, 11)))],
)
def test_identify_gives_one_verdict_at_two_seeds_where_a_box_is_missing(size: int, box: int) -> None:
    mask = torch.ones(1, size, size, dtype=torch.bool)
    first = (size - box) // 2
    mask[:, first : first + box, first : first + box] = False
    found = {identify(Mask(mask), Shifts(), generator=rng(seed)).verdict for seed in (size, box)}
    assert found == {"can"}


# -- pseudo-inverse of tomography


def residual_of_normal_equations(A: Operator, dtype: torch.dtype) -> float:
    y = A(torch.randn(2, *A.domain, dtype=dtype, generator=rng(A.domain[-1])))
    x = A.pinv(y)
    assert bool(torch.isfinite(x).all())
    return float(A.adjoint(A(x) - y).norm() / A.adjoint(y).norm())


@pytest.mark.parametrize(("size", "views"), [(9, 13), (12, 7), (17, 23), (21, 11), (14, 30), (10, 40)])
def test_the_pseudo_inverse_of_double_precision_ct_is_exact(size: int, views: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert residual_of_normal_equations(Tomography(size, views), torch.float64) <= 2e-12


@pytest.mark.filterwarnings("ignore")  # of few views
@pytest.mark.parametrize(("size", "views"), [(1, 1), (1, 7), (2, 1), (2, 3), (3, 5), (4, 2)])
def test_ct_of_a_few_pixels_is_inverted(size: int, views: int) -> None:
    assert residual_of_normal_equations(Tomography(size, views), torch.float32) <= 1e-4


# -- backward of the pseudo-inverse


@pytest.mark.parametrize(
    ("size", "taps"),
    [((12, 15), (3, 5)), ((16, 11), (4, 2)), ((20, 20), (5, 5)), ((9, 14), (2, 6)), ((13, 13), (3, 3))],
)
def test_backward_of_the_pseudo_inverse_of_a_valid_blur_is_its_adjoint(
    size: tuple[int, int], taps: tuple[int, int]
) -> None:
    kernel = torch.rand(taps, generator=rng(sum(taps)), dtype=torch.float64)
    A = Blur(size, kernel / kernel.sum(), boundary="valid")
    y, v, d = (
        torch.randn(1, *shape, dtype=torch.float64, generator=rng(seed))
        for seed, shape in enumerate((A.range, A.domain, A.range))
    )
    y.requires_grad_()
    (gradient,) = torch.autograd.grad(A.pinv(y), y, v)
    moved = A.pinv(d)
    assert abs(float((moved * v).sum() - (gradient * d).sum())) <= 1e-5 * float(moved.norm() * v.norm())


# -- noise of masked measurements


def estimated_noise(A: Operator, sigma: float, seed: int) -> float:
    axis = torch.linspace(-1, 1, A.domain[-1])
    x = torch.exp(-2 * (axis[:, None] - 0.2) ** 2 - 3 * (axis + 0.1) ** 2).expand(8, *A.domain) + 0.5
    x = x.to(torch.complex64) if A.complex_domain else x
    y = Measurement(A, noise=Gaussian(sigma))(x, generator=rng(seed))
    observed = A.observed()
    assert observed is not None
    return float(Gaussian.estimate(observed(y)).mean())


@pytest.mark.parametrize(("share", "size", "sigma"), [(0.5, 64, 0.07), (0.35, 96, 0.15), (0.8, 80, 0.03)])
def test_the_noise_of_masked_pixels_is_estimated(share: float, size: int, sigma: float) -> None:
    A = Mask(torch.rand(1, size, size, generator=rng(size)) < share)
    assert estimated_noise(A, sigma, seed=1) == pytest.approx(sigma, rel=0.05)


@pytest.mark.parametrize(("size", "sigma"), [(64, 0.05), (96, 0.1), (128, 0.2)])
def test_the_noise_of_masked_k_space_is_estimated(size: int, sigma: float) -> None:
    A = FourierMask(torch.fft.ifftshift(sampled_columns(size)))
    assert estimated_noise(A, sigma, seed=2) == pytest.approx(sigma, rel=0.05)


# -- means that rounding or ringing made negative


def half_black(A: Operator) -> Tensor:
    x = torch.rand(2, *A.domain, generator=rng(A.domain[-1]))
    x[..., : A.domain[-2] // 2, :] = 0
    return x


@pytest.mark.parametrize(("size", "sigma"), [(37, 1.3), (64, 2.1), (130, 1.7), (201, 0.9), (256, 4.0)])
def test_poisson_noise_follows_a_blur_of_black_pixels(size: int, sigma: float) -> None:
    A = Blur(size, gaussian_kernel(sigma))
    x = torch.zeros(2, *A.domain)
    x[..., size // 3 : size // 2, size // 4 : size // 2] = 1
    y = Measurement(A, noise=Poisson(0.05))(x, generator=rng(size))
    assert bool(torch.isfinite(y).all()) and float(y.min()) >= 0


NON_NEGATIVE: dict[str, Operator] = {
    **{
        f"downsampling of {size} by {factor}": Downsampling(size, factor, filter="box")
        for size, factor in ((30, 3), ((24, 40), 4), (45, 5))
    },
    **{
        f"{m} split {patterns} patterns of {size}²": SinglePixelCamera(size, m, patterns=patterns, split=True, seed=m)
        for size, m, patterns in (
            (8, 20, "hadamard"),
            (16, 100, "scrambled"),
            (16, 60, "bernoulli"),
            (32, 300, "scrambled"),
        )
    },
}


@pytest.mark.parametrize("name", NON_NEGATIVE)
def test_operators_for_counts_have_no_negative_means(name: str) -> None:
    A = NON_NEGATIVE[name]
    x = half_black(A)
    assert float(A(x).min()) >= 0
    assert bool(torch.isfinite(Measurement(A, noise=Poisson(0.1))(x, generator=rng(6))).all())
    y = torch.randn(2, *A.range, dtype=torch.float64, generator=rng(5))
    there, back = (A(x.double()) * y).sum(), (x.double() * A.adjoint(y)).sum()
    assert abs(float(there - back)) <= 1e-12 * float(x.norm() * y.norm())
