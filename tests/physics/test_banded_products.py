"""Short separable circular blurs by banded products: equal to the FFT's, adjoint, never below zero."""

import pytest
import torch
from torch import Tensor

from unseen.physics import Blur, gaussian_kernel

SHAPES = [((128, 128), (17, 17)), ((131, 149), (5, 8)), ((144, 129), (1, 33)), ((160, 128), (32, 2))]


def separable(rows: int, columns: int) -> Tensor:
    rng = torch.Generator().manual_seed(rows * 100 + columns)
    return torch.outer(*(torch.randn(n, generator=rng, dtype=torch.float64) for n in (rows, columns)))


@pytest.mark.parametrize(("size", "taps"), SHAPES)
def test_banded_blur_is_the_circular_convolution(size: tuple[int, int], taps: tuple[int, int]) -> None:
    kernel = separable(*taps)
    A = Blur(size, kernel, channels=2)
    x = torch.randn(3, 2, *size, generator=torch.Generator().manual_seed(0))
    rows, columns = taps
    expected = sum(
        kernel[i, j] * x.double().roll((i - rows // 2, j - columns // 2), dims=(2, 3))
        for i in range(rows)
        for j in range(columns)
    )
    assert isinstance(expected, Tensor)
    assert (A(x) - expected).abs().max() <= 2e-6 * expected.abs().max()
    assert (A(x[:1, :1].expand(1, 2, *size)) - A(x[:1, :1].expand(1, 2, *size).contiguous())).abs().max() == 0


@pytest.mark.parametrize(("size", "taps"), SHAPES)
def test_banded_adjoint_is_that_of_the_matrix(size: tuple[int, int], taps: tuple[int, int]) -> None:
    A = Blur(size, separable(*taps))
    rng = torch.Generator().manual_seed(1)
    y = torch.randn(2, 1, *size, generator=rng)
    exact = A.adjoint(y.double())
    assert (A.adjoint(y) - exact).abs().max() <= 2e-6 * exact.abs().max()
    x = torch.randn(2, 1, *size, generator=rng, requires_grad=True)
    (gradient,) = torch.autograd.grad(A(x), x, y)
    assert torch.equal(gradient, A.adjoint(y))


def test_blurred_black_pixels_stay_at_zero_or_above() -> None:
    x = torch.zeros(1, 1, 256, 256)
    x[..., 40:50, 60:90] = 1
    A = Blur(256, gaussian_kernel(2.0))
    assert A(x).min() == 0
    assert A.adjoint(x).min() == 0


@pytest.mark.parametrize("side", [32, 256])
def test_vmap_of_a_blur_runs_where_gradients_are_off(side: int) -> None:
    A = Blur(side, gaussian_kernel(1.0))
    x = torch.rand(3, 2, 1, side, side, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found = torch.func.vmap(A)(x)
    assert torch.equal(found, torch.stack([A(one) for one in x]))
