"""`FourierMask` against NumPy's Fourier transform and NumPy's pseudo-inverse, its masks, and its coils."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.seeded import rng
from unseen import physics
from unseen.physics.coils import CoilImages
from unseen.physics.pseudo_inverse import solve_least_squares


def complex_noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=rng(seed), dtype=torch.complex128)


MASKS = {
    "points": lambda: physics.random_sampling((24, 20), 3, generator=rng()),
    "columns": lambda: physics.cartesian_sampling((24, 20), 3, generator=rng()),
    "rows": lambda: physics.cartesian_sampling((20, 24), 3, generator=rng()).T,
    "spokes": lambda: physics.radial_sampling((24, 20), 7),
    "nothing": lambda: torch.zeros(24, 20, dtype=torch.bool),
    "everything": lambda: torch.ones(24, 20, dtype=torch.bool),
}


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("count", [None, 3])
def test_it_is_numpys_transform_masked(kind: str, count: int | None) -> None:
    mask, x = MASKS[kind](), complex_noise(2, 1, 24, 20)
    maps = None if count is None else complex_noise(count, 24, 20, seed=2)
    y = physics.FourierMask(mask, coils=maps)(x)
    images = x.numpy() * (1 if maps is None else maps.numpy())
    np.testing.assert_allclose(y.numpy(), np.fft.fft2(images, norm="ortho") * mask.numpy(), atol=1e-12)


def test_large_images_go_block_by_block_to_the_same_end() -> None:
    """512² images of three coils are more than one block, in the images and in the coils."""
    mask, maps = physics.random_sampling(512, 4, generator=rng()), physics.simulated_coils(512, coils=3)
    x = complex_noise(2, 1, 512, 512).to(torch.complex64)
    for coils in (None, maps):
        A = physics.FourierMask(mask, coils=coils)
        expected = torch.fft.fft2(x if coils is None else x * coils, norm="ortho") * mask
        torch.testing.assert_close(A(x), expected)
        images = torch.fft.ifft2(expected, norm="ortho")
        back = images if coils is None else (images * coils.conj()).sum(dim=1, keepdim=True)
        torch.testing.assert_close(A.adjoint(expected), back)


@pytest.mark.parametrize("kind", ["points", "columns", "rows"])
@pytest.mark.parametrize("real", [False, True])
def test_several_coils_are_inverted_like_by_conjugate_gradients_on_the_whole(kind: str, real: bool) -> None:
    maps = torch.cat([complex_noise(6, 24, 20, seed=5), torch.zeros(1, 24, 20)])
    A = physics.FourierMask(MASKS[kind](), coils=maps, real=real, rtol=0)
    y = complex_noise(2, *A.range, seed=6)
    torch.testing.assert_close(A.pinv(y), solve_least_squares(A, y, iterations=5000), rtol=0, atol=1e-7)


@pytest.mark.parametrize("kind", ["points", "columns", "rows"])
@pytest.mark.parametrize("real", [False, pytest.param(True, marks=pytest.mark.nightly)])
def test_small_singular_values_count_as_zero(kind: str, real: bool) -> None:
    """Smooth coils at ×3 have many: fitting them would make of 1 % of noise more than the image."""
    mask, maps = MASKS[kind](), physics.simulated_coils((24, 20), coils=4).to(torch.complex128)
    A = physics.FourierMask(mask, coils=maps, real=real)
    exact = physics.FourierMask(mask, coils=maps, real=real, rtol=3e-3)
    x = torch.ones(2, 1, 24, 20, dtype=torch.float64) if real else torch.ones(2, 1, 24, 20, dtype=torch.complex128)
    y = A(x)
    y = y + 0.01 * (y.abs().square().sum() / A.observed().mask.sum() / 2).sqrt() * A.observed()(
        complex_noise(*y.shape, seed=7)
    )
    coarse, fine = ((B(B.pinv(y)) - y).norm() / y.norm() for B in (A, exact))
    assert fine <= coarse < 0.05
    wrong, more_wrong = ((B.pinv(y) - x).norm() / x.norm() for B in (A, exact))
    assert wrong < 0.5 * more_wrong
    assert wrong < 0.3


def test_rows_leave_out_exactly_the_singular_values_below_rtol() -> None:
    maps = physics.simulated_coils((6, 12), coils=3).to(torch.complex128)
    A = physics.FourierMask(MASKS["columns"]()[:6, :12], coils=maps, rtol=0.05)
    units = torch.eye(72, dtype=torch.complex128).reshape(72, 1, 6, 12)
    matrix = A(units).flatten(1).T
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    kept = values > 0.05  # the coils see together every pixel alike: max √(Σ_c |s_c|²) = 1
    assert 0 < int(kept.sum()) < 72
    expected = (right[kept].mH / values[kept]) @ left[:, kept].mH
    y = complex_noise(2, *A.range, seed=3)
    torch.testing.assert_close(A.pinv(y).flatten(1).T, expected @ y.flatten(1).T)


def test_observed_entries_are_the_masks_for_every_coil() -> None:
    mask = torch.rand(2, 1, 6, 6, generator=rng()) > 0.5
    A = physics.FourierMask(mask, coils=complex_noise(3, 6, 6))
    assert torch.equal(A.observed().mask, mask.expand(2, 3, 6, 6))
    y = A(complex_noise(2, 1, 6, 6))
    assert torch.equal(A.observed()(y), y)
    assert bool((y[~A.observed().mask] == 0).all())


def test_one_mask_each_serves_many_operators() -> None:
    masks, maps = torch.rand(4, 1, 6, 6, generator=rng()) > 0.5, complex_noise(4, 3, 6, 6)
    A, samples = physics.FourierMask(masks, coils=maps), torch.tensor([2, 0, 3, 2])
    x = complex_noise(4, 1, 6, 6)
    expected = torch.cat([physics.FourierMask(masks[i], coils=maps[i])(x[j : j + 1]) for j, i in enumerate(samples)])
    torch.testing.assert_close(A.select(samples)(x), expected)
    process = physics.Measurement(A, noise=physics.Gaussian(0.1)).select(samples)
    assert process(x, generator=rng()).shape == (4, 3, 6, 6)


def test_a_real_image_is_known_from_half_of_its_frequencies() -> None:
    half = torch.ones(8, 8, dtype=torch.bool)
    half[:, 5:] = False
    A, x = physics.FourierMask(half, real=True), torch.randn(2, 1, 8, 8, generator=rng(), dtype=torch.float64)
    torch.testing.assert_close(A.pinv(A(x)), x)
    A = physics.FourierMask(half)
    assert float((A.pinv(A(x)) - x).abs().max()) > 0.1


def test_the_zero_frequency_stands_first() -> None:
    mask = torch.zeros(5, 6, dtype=torch.bool)
    mask[0, 0] = True
    x = torch.rand(1, 1, 5, 6, generator=rng())
    torch.testing.assert_close(
        physics.FourierMask(mask, real=True).pinv(physics.FourierMask(mask)(x)), 0 * x + x.mean()
    )


def test_bad_masks_and_coils_are_refused() -> None:
    mask = torch.ones(6, 6)
    with pytest.raises(ValueError, match=r"0 and 1 only, but got values from 0.5 to 0.5"):
        physics.FourierMask(0.5 * mask)
    with pytest.raises(ValueError, match=r"0 and 1 only, but got values from nan"):
        physics.FourierMask(float("nan") * mask)
    with pytest.raises(ValueError, match=r"one channel.*but got \(3, 6, 6\)"):
        physics.FourierMask(mask.expand(3, 6, 6))
    with pytest.raises(ValueError, match=r"one grid, but are \(6, 6\) and \(6, 5\)"):
        physics.FourierMask(mask, coils=complex_noise(2, 6, 5))
    with pytest.raises(
        ValueError, match=r"complex, \(coils, height, width\).*but got torch.float32 of shape \(2, 6, 6\)"
    ):
        physics.FourierMask(mask, coils=torch.ones(2, 6, 6))
    with pytest.raises(ValueError, match="finite, but some value is not"):
        physics.FourierMask(mask, coils=complex_noise(2, 6, 6) * float("nan"))
    with pytest.raises(ValueError, match="Masks for 3 images do not go with coils for 2"):
        physics.FourierMask(mask.expand(3, 1, 6, 6), coils=complex_noise(2, 4, 6, 6))
    with pytest.raises(ValueError, match=r"takes real numbers, but got torch.complex64. Take .real"):
        physics.FourierMask(mask, real=True)(torch.zeros(1, 1, 6, 6, dtype=torch.complex64))


@pytest.mark.parametrize("acceleration", [1, 2, 4, 8])
def test_lines_are_whole_counted_and_lowest_first(acceleration: int) -> None:
    mask = physics.cartesian_sampling(
        (64, 96), acceleration, centre_share=0.08 if acceleration < 8 else 0.04, generator=rng()
    )
    assert mask.shape == (64, 96)
    assert int(mask[0].sum()) == 96 // acceleration
    assert bool((mask == mask[:1]).all())
    frequency = torch.fft.fftfreq(96).abs()
    assert bool(mask[0, frequency <= (0.03 if acceleration < 8 else 0.015)].all())


def test_masks_are_drawn_from_the_generator() -> None:
    for draw in (physics.cartesian_sampling, physics.random_sampling):
        assert torch.equal(draw(64, 4, generator=rng(1)), draw(64, 4, generator=rng(1)))
        assert not torch.equal(draw(64, 4, generator=rng(1)), draw(64, 4, generator=rng(2)))


def test_points_are_counted_and_denser_near_the_centre() -> None:
    far = torch.fft.fftfreq(64).abs()[:, None].maximum(torch.fft.fftfreq(64).abs()[None]) > 0.25
    draws = [physics.random_sampling(64, 4, centre_share=0, power=power, generator=rng()) for power in (0, 1, 3, 6)]
    assert all(int(mask.sum()) == 1024 for mask in draws)
    outside = [float(mask[far].double().mean()) for mask in draws]
    assert outside == sorted(outside, reverse=True)
    assert outside[0] == pytest.approx(0.25, abs=4 * (0.25 * 0.75 / 3000) ** 0.5)


def test_spokes_are_straight_and_go_through_the_centre() -> None:
    assert torch.equal(physics.radial_sampling((8, 6), 1).nonzero()[:, 0].unique(), torch.tensor([0]))
    assert int(physics.radial_sampling(64, 1).sum()) == 64
    cross = physics.radial_sampling(64, 2)
    assert bool(cross[0].all()) and bool(cross[:, 0].all()) and int(cross.sum()) == 127
    assert int(physics.radial_sampling(64, 30).sum()) > int(physics.radial_sampling(64, 10).sum()) > 10 * 50


def test_bad_sampling_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least 1, but got 0\.5"):
        physics.cartesian_sampling(16, 0.5, generator=None)
    with pytest.raises(ValueError, match=r"between 0 and 1 / acceleration = 0\.25, but got 0\.5"):
        physics.cartesian_sampling(16, 4, centre_share=0.5, generator=None)
    with pytest.raises(ValueError, match="power is finite and at least 0, but got -1"):
        physics.random_sampling(16, 4, power=-1, generator=None)
    with pytest.raises(ValueError, match="spokes is a whole number of at least 1, but got 0"):
        physics.radial_sampling(16, 0)
    with pytest.raises(ValueError, match=r"or \(height, width\), but got \(4, 0\)"):
        physics.radial_sampling((4, 0), 3)


def test_simulated_coils_see_together_every_pixel_alike() -> None:
    maps = physics.simulated_coils((12, 10), coils=5)
    torch.testing.assert_close(maps.abs().square().sum(dim=0), torch.ones(12, 10))
    assert bool((maps.abs().flatten(1).argmax(dim=1)[:, None] != maps.abs().flatten(1).argmax(dim=1)).any())
    assert CoilImages(maps).norm() == pytest.approx(1, rel=1e-6)
    with pytest.raises(ValueError, match="at least 1 coil"):
        physics.simulated_coils(8, coils=0)
