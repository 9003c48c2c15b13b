"""`NonCartesianFourier` against the sums that define it, trajectories, density compensation and dynamic scans."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.seeded import rng
from unseen import physics


def complex_noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=rng(seed), dtype=torch.complex128)


def exact(x: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the sums over all pixels, (…, height, width) to (…, samples)."""
    height, width = x.shape[-2:]
    down, right = np.arange(height) - height // 2, np.arange(width) - width // 2
    waves = np.exp(-2j * np.pi * (points[:, 0, None, None] * down[:, None] + points[:, 1, None, None] * right))
    return np.einsum("mhw,...hw->...m", waves, x) / math.sqrt(height * width)


TRAJECTORIES = {
    "radial": lambda size: physics.radial_trajectory(size, 7),
    "golden angle": lambda size: physics.radial_trajectory(size, 7, golden_angle=True),
    "spiral": lambda size: physics.spiral_trajectory(size, 3),
    "points": lambda size: torch.rand(50, 2, generator=rng(), dtype=torch.float64) - 0.5,
}


@pytest.mark.parametrize("kind", TRAJECTORIES)
@pytest.mark.parametrize("size", [(12, 9), (7, 10), (16, 16)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.complex128, 1e-11), (torch.complex64, 1e-5)])
def test_it_is_the_sum_over_all_pixels(kind: str, size: tuple[int, int], dtype: torch.dtype, tolerance: float) -> None:
    points, x = TRAJECTORIES[kind](size), complex_noise(2, 1, *size)
    maps = complex_noise(3, *size, seed=2)
    y = physics.NonCartesianFourier(size, points, coils=maps)(x.to(dtype))
    expected = exact((x * maps).numpy(), points.numpy())
    assert y.dtype == dtype
    assert np.abs(y.numpy() - expected).max() < tolerance * np.abs(expected).max()


@pytest.mark.parametrize("kind", TRAJECTORIES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.complex128, 1e-13), (torch.complex64, 1e-5)])
def test_the_adjoint_is_exact_to_rounding(kind: str, dtype: torch.dtype, tolerance: float) -> None:
    A = physics.NonCartesianFourier((20, 18), TRAJECTORIES[kind]((20, 18)))
    x, y = complex_noise(2, *A.domain).to(dtype), complex_noise(2, *A.range, seed=3).to(dtype)
    there, back = torch.vdot(A(x).flatten(), y.flatten()), torch.vdot(x.flatten(), A.adjoint(y).flatten())
    assert (there - back).abs() < tolerance * A(x).norm() * y.norm()


