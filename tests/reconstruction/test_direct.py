"""Reconstruction without training: the linear inverses, total variation and the deep image prior do what they say."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.reconstruction.making import error, images, inpainting, magnetic, measured
from unseen.physics import BeerLambert, Gaussian, Identity, Measurement, PoissonGaussian, Tomography
from unseen.priors import TV
from unseen.reconstruction import (
    ArtifactRemoval,
    deep_image_prior,
    filtered_backprojection,
    matching_pursuit,
    osem,
    plug_and_play,
    pseudo_inverse,
    sirt,
    total_variation,
)


def misfit(found: Tensor, y: Tensor, process: Measurement) -> float:
    """Root mean square over what was measured."""
    observed = process.A.observed()
    assert observed is not None
    return float(observed(process.A(found) - y).square().sum() / observed.counts() / len(y)) ** 0.5


TOMOGRAPHY = Measurement(Tomography(16, angles=24))


def test_the_linear_inverses_undo_the_link_first() -> None:
    x = images(2) / 16  # at most one unit of attenuation along a ray
    low_dose = Measurement(TOMOGRAPHY.A, link=BeerLambert(1e6))
    for inverse in (pseudo_inverse, filtered_backprojection):
        plain = inverse(measured(TOMOGRAPHY, x), TOMOGRAPHY)
        assert torch.allclose(inverse(measured(low_dose, x), low_dose), plain, atol=1e-4)
        assert error(plain, x) < 0.1 * error(torch.zeros_like(x), x)


def test_total_variation_stops_at_the_noise_or_takes_a_weight() -> None:
    process, x = inpainting(sigma=0.05), images(3)
    y = measured(process, x)
    found = total_variation(y, process)
    assert misfit(found, y, process) == pytest.approx(0.05, rel=0.02)
    assert error(found, x) < 0.2 * error(pseudo_inverse(y, process), x)
    flat, rough = (total_variation(y, process, weight=weight) for weight in (1.0, 1e-4))
    assert flat.std() < found.std() < rough.std()


def test_total_variation_without_a_weight_needs_one_gaussian_noise() -> None:
    for process in (
        inpainting(),
        Measurement(TOMOGRAPHY.A, noise=PoissonGaussian(0.1, 0.1)),
        Measurement(TOMOGRAPHY.A, link=BeerLambert(1e5), noise=Gaussian(0.1)),
    ):
        y = measured(process, images(1))
        with pytest.raises(ValueError, match=r"needs one Gaussian noise and no link.*Give a weight"):
            total_variation(y, process)


@pytest.mark.parametrize("direct", [pseudo_inverse, filtered_backprojection, total_variation, deep_image_prior])
def test_bad_measurements_are_told(direct) -> None:  # type: ignore[no-untyped-def]
    y = measured(TOMOGRAPHY, images(1))
    with pytest.raises(ValueError, match=r"are \(n, 1, 24, 23\), n at least 1, but got \(1, 24, 23\)"):
        direct(y[0], TOMOGRAPHY)
    with pytest.raises(ValueError, match="1 of 552 numbers are NaN or infinite"):
        direct(
            y.index_fill(3, torch.tensor([0]), 0).index_put((torch.tensor([0]),) * 4, torch.tensor(torch.nan)),
            TOMOGRAPHY,
        )


def test_filtered_backprojection_is_for_tomography() -> None:
    process = inpainting()
    with pytest.raises(ValueError, match="filtered backprojection is for tomography"):
        filtered_backprojection(measured(process, images(1)), process)


@pytest.mark.nightly
@pytest.mark.slow
def test_the_deep_image_prior_fills_holes_and_does_not_depend_on_batch_mates() -> None:
    process, x = inpainting(size=32), images(2, size=32)
    y = measured(process, x)
    found = deep_image_prior(y, process, steps=120, features=8, depth=3)
    assert error(found, x) < 0.2 * error(pseudo_inverse(y, process), x)
    assert torch.equal(deep_image_prior(y[:1], process, steps=120, features=8, depth=3), found[:1])


def test_each_sample_of_the_deep_image_prior_has_a_seed_of_its_own() -> None:
    """Weights and input had, but the noise that is added to the input was the same for all samples."""
    process = inpainting()
    y = measured(process, images(2))
    found = deep_image_prior(y, process, steps=3, features=4, depth=2, seed=5)
    assert torch.equal(deep_image_prior(y[1:], process, steps=3, features=4, depth=2, seed=6), found[1:])


def test_the_deep_image_prior_keeps_the_precision_of_its_measurements() -> None:
    process = inpainting()
    y = measured(process, images(1))
    short = partial(deep_image_prior, process=process, steps=2, features=4, depth=2)
    assert short(y.double()).dtype == torch.float64 and short(y.numpy()).dtype == np.float32
    assert short(y.double().requires_grad_()).requires_grad is False
    torch.testing.assert_close(short(y.double()).float(), short(y))
    complex_y = measured(magnetic(), images(1).double() + 0j)
    assert short(complex_y, process=magnetic()).dtype == torch.complex128


def test_the_deep_image_prior_takes_images_as_small_as_its_coarsest_pixel() -> None:
    y = images(1, size=8)
    assert deep_image_prior(y, Identity((1, 8, 8)), steps=2, features=4, depth=3).shape == y.shape


@pytest.mark.parametrize(
    "setting, sentence",
    [
        ({"features": 0}, "features is a whole number above 0, but got 0"),
        ({"features": 2.5}, "features is a whole number above 0, but got 2.5"),
        ({"depth": 0}, "depth is a whole number above 0, but got 0"),
        ({"steps": 0}, "steps is a whole number above 0, but got 0"),
        ({"learning_rate": math.nan}, "learning_rate is a finite number above 0, but got nan"),
        ({"learning_rate": "fast"}, "learning_rate is a finite number above 0, but got 'fast'"),
    ],
)
def test_settings_of_the_deep_image_prior_that_are_none_are_refused(setting: dict[str, Any], sentence: str) -> None:
    process = inpainting()
    with pytest.raises(ValueError, match=sentence):
        deep_image_prior(measured(process, images(1)), process, **setting)


def test_the_deep_image_prior_stops_at_the_noise() -> None:
    """Were it not to stop, a network of so many weights would fit the noise of so few pixels."""
    process, x = inpainting(sigma=0.2), images(1)
    y = measured(process, x)
    early, late = (deep_image_prior(y, process, steps=steps, features=8, depth=2) for steps in (150, 300))
    assert torch.equal(early, late)
    assert 0.19 < misfit(late, y, process) <= 0.2001


def test_the_deep_image_prior_knows_complex_images() -> None:
    process = magnetic()
    found = deep_image_prior(measured(process, images(1) + 0j), process, steps=3, features=4, depth=2)
    assert found.dtype == torch.complex64 and found.shape == (1, 1, 16, 16)


@pytest.mark.parametrize("direct", [pseudo_inverse, filtered_backprojection, total_variation])
def test_an_array_gives_an_array_of_the_same_numbers(direct) -> None:  # type: ignore[no-untyped-def]
    process = Measurement(TOMOGRAPHY.A, noise=Gaussian(0.5))
    y = measured(process, images(2))
    found = direct(y.numpy(), process)
    assert isinstance(found, np.ndarray) and np.array_equal(found, direct(y, process).numpy())
    assert np.array_equal(direct(y=y.numpy(), process=process), found)


def test_links_and_filtered_backprojection_take_arrays() -> None:
    process = Measurement(TOMOGRAPHY.A, link=BeerLambert(1e6))
    x = images(2) / 16
    y = process.mean(x.numpy())
    assert isinstance(y, np.ndarray) and np.array_equal(y, process.mean(x).numpy())
    p = process.linearise(y)
    assert isinstance(p, np.ndarray)
    assert np.array_equal(process.A.fbp(p), filtered_backprojection(y, process))


def test_an_operator_alone_is_a_process_without_noise() -> None:
    A = Tomography(16, angles=8)
    y = A(images(1))
    process = Measurement(A)
    for found in (
        pseudo_inverse,
        filtered_backprojection,
        partial(total_variation, weight=0.1),
        partial(deep_image_prior, steps=2, features=4),
        partial(sirt, iterations=2),
        partial(osem, iterations=2),
        partial(matching_pursuit, nonzeros=2),
        partial(plug_and_play, denoiser=lambda v: v / 2, iterations=20),
        ArtifactRemoval.for_process(A, features=4, depth=1),
    ):
        assert torch.equal(found(y, A), found(y, process))
    with pytest.raises(TypeError, match=r"got a function\. .* FunctionOperator\(function, domain\)"):
        pseudo_inverse(y, images)  # type: ignore[arg-type]  # the mistake


def test_matching_pursuit_and_total_variation_take_half_precision() -> None:
    """LAPACK has no half precision: both compute in single precision."""
    process = inpainting()
    half = measured(process, images(2)).half()
    found = matching_pursuit(half, process, nonzeros=3)
    assert found.dtype == torch.float16
    single = matching_pursuit(half.float(), process, nonzeros=3)
    torch.testing.assert_close(found.float(), single, atol=1e-3, rtol=1e-3)
    assert TV(0.1).fitted(half, process.A, sigma=0.1, iterations=5).x.shape == found.shape
