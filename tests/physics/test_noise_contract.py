"""The law of `unseen.physics.noise`, checked for every registered noise; likelihoods against SciPy's."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np
import pytest
import pywt
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from skimage.restoration import estimate_sigma
from torch import Tensor

from tests.seeded import rng
from unseen import physics
from unseen.physics.noise import standard_normal
from unseen.testing import NOISE_LAWS

DRAWS = 40_000
LARGEST_Z = 4.0  # twelve statistics a noise: a false alarm for one seed in 1,300, and the seeds are fixed


NOISES: dict[str, Callable[[], physics.Noise]] = {
    "gaussian": lambda: physics.Gaussian(0.3),
    "poisson": lambda: physics.Poisson(0.5),
    "poisson-gaussian": lambda: physics.PoissonGaussian(0.2, 0.5),
    "poisson-gaussian without read-out": lambda: physics.PoissonGaussian(0.5),
}
LEVELS = torch.tensor([0.0, 0.1, 0.9, 2.0, 7.5, 60.0], dtype=torch.float64)


def test_every_registered_noise_is_under_test() -> None:
    assert not set(physics.NOISES) - set(NOISES), "registered, and not in NOISES of this file"
    for key, place in physics.NOISES.items():
        file, _, name = place.partition(":")
        assert isinstance(NOISES[key](), getattr(importlib.import_module(file), name))


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("law", NOISE_LAWS)
def test_every_law_holds(name: str, law: str) -> None:
    NOISE_LAWS[law](NOISES[name]())


@pytest.mark.parametrize("name", NOISES)
def test_without_a_generator_the_global_one_draws(name: str) -> None:
    noise, u = NOISES[name](), torch.full((2, 1, 8, 8), 1.5)
    torch.manual_seed(7)
    drawn = noise.sample(u, generator=None)
    torch.manual_seed(7)
    assert torch.equal(drawn, noise.sample(u, generator=None))


@pytest.mark.parametrize("name", NOISES)
def test_shapes_that_differ_are_named(name: str) -> None:
    with pytest.raises(ValueError, match=r"\(1, 1, 2, 2\) and \(1, 1, 2, 3\)"):
        NOISES[name]().log_likelihood(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 3))


def test_gaussian_likelihood_is_scipys() -> None:
    u, y = torch.randn(3, 2, 4, 4, generator=rng(1)).double(), torch.randn(3, 2, 4, 4, generator=rng(2)).double()
    sigma = torch.tensor([0.2, 1.0, 3.0], dtype=torch.float64)
    expected = stats.norm.logpdf(y.numpy(), u.numpy(), sigma.numpy()[:, None, None, None]).sum((1, 2, 3))
    np.testing.assert_allclose(physics.Gaussian(sigma).log_likelihood(y, u).numpy(), expected, rtol=1e-12)


def test_complex_gaussian_noise_has_sigma_in_each_component() -> None:
    u = torch.zeros(1, 1, 200, 200, dtype=torch.complex64)
    y = physics.Gaussian(0.5).sample(u, generator=rng())
    assert y.dtype == torch.complex64
    assert float(y.real.std()) == pytest.approx(0.5, rel=0.02) and float(y.imag.std()) == pytest.approx(0.5, rel=0.02)
    expected = stats.norm.logpdf(torch.view_as_real(y).numpy(), 0, 0.5).sum()
    assert physics.Gaussian(0.5).log_likelihood(y, u).item() == pytest.approx(expected, rel=1e-5)


def test_complex_noise_has_uncorrelated_components_and_the_variance_of_one() -> None:
    u = torch.full((DRAWS, 1, 1, 1), 2 - 3j, dtype=torch.complex128)
    noise = physics.Gaussian(0.5)
    deviation = torch.view_as_real(noise.sample(u, generator=rng(6)) - u).reshape(DRAWS, 2)
    assert abs(float(torch.corrcoef(deviation.T)[0, 1])) < 4 / DRAWS**0.5
    variance = noise.variance(u)
    assert variance.shape == u.shape and not variance.is_complex() and variance[0].item() == pytest.approx(0.25)
    z = (deviation.square().mean(0) / 0.25 - 1) * (DRAWS / 2) ** 0.5
    assert z.abs().max() < LARGEST_Z


def test_poisson_is_the_mixed_noise_without_read_out() -> None:
    u = torch.tensor([[0.5, 2.0, 9.0]], dtype=torch.float64)
    alone, mixed = physics.Poisson(0.25), physics.PoissonGaussian(0.25, 0.0)
    assert isinstance(alone, physics.PoissonGaussian) and alone.sigma == 0 and repr(alone) == "Poisson(gain=0.25)"
    y = alone.sample(u, generator=rng(1))
    assert torch.equal(y, mixed.sample(u, generator=rng(1)))
    assert torch.equal(alone.log_likelihood(y, u), mixed.log_likelihood(y, u))


def test_poisson_likelihood_is_scipys() -> None:
    gain, counts = 0.25, torch.tensor([[[[0.0, 3, 7, 100]]]])
    rate = torch.tensor([[[[0.5, 2.0, 9.0, 80.0]]]])
    expected = stats.poisson.logpmf(counts.numpy(), rate.numpy()).sum()
    noise = physics.PoissonGaussian(gain)
    assert noise.log_likelihood(gain * counts, gain * rate).item() == pytest.approx(expected, rel=1e-9)
    assert noise.log_likelihood(gain * counts + 0.1, gain * rate).item() == -np.inf


@pytest.mark.parametrize(
    "gain, sigma, u", [(1.0, 0.5, 3.0), (0.1, 0.02, 0.4), (1.0, 30.0, 500.0), (2.0, 0.05, 0.0), (1.0, 5.0, 1e4)]
)
def test_mixed_likelihood_is_the_full_sum(gain: float, sigma: float, u: float) -> None:
    noise = physics.PoissonGaussian(gain, sigma)
    y = u + (gain * u + sigma**2) ** 0.5 * torch.tensor([-3.0, -0.5, 0.0, 0.3, 2.0, 6.0], dtype=torch.float64)
    counts = np.arange(0, int(3 * u / gain) + 400)
    for value in y.tolist():
        terms = stats.poisson.logpmf(counts, u / gain) + stats.norm.logpdf(value, gain * counts, sigma)
        pair = torch.tensor([[[value]], [[u]]], dtype=torch.float64)
        got = noise.log_likelihood(pair[0], pair[1]).item()
        assert got == pytest.approx(np.logaddexp.reduce(terms), rel=1e-8, abs=1e-8)


def test_mixed_likelihood_is_a_density() -> None:
    noise = physics.PoissonGaussian(0.5, 0.3)

    values = torch.linspace(-3, 15, 2001, dtype=torch.float64)[:, None]
    density = noise.log_likelihood(values, torch.full_like(values, 2.0)).exp()
    assert integrate.simpson(density.numpy(), x=values[:, 0].numpy()) == pytest.approx(1, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(sigma=st.floats(max_value=-1e-9) | st.sampled_from([float("nan"), float("inf")]))
def test_no_sigma_but_a_finite_one_of_at_least_zero(sigma: float) -> None:
    with pytest.raises(ValueError, match="sigma is a standard deviation"):
        physics.Gaussian(sigma)
    with pytest.raises(ValueError, match="sigma is a standard deviation"):
        physics.PoissonGaussian(1.0, sigma)


@settings(max_examples=40, deadline=None)
@given(batch=st.integers(1, 5), numbers=st.integers(2, 6))
def test_one_sigma_for_each_sample_or_one_for_all(batch: int, numbers: int) -> None:
    noise, u = physics.Gaussian(torch.linspace(0.1, 1, numbers)), torch.zeros(batch, 1, 3, 3)
    if batch == numbers:
        assert noise.sample(u, generator=rng()).shape == u.shape
    else:
        with pytest.raises(ValueError, match=rf"sigma is .* but got \({numbers}\) for a batch of \({batch}, 1, 3, 3\)"):
            noise.sample(u, generator=rng())


def test_bad_noises_and_measurements_are_refused() -> None:
    with pytest.raises(ValueError, match="gain is what one count adds"):
        physics.PoissonGaussian(0.0)
    with pytest.raises(ValueError, match=r"mean of at least 0, but u has -1 as the least"):
        physics.PoissonGaussian(1.0).sample(torch.tensor([[-1.0]]), generator=None)
    with pytest.raises(ValueError, match="mean of at least 0, but u has nan"):
        physics.PoissonGaussian(1.0).sample(torch.tensor([[float("nan")]]), generator=None)
    for noise in (physics.Gaussian(0.1), physics.Poisson(1.0)):
        with pytest.raises(ValueError, match=r"u is torch\.int64. Convert it by u\.float\(\)"):
            noise.sample(torch.ones(1, 2, dtype=torch.int64), generator=None)
    with pytest.raises(ValueError, match="u has complex values"):
        physics.Poisson(1.0).sample(torch.ones(1, 2, dtype=torch.complex64), generator=None)
    with pytest.raises(ValueError, match="needs sigma > 0"):
        physics.Gaussian(0).log_likelihood(torch.zeros(1, 2), torch.zeros(1, 2))
    with pytest.raises(ValueError, match=r"one for each sample, but got \(2, 3\)"):
        physics.Gaussian(torch.ones(2, 3))


def test_the_probe_is_drawn_on_the_generators_device_in_single_precision() -> None:
    single = standard_normal(torch.zeros(3, 3), generator=rng(1))
    half = standard_normal(torch.zeros(3, 3, dtype=torch.bfloat16), generator=rng(1))
    assert torch.equal(half, single.bfloat16())


def smooth_image(size: int) -> Tensor:
    axis = torch.linspace(0, 1, size)
    return (axis[:, None] * 2 + torch.sin(3 * axis)[None, :]).reshape(1, 1, size, size)


@pytest.mark.parametrize("sigma", [0.01, 0.1, 1.0])
def test_sigma_is_found_again_and_agrees_with_scikit_image(sigma: float) -> None:
    y = physics.Gaussian(sigma).sample(smooth_image(256).repeat(4, 1, 1, 1), generator=rng(11))
    found = physics.Gaussian.estimate(y)
    assert found.shape == (4,)
    for value, image in zip(found.tolist(), y[:, 0].double().numpy(), strict=True):
        # 16,384 details: the median's standard error is 1.17 sigma / √16384 = 0.9 %. scikit-image filters with db2 and
        # so sees another draw of it.
        assert value == pytest.approx(sigma, rel=0.04)
        assert value == pytest.approx(estimate_sigma(image), rel=0.04)


def test_sigma_is_that_of_pywavelets_haar_details() -> None:
    y = torch.randn(1, 1, 33, 18, generator=rng(2), dtype=torch.float64)
    details = pywt.dwt2(y[0, 0, :32].numpy(), "haar")[1][2]
    expected = np.median(np.abs(details)) / stats.norm.ppf(0.75)
    assert physics.Gaussian.estimate(y).item() == pytest.approx(expected, rel=1e-12)


def test_blank_borders_do_not_hide_the_noise_and_edges_do_not_add_to_it() -> None:
    y = physics.Gaussian(0.1).sample(smooth_image(256), generator=rng(3))
    bordered, edged = torch.zeros(1, 1, 600, 600), y.clone()
    bordered[..., 100:356, 100:356] = y
    edged[..., 101:] += 5
    clean = physics.Gaussian.estimate(y).item()
    assert physics.Gaussian.estimate(bordered).item() == pytest.approx(clean, rel=0.02)
    assert physics.Gaussian.estimate(edged).item() == pytest.approx(clean, rel=0.02)
    assert physics.Gaussian.estimate(torch.ones(2, 1, 8, 8)).tolist() == [0, 0]


def test_sigma_of_complex_images_is_that_of_each_component() -> None:
    u = smooth_image(256).repeat(2, 1, 1, 1) * (0.6 + 0.8j)
    y = physics.Gaussian(torch.tensor([0.1, 0.3])).sample(u, generator=rng(4))
    found = physics.Gaussian.estimate(y)
    assert found.tolist() == pytest.approx([0.1, 0.3], rel=0.03)  # the median's standard error is 0.65 %
    real_pair = torch.cat([y.real, y.imag], dim=1)
    assert torch.equal(found, physics.Gaussian.estimate(real_pair))


def test_images_that_are_not_finite_have_no_sigma() -> None:
    y = torch.zeros(1, 1, 8, 8)
    y[0, 0, 3, 3] = float("nan")
    with pytest.raises(ValueError, match="some pixels are not"):
        physics.Gaussian.estimate(y)


@pytest.mark.parametrize("shape", [(8, 8), (1, 1, 1, 8), (1, 8, 8)])
def test_sigma_is_estimated_on_images_alone(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"at least 2 × 2 pixels, but got \("):
        physics.Gaussian.estimate(torch.zeros(shape))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
@pytest.mark.parametrize("noise", [physics.Poisson(0.01), physics.PoissonGaussian(0.01, 0.1)])
def test_counts_are_drawn_around_zeros_that_a_fourier_transform_has_rounded(
    noise: physics.PoissonGaussian, dtype: torch.dtype
) -> None:
    x = torch.zeros(2, 1, 64, 64, dtype=dtype)
    x[:, :, 20:30, 20:30] = 1
    blurred = physics.Blur(64, physics.gaussian_kernel(2.5))(x)
    assert float(blurred.min()) < 0 or dtype == torch.float16
    y = noise.sample(blurred, generator=rng())
    if dtype != torch.float16:  # half precision leaves the lattice of counts
        assert torch.isfinite(noise.log_likelihood(y.double(), blurred.double())).all()
    assert torch.isfinite(y).all() and y.dtype == dtype
    assert torch.equal(y, noise.sample(blurred.clamp(min=0), generator=rng()))


def test_counts_around_values_below_rounding_are_refused() -> None:
    with pytest.raises(ValueError, match=r"-0\.001 as the least"):
        physics.Poisson(0.01).sample(torch.tensor([[1.0, -0.001]]), generator=rng())
    with pytest.raises(ValueError, match="complex values"):
        physics.Poisson(0.01).sample(torch.zeros(1, 2, dtype=torch.complex64), generator=rng())


def test_a_bright_sample_makes_no_other_samples_negative_value_a_rounding() -> None:
    u = torch.ones(2, 1, 4, 4)
    u[0] *= 1e6
    u[1, 0, 0, 0] = -0.5
    for bright in (u, u.where(u < 1e5, torch.inf)):
        with pytest.raises(ValueError, match=r"-0\.5 as the least"):
            physics.Poisson(0.01).sample(bright, generator=rng())


MASKS = {
    "half of the pixels": torch.rand(128, 128, generator=rng(11)) < 0.5,
    "every second row": (torch.arange(128)[:, None] % 2 == 0).expand(128, 128),
    "lines": physics.cartesian_sampling(128, 4, generator=rng(12)),
    "points": physics.random_sampling(128, 4, generator=rng(13)),
    "spokes": physics.radial_sampling(128, 24),
    "a checkerboard": (torch.arange(128)[:, None] + torch.arange(128)) % 2 == 0,
    "a box is missing": torch.ones(128, 128).index_fill(0, torch.arange(30, 90), 0) > 0,
}


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
def test_sigma_is_estimated_from_what_a_mask_left(name: str, dtype: torch.dtype) -> None:
    slope = 1 + torch.linspace(0, 3, 128)[:, None] + torch.linspace(0, 2, 128)  # 0.02 a pixel, twice the noise
    noisy = physics.Gaussian(0.01).sample(slope.expand(12, 1, 128, 128).to(dtype), generator=rng(1))
    found = physics.Gaussian.estimate(noisy * MASKS[name])
    assert float(found.mean()) == pytest.approx(0.01, rel=0.03)
    torch.testing.assert_close(found, torch.full_like(found, 0.01), rtol=0.12, atol=0)  # about 1,000 details each


def test_entries_without_neighbours_give_no_estimate() -> None:
    y = torch.zeros(1, 1, 16, 16)
    y[..., ::4, ::4] = torch.randn(4, 4, generator=rng())
    with pytest.raises(ValueError, match=r"two neighbours in a line\. Measure one object twice"):
        physics.Gaussian.estimate(y)
    assert physics.Gaussian.estimate(torch.zeros(2, 1, 8, 8)).tolist() == [0, 0]


@pytest.mark.parametrize("sigma", [0.0, 1.0])
def test_counts_that_64_bits_do_not_hold_are_their_mean(sigma: float) -> None:
    """Before, they were drawn as -9.2e18: an image in other units gave negative counts without a message."""
    u = torch.tensor([[1e3, 1e15, 1e19, 1e30, float("inf")]], dtype=torch.float64)
    y = physics.PoissonGaussian(1.0, sigma).sample(u, generator=rng())
    assert torch.allclose(y[0, 2:], u[0, 2:], rtol=1e-9) and bool((y > 0).all())
    assert 0 < abs(float(y[0, 1]) - 1e15) < 5 * 1e15**0.5
    assert torch.equal(y[:, :2], physics.PoissonGaussian(1.0, sigma).sample(u, generator=rng())[:, :2])


@pytest.mark.parametrize("sigma", [1j, torch.tensor(0.5j), np.array([0.1, 0.2j]), np.complex64(1j)])
def test_a_complex_sigma_is_refused(sigma: complex | Tensor) -> None:
    """Before, its imaginary part was left out, and sigma was 0."""
    with pytest.raises(TypeError, match="sigma is one number or one for each sample, but got"):
        physics.Gaussian(sigma)  # type: ignore[arg-type]


@pytest.mark.parametrize("sigma", [[], torch.zeros(0), torch.zeros(2, 0)])
def test_sigma_of_no_sample_is_refused(sigma: Tensor) -> None:
    with pytest.raises(ValueError, match=r"sigma is one number or one for each sample, but got \("):
        physics.Gaussian(sigma)