@pytest.mark.parametrize("size", [(8, 6), (7, 9)])
def test_on_the_grid_it_is_the_centred_cartesian_operator(size: tuple[int, int]) -> None:
    down, right = ((torch.arange(n, dtype=torch.float64) - n // 2) / n for n in size)
    grid = torch.stack(torch.meshgrid(down, right, indexing="ij"), dim=-1).reshape(-1, 2)
    x = complex_noise(2, 1, *size)
    y = physics.NonCartesianFourier(size, grid)(x)
    expected = physics.FourierMask(torch.ones(size), centred=True)(x)
    torch.testing.assert_close(y.reshape(2, 1, *size), expected, rtol=0, atol=1e-10)
    weights = physics.density_compensation(size, grid)
    torch.testing.assert_close(weights, torch.ones(len(grid), dtype=torch.float64), rtol=0, atol=1e-3)


def test_each_trajectory_measures_its_own_image() -> None:
    points, x = torch.rand(3, 40, 2, generator=rng(), dtype=torch.float64) - 0.5, complex_noise(3, 1, 8, 7)
    A = physics.NonCartesianFourier((8, 7), points)
    for i in range(3):
        np.testing.assert_allclose(A(x)[i].numpy(), exact(x[i].numpy(), points[i].numpy()), atol=1e-11)
    assert A.select(torch.tensor([2, 0])).batch == 2
    assert torch.equal(A.trajectory, points)


def phantom(size: int) -> Tensor:
    """Return a smooth image without high frequencies, (1, 1, size, size)."""
    down, right = torch.linspace(-1, 1, size)[:, None], torch.linspace(-1, 1, size)[None, :]
    bumps = [(0.0, 0.0, 0.35, 1.0), (0.25, -0.2, 0.12, 0.6), (-0.3, 0.2, 0.15, -0.4)]
    image = sum(
        height * torch.exp(-((down - y) ** 2 + (right - x) ** 2) / (2 * width**2)) for y, x, width, height in bumps
    )
    return image[None, None].to(torch.complex64)


@pytest.mark.parametrize(
    "points", [physics.radial_trajectory(48, 80), physics.spiral_trajectory(48, 8)], ids=["radial", "spiral"]
)
def test_gridding_with_density_compensation_inverts_a_complete_scan(points: Tensor) -> None:
    A, x = physics.NonCartesianFourier(48, points), phantom(48)
    weights = physics.density_compensation(48, points)
    found = A.gridding(A(x), weights=weights)
    middle = slice(6, -6)
    peak = x.abs().max()
    assert (found - x)[..., middle, middle].abs().max() < 0.02 * peak
    plain = A.gridding(A(x), weights=torch.full_like(weights, float(weights.mean())))
    assert (plain - x)[..., middle, middle].abs().max() > 0.2 * peak
    assert (A.pinv(A(x)) - x)[..., middle, middle].abs().max() < 0.01 * peak


def test_weights_of_spokes_are_the_ramp() -> None:
    """Away from the middle and from the ends, a spoke's sample has the area of its ring over the spokes."""
    spokes, samples = 120, 96
    weights = physics.density_compensation(48, physics.radial_trajectory(48, spokes)).reshape(spokes, samples)
    radius = (torch.arange(samples) - samples // 2).abs().double() / samples
    area = 48**2 * math.pi * radius / (spokes * samples)
    inside = (radius > 0.1) & (radius < 0.4)
    assert (weights[:, inside] / area[inside] - 1).abs().max() < 0.05


@pytest.mark.parametrize(("size", "each"), [(8, 13), pytest.param(16, 13, marks=pytest.mark.nightly)])
def test_golden_angle_frames_share_one_sequence_of_spokes(size: int, each: int) -> None:
    spokes = physics.radial_trajectory(size, 3 * each, golden_angle=True)
    angles = torch.atan2(spokes[:, 0], spokes[:, 1]).reshape(3 * each, 2 * size)[:, -1].rad2deg() % 180
    turned = (angles[1:] - angles[:-1]) % 180
    torch.testing.assert_close(turned, torch.full_like(turned, 111.24611797498107))
    cine = physics.Frames(physics.NonCartesianFourier(size, spokes.reshape(3, -1, 2), real=True))
    assert (cine.domain, cine.range) == ((3, size, size), (3, each * 2 * size))
    x = torch.randn(2, 3, size, size, generator=rng(), dtype=torch.float64)
    y = cine(x)
    for t in range(3):
        expected = exact(x[:, t].numpy(), spokes.reshape(3, -1, 2)[t].numpy())
        np.testing.assert_allclose(y[:, t].numpy(), expected, atol=1e-11)
    single = y[:1].to(torch.complex64)
    assert float((cine(cine.pinv(single)) - single).norm() / single.norm()) < 1e-3


def test_a_spiral_keeps_nyquists_distance() -> None:
    size, interleaves = 32, 4
    points = physics.spiral_trajectory(size, interleaves).reshape(interleaves, -1, 2)
    along = (points[:, 1:] - points[:, :-1]).norm(dim=-1)
    assert along.max() <= 1 / size
    radius = points.norm(dim=-1)[0]
    turns = size / (2 * interleaves)
    assert radius[-1] / (turns * (1 - 1 / len(radius))) / interleaves == pytest.approx(1 / size)
    assert radius.max() < 0.5


def test_faults_of_a_trajectory_are_reported() -> None:
    for wrong in (torch.zeros(5, 3), torch.zeros(5), torch.zeros(5, 2) + 0j, torch.zeros(0, 2)):
        with pytest.raises(ValueError, match=r"A trajectory is real, \(samples, 2\) or \(batch, samples, 2\), but got"):
            physics.NonCartesianFourier(8, wrong)
    with pytest.raises(ValueError, match=r"from −0.5 to 0.5, but its largest value is 3\.1.*Divide radians by 2π"):
        physics.NonCartesianFourier(8, torch.full((5, 2), -3.1))
    with pytest.raises(ValueError, match="largest value is nan"):
        physics.NonCartesianFourier(8, torch.full((5, 2), float("nan")))
    with pytest.raises(ValueError, match="Images are 8x8, but coils are"):
        physics.NonCartesianFourier(8, torch.zeros(5, 2), coils=complex_noise(2, 6, 6))
    with pytest.raises(ValueError, match="Trajectories for 2 images do not go with coils for 3"):
        physics.NonCartesianFourier(8, torch.zeros(2, 5, 2), coils=complex_noise(3, 2, 8, 8))
    with pytest.raises(ValueError, match="spokes and samples are whole numbers above 0"):
        physics.radial_trajectory(8, 0)
    with pytest.raises(ValueError, match="interleaves is a whole number above 0"):
        physics.spiral_trajectory(8, 0)
    with pytest.raises(ValueError, match="iterations"):
        physics.density_compensation(8, torch.zeros(5, 2), iterations=0)
