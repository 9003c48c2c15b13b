"""`Blur` and `Downsampling` against SciPy's convolution, torch's and a mean over blocks, and against aliasing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve
from scipy.signal import convolve2d
from torch import Tensor
from torch.nn import functional

from unseen import physics
from unseen.physics.pseudo_inverse import adjoint_of_least_squares, solve_least_squares


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("sides", [(3, 3), (5, 1), (4, 5), (1, 6), (9, 8)])
def test_it_is_scipys_convolution(sides: tuple[int, int]) -> None:
    kernel, x = noise(*sides, seed=1), noise(2, 3, 9, 8)
    around = physics.Blur((9, 8), kernel, channels=3)(x)
    inside = physics.Blur((9, 8), kernel, channels=3, boundary="valid")(x)
    for i in range(2):
        for channel in range(3):
            image = x[i, channel].numpy()
            full = convolve2d(np.tile(image, (3, 3)), kernel.numpy(), mode="full")
            top, left = 9 + sides[0] // 2, 8 + sides[1] // 2
            np.testing.assert_allclose(around[i, channel], full[top : top + 9, left : left + 8], atol=1e-12)
            np.testing.assert_allclose(inside[i, channel], convolve2d(image, kernel.numpy(), mode="valid"), atol=1e-12)
            if sides[0] % 2 and sides[1] % 2:
                np.testing.assert_allclose(around[i, channel], convolve(image, kernel.numpy(), mode="wrap"), atol=1e-12)


@pytest.mark.parametrize("size", [(5, 4), (4, 3)])
def test_images_are_filtered_one_by_one_and_differentiated_as_together(size: tuple[int, int]) -> None:
    A, x = physics.Blur(size, noise(3, 2, seed=1), channels=2), noise(3, 2, *size, seed=2)
    for act in (A, A.adjoint, A.pinv):
        alone = torch.cat([act(one[None]) for one in x])
        torch.testing.assert_close(act(x), alone)
        assert torch.autograd.gradcheck(act, x.clone().requires_grad_(), fast_mode=True)
        assert torch.autograd.gradgradcheck(act, x.clone().requires_grad_(), fast_mode=True)
        torch.testing.assert_close(torch.func.vmap(act)(torch.stack([x, 2 * x])), torch.stack([alone, 2 * alone]))
        _, slope = torch.func.jvp(act, (x,), (x,))
        torch.testing.assert_close(slope, alone)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("infinite", [False, True])
def test_one_nan_among_finite_or_infinite_pixels_is_refused(dtype: torch.dtype, infinite: bool) -> None:
    x = torch.full((2, 1, 9, 8), 6e4, dtype=dtype)  # whose sum in half precision is infinite
    if infinite:
        x[0, 0, 0, :2] = torch.tensor([float("inf"), -float("inf")])
        physics.Blur((9, 8), noise(3, 3))(x)
    x[1, 0, 8, 7] = float("nan")
    with pytest.raises(ValueError, match="1 of 144 are NaN"):
        physics.Blur((9, 8), noise(3, 3))(x)


def test_a_complex_nan_beside_an_infinite_part_is_refused() -> None:
    x = torch.ones(1, 1, 4, 4, dtype=torch.complex64)
    x[0, 0, 1, 1] = complex(float("nan"), float("inf"))
    with pytest.raises(ValueError, match="1 of 16 are NaN"):
        physics.FourierMask(torch.ones(4, 4))(x)


def test_a_product_is_blurred_as_any_other_kernel() -> None:
    column, row = noise(4, seed=1), noise(3, seed=2)
    x = noise(2, 1, 9, 8)
    product = physics.Blur((9, 8), torch.outer(column, row), boundary="valid")
    nearly = physics.Blur((9, 8), torch.outer(column, row) + 1e-6 * noise(4, 3, seed=3), boundary="valid")
    torch.testing.assert_close(product(x), nearly(x), rtol=0, atol=1e-4)
    assert product.norm() == pytest.approx(nearly.norm(), rel=1e-4)


@pytest.mark.parametrize("boundary", ["circular", "valid"])
def test_what_a_blur_all_but_wipes_out_counts_as_zero(boundary: str) -> None:
    kernel = physics.gaussian_kernel(1.5, truncate=3)
    x = noise(1, 1, 24, 24)
    coarse = physics.Blur(24, kernel, boundary=boundary)
    fine = physics.Blur(24, kernel, boundary=boundary, rtol=1e-9)
    y = coarse(x)
    lost = (coarse(coarse.pinv(y)) - y).norm() / x.norm()
    assert 1e-6 < lost <= 1e-3 * coarse.norm()
    assert (fine(fine.pinv(y)) - y).norm() / x.norm() < 1e-8
    disturbed = y + 1e-2 * noise(*y.shape, seed=9)
    assert coarse.pinv(disturbed).norm() < 0.01 * fine.pinv(disturbed).norm()


@pytest.mark.parametrize("sigma", [0.7, 1.5, 3.0])
def test_a_gaussian_kernel_is_a_gaussian(sigma: float) -> None:
    kernel = physics.gaussian_kernel(sigma)
    assert float(kernel.sum()) == pytest.approx(1)
    place = torch.arange(len(kernel), dtype=torch.float64) - len(kernel) // 2
    assert float((kernel.sum(dim=0) * place.square()).sum().sqrt()) == pytest.approx(sigma, rel=0.01)


def test_bicubic_is_torchs_and_box_is_the_mean() -> None:
    x = noise(2, 3, 12, 18)
    small = functional.interpolate(x, scale_factor=1 / 3, mode="bicubic", antialias=True)
    torch.testing.assert_close(physics.Downsampling((12, 18), 3, channels=3, filter="bicubic")(x), small)
    torch.testing.assert_close(
        physics.Downsampling((12, 18), 3, channels=3, filter="box")(x), functional.avg_pool2d(x, 3)
    )


@pytest.mark.parametrize(("size", "factor"), [(12, 2), (18, 3), (20, 4), (7, 1)])
def test_the_ideal_filter_keeps_what_the_small_image_can_hold_and_aliases_nothing(size: int, factor: int) -> None:
    A = physics.Downsampling(size, factor)
    place = torch.arange(size, dtype=torch.float64)
    for frequency in range(size // 2 + 1):
        wave = torch.cos(2 * torch.pi * frequency * place / size + 0.3).expand(1, 1, size, size)
        kept = 2 * factor * frequency < size or factor == 1
        torch.testing.assert_close(
            A(wave), wave[..., ::factor, ::factor] if kept else 0 * wave[..., ::factor, ::factor]
        )
    x = noise(1, 1, size, size)
    torch.testing.assert_close(A(x.roll(factor, dims=-1)), A(x).roll(1, dims=-1))


def test_bad_blurs_and_downsamplings_are_refused() -> None:
    with pytest.raises(ValueError, match=r"matrix \(rows, columns\) of finite real numbers.*\(1, 3, 3\)"):
        physics.Blur(8, torch.ones(1, 3, 3))
    with pytest.raises(ValueError, match=r"finite real numbers, but got torch\.complex64"):
        physics.Blur(8, torch.ones(3, 3, dtype=torch.complex64))
    with pytest.raises(ValueError, match="finite real numbers"):
        physics.Blur(8, torch.full((3, 3), float("nan")))
    with pytest.raises(ValueError, match=r"at most as large as the image \(8, 8\), but got \(9, 3\)"):
        physics.Blur(8, torch.ones(9, 3))
    with pytest.raises(ValueError, match="boundary is circular or valid, but got 'mirror'"):
        physics.Blur(8, torch.ones(3, 3), boundary="mirror")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"rtol is a share .* but got 1\.0"):
        physics.Blur(8, torch.ones(3, 3), rtol=1.0)
    with pytest.raises(ValueError, match=r"divides the size \(8, 9\), but got 2"):
        physics.Downsampling((8, 9), 2)
    with pytest.raises(ValueError, match="filter is one of ideal, bicubic, box, but got 'nearest'"):
        physics.Downsampling(8, filter="nearest")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="finite and above 0, but got 0"):
        physics.gaussian_kernel(0)
    with pytest.raises(ValueError, match="channels is a whole number above 0, but got 0"):
        physics.Downsampling(8, channels=0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [(12, 12), (9, 14)])
def test_the_derivative_of_the_pseudo_inverse_is_its_adjoint_for_a_kernel_that_is_no_product(
    seed: int, size: tuple[int, int]
) -> None:
    kernel = torch.rand(3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    A = physics.Blur(size, kernel / kernel.sum(), boundary="valid")
    rows = torch.eye(A.range[1] * A.range[2], dtype=torch.float64).reshape(-1, *A.range)
    inverse = A.pinv(rows).flatten(1)  # (m, n): row i is A⁺ of unit i
    v = torch.randn(1, *A.domain, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    y = torch.zeros(1, *A.range, dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad((A.pinv(y) * v).sum(), y)
    torch.testing.assert_close(found.flatten(), inverse @ v.flatten(), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("slope", [1e-2, 1e-1])
def test_a_derivative_of_the_pseudo_inverse_does_not_depend_on_the_rest_of_the_batch(slope: float) -> None:
    """A is diagonal, so that not even rounding depends on the batch."""
    generator = torch.Generator().manual_seed(0)
    A = physics.Dense(torch.diag(torch.logspace(0, -3, 24, dtype=torch.float64)), size=(4, 6))
    x = torch.randn(6, *A.domain, generator=generator, dtype=torch.float64)
    together = adjoint_of_least_squares(A, x, slope=slope)
    alone = torch.cat([adjoint_of_least_squares(A, x[i : i + 1], slope=slope) for i in range(6)])
    torch.testing.assert_close(together, alone, rtol=1e-6, atol=0)


def test_no_step_of_conjugate_gradients_leaves_zero_and_a_warning() -> None:
    y = torch.ones(1, 1, 4, requires_grad=True)
    A = physics.Dense(torch.eye(4), size=(2, 2))
    with pytest.warns(RuntimeWarning, match="after 0 steps"):
        found = solve_least_squares(A, y, iterations=0)
        found.sum().backward()
    assert found.abs().max() == 0
