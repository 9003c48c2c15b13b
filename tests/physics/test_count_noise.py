"""Gain and read-out noise are found again in images whose noise is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.seeded import rng
from unseen import physics


def smooth_images(*, batch: int = 8, size: int = 256) -> Tensor:
    axis = torch.linspace(0, 1, size)
    image = 0.6 * axis[:, None] + 0.3 * torch.sin(6 * axis)[None] + 0.3  # from 0.2 to 1.2
    return image.expand(batch, 1, -1, -1)


# `within` is 3.5 times the standard deviation, over 20 seeds, of the gain over its true value. The variance's at level
# 0.7 is at most 0.75 %, that of sigma² at most 1.3 % of this variance.
@pytest.mark.parametrize(
    "gain, sigma, within",
    [
        (0.001, 0.01, 0.03),
        (0.01, 0.02, 0.04),
        pytest.param(0.01, 0.1, 0.14, marks=pytest.mark.nightly),
        pytest.param(0.1, 0.05, 0.035, marks=pytest.mark.nightly),
        (0.5, 0.1, 0.035),
    ],
)
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.nightly)])
def test_gain_and_sigma_are_found_again(gain: float, sigma: float, within: float, seed: int) -> None:
    y = physics.PoissonGaussian(gain, sigma).sample(smooth_images(), generator=rng(seed))
    found = physics.PoissonGaussian.estimate(y)
    assert type(found) is physics.PoissonGaussian
    assert found.gain == pytest.approx(gain, rel=within)
    middle = torch.tensor(0.7)
    expected = physics.PoissonGaussian(gain, sigma).variance(middle).item()
    assert found.variance(middle).item() == pytest.approx(expected, rel=0.0265)
    assert found.sigma**2 == pytest.approx(sigma**2, abs=0.046 * expected)


@pytest.mark.parametrize("gain", [0.01, 0.1, 0.5])
def test_the_gain_of_counts_is_found_again(gain: float) -> None:
    y = physics.Poisson(gain).sample(smooth_images(), generator=rng(3))
    found = physics.Poisson.estimate(y)
    assert type(found) is physics.Poisson and found.sigma == 0
    assert found.gain == pytest.approx(gain, rel=0.02)


def test_dark_images_of_few_counts() -> None:
    u = smooth_images() ** 4  # down to 0.002; at a gain of 0.5 most pixels there count nothing
    y = physics.Poisson(0.5).sample(u, generator=rng(4))
    assert physics.Poisson.estimate(y).gain == pytest.approx(0.5, rel=0.03)
    assert physics.PoissonGaussian.estimate(y).gain == pytest.approx(0.5, rel=0.04)


def test_units_carry_over() -> None:
    y = physics.PoissonGaussian(0.01, 0.05).sample(smooth_images(batch=2), generator=rng(5))
    found, scaled = physics.PoissonGaussian.estimate(y), physics.PoissonGaussian.estimate(4000 * y)
    assert scaled.gain == pytest.approx(4000 * found.gain, rel=1e-4)
    assert scaled.sigma == pytest.approx(4000 * found.sigma, rel=1e-4)


def test_edges_and_blank_borders_do_not_count_as_noise() -> None:
    noise = physics.PoissonGaussian(0.01, 0.02)
    u = smooth_images().clone()
    for at in (37, 101, 160):
        u[..., at:, :] += 0.2
        u[..., at + 20 :] += 0.2
    y = noise.sample(u, generator=rng(6))
    clean = physics.PoissonGaussian.estimate(y)
    assert clean.gain == pytest.approx(0.01, rel=0.05) and clean.sigma == pytest.approx(0.02, abs=0.01)
    bordered = torch.zeros(8, 1, 356, 356)
    bordered[..., 50:306, 50:306] = y
    found = physics.PoissonGaussian.estimate(bordered)
    assert found.gain == pytest.approx(clean.gain, rel=0.03)
    assert found.sigma == pytest.approx(clean.sigma, abs=0.005)


def test_single_bright_pixels_do_not_count_as_noise() -> None:
    y = physics.PoissonGaussian(0.01, 0.05).sample(smooth_images(), generator=rng(9))
    clean = physics.PoissonGaussian.estimate(y)
    hot = y + 5.0 * (torch.rand(y.shape, generator=rng(10)) < 0.001)  # left in, they would double the variance
    found = physics.PoissonGaussian.estimate(hot)
    level = torch.tensor(0.7)
    assert found.variance(level).item() == pytest.approx(clean.variance(level).item(), rel=0.02)


def test_noise_that_does_not_grow_with_the_level_is_no_count_noise() -> None:
    y = physics.Gaussian(0.1).sample(smooth_images(), generator=rng(7))
    with pytest.raises(ValueError, match=r"does not grow with the level: gain .* Use Gaussian"):
        physics.PoissonGaussian.estimate(y)
    flat = physics.PoissonGaussian(0.01, 0.05).sample(torch.full((8, 1, 256, 256), 0.5), generator=rng(8))
    with pytest.raises(ValueError, match="images of more levels"):
        physics.PoissonGaussian.estimate(flat)


@pytest.mark.parametrize(
    "y, message",
    [
        (torch.zeros(8, 8), r"got torch\.float32 of \(8, 8\)"),
        (torch.zeros(1, 1, 4, 8), r"at least 6 × 6 pixels, but got torch\.float32 of \(1, 1, 4, 8\)"),
        (torch.zeros(1, 1, 8, 8, dtype=torch.int64), r"got torch\.int64"),
        (torch.zeros(1, 1, 8, 8, dtype=torch.complex64), r"got torch\.complex64"),
        (torch.full((1, 1, 8, 8), float("nan")), "that is not finite"),
        (torch.rand(1, 1, 16, 16, generator=rng()), "Give more images"),
        (torch.ones(1, 1, 64, 64), "not blank or more, but got 0"),
    ],
)
def test_what_shows_no_noise_is_refused(y: Tensor, message: str) -> None:
    for noise in (physics.Poisson, physics.PoissonGaussian):
        with pytest.raises(ValueError, match=message):
            noise.estimate(y)
