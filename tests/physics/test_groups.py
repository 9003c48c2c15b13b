"""Actions of each group on images, checked against NumPy, SciPy, torch's own resampling and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from tests.seeded import rng
from unseen import physics
from unseen.physics.groups.rotations import Interpolation

BOTH: list[Interpolation] = ["three-shear", "bilinear"]


def element(*numbers: float) -> Tensor:
    return torch.tensor([numbers], dtype=torch.float64)


def blobs(size: int, *, degrees: float = 0.0, width: float = 2.5) -> Tensor:
    """Three Gaussian blobs in the inscribed disc, turned anticlockwise in closed form: (1, 1, size, size)."""
    place = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    angle, image = math.radians(degrees), torch.zeros(size, size, dtype=torch.float64)
    for right, up, height in ((0.2, 0.05, 1.0), (-0.1, 0.22, 0.7), (-0.05, -0.25, 0.5)):
        x = size * (right * math.cos(angle) - up * math.sin(angle))
        y = size * (right * math.sin(angle) + up * math.cos(angle))
        image += height * torch.exp(-((place - x) ** 2 + (-place[:, None] - y) ** 2) / (2 * width**2))
    return image[None, None]


def disc(size: int, *, share: float = 1.0) -> Tensor:
    place = torch.arange(size) - (size - 1) / 2
    return place[:, None] ** 2 + place**2 <= (share * size / 2) ** 2


def relative(error: Tensor, truth: Tensor) -> float:
    inside = disc(truth.shape[-1])
    return float(error[..., inside].norm() / truth[..., inside].norm())


def test_shifts_are_numpys_roll() -> None:
    x = torch.randn(1, 2, 6, 8, generator=rng())
    moved = physics.Shifts().T(x, element(2 / 6, 7 / 8))
    np.testing.assert_array_equal(moved.numpy(), np.roll(x.numpy(), (2, 7), axis=(2, 3)))


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_each_image_of_a_batch_and_its_gradient_are_shifted_as_numpy_does(dtype: torch.dtype) -> None:
    x = torch.randn(3, 2, 6, 8, generator=rng(), dtype=dtype, requires_grad=True)
    weights = torch.randn(3, 2, 6, 8, generator=rng(1), dtype=dtype)
    steps = [(2, 7), (0, 3), (5, 0)]
    g = torch.tensor([(down / 6, right / 8) for down, right in steps], dtype=torch.float64)
    group = physics.Shifts()
    for moved, sign in ((group.T(x, g), 1), (group.inverse(x, g), -1)):
        for number, (down, right) in enumerate(steps):
            expected = np.roll(x.detach()[number].numpy(), (sign * down, sign * right), axis=(1, 2))
            np.testing.assert_array_equal(moved[number].detach().numpy(), expected)
        (gradient,) = torch.autograd.grad(moved, x, weights)
        for number, (down, right) in enumerate(steps):
            expected = np.roll(weights[number].numpy(), (-sign * down, -sign * right), axis=(1, 2))
            np.testing.assert_array_equal(gradient[number].numpy(), expected)


@pytest.mark.parametrize("quarters", [-3, -1, 0, 1, 2, 3, 4, 7])
@pytest.mark.parametrize("size", [6, 7])
def test_quarter_turns_are_numpys(quarters: int, size: int) -> None:
    x = torch.randn(1, 2, size, size, generator=rng(), dtype=torch.float64)
    expected = np.rot90(x.numpy(), quarters, axes=(2, 3))
    np.testing.assert_array_equal(physics.Rotations(multiples_of=90).T(x, element(90 * quarters)).numpy(), expected)
    for interpolation in BOTH:
        turned = physics.Rotations(interpolation=interpolation).T(x, element(90 * quarters))
        np.testing.assert_allclose(turned.numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("degrees", [-170.0, -77, -45, -10, 0.5, 30, 45, 60, 91, 135, 200, 300])
@pytest.mark.parametrize("interpolation, within", [("three-shear", 1e-4), ("bilinear", 0.04)])
def test_a_turned_image_is_the_closed_form(degrees: float, interpolation: Interpolation, within: float) -> None:
    x, expected = blobs(64), blobs(64, degrees=degrees)
    turned = physics.Rotations(interpolation=interpolation).T(x, element(degrees))
    assert relative(turned - expected, expected) < within
    assert relative(turned - blobs(64, degrees=degrees + 1), expected) > 2 * relative(turned - expected, expected)


def test_bilinear_rotation_is_scipys() -> None:
    x = torch.randn(1, 1, 31, 31, generator=rng(), dtype=torch.float64)
    turned = physics.Rotations(interpolation="bilinear").T(x, element(33.0))[0, 0].numpy()
    expected = ndimage.rotate(x[0, 0].numpy(), 33.0, reshape=False, order=1)
    place = np.arange(31) - 15
    inside = place[:, None] ** 2 + place**2 < 14**2
    np.testing.assert_allclose(turned[inside], expected[inside], atol=1e-9)


@pytest.mark.parametrize("degrees", [1.0, 30, 45, 77, 103, 200])
def test_there_and_back_loses_what_the_docstring_says(degrees: float) -> None:
    x, g = blobs(128, width=4), element(degrees)
    lost = {}
    for interpolation in BOTH:
        group = physics.Rotations(interpolation=interpolation)
        lost[interpolation] = relative(group.inverse(group.T(x, g), g) - x, x)
    assert lost["three-shear"] < 2e-4
    assert 0.005 < lost["bilinear"] < 0.02


@pytest.mark.parametrize("degrees", [13.0, 30, 45, 60, 77, 103, 200])
def test_three_shears_bring_back_even_noise(degrees: float) -> None:
    x = torch.randn(1, 1, 64, 64, generator=rng(), dtype=torch.float64) * disc(64, share=0.6)
    group, g = physics.Rotations(), element(degrees)
    assert relative(group.inverse(group.T(x, g), g) - x, x) < 0.1


@pytest.mark.parametrize("degrees", [-45.0, 45.0])
def test_nothing_comes_round_from_the_other_side(degrees: float) -> None:
    # at the rim of the disc, where the shears move it furthest out: (right, up) = (0.45, ∓0.18) after turning
    angle = math.radians(degrees)
    right, up = 0.45, math.copysign(0.18, degrees)
    before = (right * math.cos(angle) + up * math.sin(angle), -right * math.sin(angle) + up * math.cos(angle))
    turned = physics.Rotations().T(spot(128, *before), element(degrees))
    expected = spot(128, right, up)
    assert float((turned - expected).norm() / expected.norm()) < 0.05


def spot(size: int, right: float, up: float) -> Tensor:
    place = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    squares = (place - size * right) ** 2 + (-place[:, None] - size * up) ** 2
    return torch.exp(-squares / (2 * 1.5**2))[None, None]


@pytest.mark.parametrize("interpolation", BOTH)
@pytest.mark.parametrize("degrees", [0.0, 13, 30, 45, 71])
def test_every_pixel_of_the_disc_gets_a_gradient(interpolation: Interpolation, degrees: float) -> None:
    x = torch.zeros(1, 1, 64, 64, dtype=torch.float64, requires_grad=True)
    turned = physics.Rotations(interpolation=interpolation).T(x, element(degrees))
    (turned * torch.ones_like(turned)).sum().backward()  # the gradient is T_g* 1: how much of each pixel arrives
    assert x.grad is not None
    arrived = x.grad[0, 0][disc(64, share=0.9)]
    assert arrived.min() > 0.5 and arrived.max() < 1.5


@pytest.mark.parametrize("interpolation", BOTH)
def test_what_comes_from_outside_is_zero(interpolation: Interpolation) -> None:
    turned = physics.Rotations(interpolation=interpolation).T(torch.ones(1, 1, 32, 32), element(45.0))[0, 0]
    assert turned[0, 0] == turned[0, -1] == turned[-1, 0] == turned[-1, -1] == 0
    assert abs(float(turned[16, 16]) - 1) < 0.05


def test_angles_are_drawn_from_what_was_asked_for() -> None:
    drawn = physics.Rotations(degrees=(-10, 20)).sample(2000, generator=rng())
    assert drawn.min() >= -10 and drawn.max() < 20 and abs(float(drawn.mean()) - 5) < 1
    assert set(physics.Rotations(degrees=[5, 50]).sample(50, generator=rng()).flatten().tolist()) == {5.0, 50.0}
    assert physics.Rotations(degrees=range(0, 360, 120)).elements((1, 8, 8)).flatten().tolist() == [0, 120, 240]
    assert len(physics.Rotations(multiples_of=1).elements((1, 8, 8))) == 360
    assert physics.Rotations().elements((1, 8, 8)) is None


def test_flips_are_numpys() -> None:
    x = torch.randn(1, 2, 5, 6, generator=rng())
    np.testing.assert_array_equal(physics.Flips().T(x, element(1, 0)).numpy(), np.flip(x.numpy(), 3))
    np.testing.assert_array_equal(physics.Flips().T(x, element(0, 1)).numpy(), np.flip(x.numpy(), 2))


def test_permutations_of_three_pixels_are_all_six() -> None:
    x = torch.tensor([[[[1.0, 2.0, 3.0]]]])
    elements = physics.Permutations().elements((1, 1, 3))
    assert elements is not None
    moved = physics.Permutations().T(x.expand(6, -1, -1, -1), elements)
    assert len({tuple(image.flatten().tolist()) for image in moved}) == 6
    assert physics.Permutations().elements((1, 16, 16)) is None


def test_a_permutation_of_many_pixels_moves_all_channels_alike() -> None:
    x = torch.arange(64.0 * 64).reshape(1, 1, 64, 64)
    moved = physics.Permutations().T(torch.cat([x, -x], dim=1), element(0.3))
    assert torch.equal(moved[:, 0], -moved[:, 1])
    assert abs(float(torch.corrcoef(torch.stack([x.flatten(), moved[0, 0].flatten()]))[0, 1])) < 4 / 64
    assert not torch.equal(moved, physics.Permutations().T(torch.cat([x, -x], dim=1), element(0.3 + 1e-15)))


@pytest.mark.parametrize("down, right", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_scaling_by_a_half_is_torchs_anti_aliased_downsampling(down: int, right: int) -> None:
    x = torch.randn(1, 2, 32, 32, generator=rng(), dtype=torch.float64)
    moved = physics.Scalings().T(x, element(0.5, down, right))
    quarter = moved[..., 16 * down : 16 * down + 16, 16 * right : 16 * right + 16]
    expected = functional.interpolate(x, scale_factor=0.5, mode="bicubic", antialias=True)
    torch.testing.assert_close(quarter[..., 2:-2, 2:-2], expected[..., 2:-2, 2:-2], rtol=0, atol=1e-9)
    reflected = moved.flip(-1) if not right else moved  # beyond its edges the small image is its mirror image
    across = reflected[..., 16 * down : 16 * down + 16, :]
    torch.testing.assert_close(across, across.flip(-1), rtol=0, atol=1e-9)


@pytest.mark.parametrize("factor", [0.5, 0.75])
@pytest.mark.parametrize("centre", [(0.4, 0.7), (0.0, 1.0), (0.5, 0.5)])
def test_scaling_reads_smooth_images_about_its_centre(factor: float, centre: tuple[float, float]) -> None:
    size, g = 64, element(factor, *centre)
    x = blobs(size, width=8)
    small = physics.Scalings().T(x, g)
    fixed = [share * size - 0.5 for share in centre]
    places = np.meshgrid(*(c + (np.arange(size) - c) / factor for c in fixed), indexing="ij")
    expected = ndimage.map_coordinates(x[0, 0].numpy(), places, order=3, mode="reflect")
    np.testing.assert_allclose(small[0, 0].numpy(), expected, atol=0.01)
    back = physics.Scalings().inverse(small, g)
    assert relative(back - x, x) < 0.01


def test_scaling_keeps_out_what_a_coarser_grid_cannot_hold() -> None:
    checks = ((-1.0) ** (torch.arange(64)[:, None] + torch.arange(64)).double())[None, None]
    inside = (..., slice(24, 40), slice(24, 40))  # its mirror image is no chessboard
    for factor, within in ((0.5, 1e-9), (0.75, 0.1)):
        assert physics.Scalings().T(checks, element(factor, 0.5, 0.5))[inside].abs().max() < within
        bare = functional.grid_sample(checks, scaled_grid(64, factor), mode="bicubic", align_corners=False)
        assert bare[inside].abs().max() > 0.3


def scaled_grid(size: int, factor: float) -> Tensor:
    matrix = torch.tensor([[[1 / factor, 0, 0.01], [0, 1 / factor, 0.01]]], dtype=torch.float64)
    return functional.affine_grid(matrix, [1, 1, size, size], align_corners=False)


def test_scaling_keeps_flat_images() -> None:
    g = physics.Scalings((0.3, 0.5, 1.0)).sample(20, generator=rng())
    x = torch.ones(20, 1, 24, 16, dtype=torch.float64)
    torch.testing.assert_close(physics.Scalings().T(x, g), x, rtol=0, atol=1e-12)
    torch.testing.assert_close(physics.Scalings().inverse(x, g), x, rtol=0, atol=1e-12)
    assert set(g[:, 0].tolist()) == {0.3, 0.5, 1.0}
    same = torch.randn(1, 1, 9, 7, generator=rng(), dtype=torch.float64)
    torch.testing.assert_close(physics.Scalings().T(same, element(1, 0.2, 0.9)), same, rtol=0, atol=1e-12)


def test_a_product_acts_from_the_right() -> None:
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    g = element(0, 0.25, 1, 0)  # flipped left to right, then moved right by one
    assert torch.equal((physics.Shifts() * physics.Flips()).T(x, g), x.flip(-1).roll(1, -1))


@pytest.mark.parametrize(
    "group, shape, order",
    [
        (physics.Rotations(multiples_of=90) * physics.Flips(), (1, 5, 5), 8),
        (physics.Shifts() * physics.Flips(), (1, 4, 4), 64),
        (physics.Shifts() * physics.Flips(), (1, 2, 2), 4),  # flips of two pixels are shifts
        (physics.Flips() * physics.Flips(vertical=False), (2, 4, 4), 4),
        (physics.Rotations(multiples_of=30) * physics.Flips(), (1, 16, 16), 24),
    ],
)
def test_a_product_counts_each_transformation_once(
    group: physics.Group, shape: tuple[int, int, int], order: int
) -> None:
    elements = group.elements(shape)
    assert elements is not None and len(elements) == order


def test_groups_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="along -2"):
        physics.Shifts(axes=(0,))
    with pytest.raises(ValueError, match="both were switched off"):
        physics.Flips(horizontal=False, vertical=False)
    with pytest.raises(ValueError, match="divides 360 degrees, such as 90 or 1, but got 50"):
        physics.Rotations(multiples_of=50)
    for step in (0.0, -90.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="divides 360 degrees"):
            physics.Rotations(multiples_of=step)
    with pytest.raises(ValueError, match="low < high, but got"):
        physics.Rotations(degrees=(20, 10))
    with pytest.raises(ValueError, match="one finite angle or more"):
        physics.Rotations(degrees=[])
    with pytest.raises(ValueError, match="but got both"):
        physics.Rotations(multiples_of=90, degrees=(0, 1))
    with pytest.raises(ValueError, match="three-shear or bilinear, but got 'nearest'"):
        physics.Rotations(interpolation="nearest")  # type: ignore[arg-type]
    for factors in ((), (0.0,), (1.5,), (float("nan"),)):
        with pytest.raises(ValueError, match="factors above 0 and at most 1"):
            physics.Scalings(factors)


def test_elements_that_cannot_be_are_refused() -> None:
    x = torch.zeros(1, 1, 4, 4)
    with pytest.raises(ValueError, match=r"square images, but got \(1, 1, 4, 6\)"):
        physics.Rotations().T(torch.zeros(1, 1, 4, 6), element(10))
    with pytest.raises(ValueError, match=r"multiples of 90 degrees, but got \[30"):
        physics.Rotations(multiples_of=90).T(x, element(30))
    with pytest.raises(ValueError, match=r"interpolate real or complex images, but got torch\.int64"):
        physics.Rotations().T(x.long(), element(30))
    with pytest.raises(ValueError, match=r"interpolate real or complex images, but got torch\.int64"):
        physics.Scalings().T(x.long(), element(0.5, 0, 0))
    with pytest.raises(ValueError, match="two numbers that are 0 or 1"):
        physics.Flips().T(x, element(0.5, 0))
    with pytest.raises(ValueError, match="at least 0 and below 1"):
        physics.Permutations().T(x, element(1.0))
    with pytest.raises(ValueError, match="a factor above 0 and at most 1"):
        physics.Scalings().T(x, element(0, 0.5, 0.5))
