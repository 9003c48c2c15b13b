"""Data consistency: the projection without noise, its damping with noise, and both inside a reconstructor."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.reconstruction.making import holes, images
from tests.seeded import rng
from unseen.artifacts import RecipeError
from unseen.physics import (
    BeerLambert,
    Blur,
    FourierMask,
    Frames,
    Gaussian,
    Mask,
    Measurement,
    Poisson,
    Shifts,
    SinglePixelCamera,
    Tomography,
    cartesian_sampling,
    gaussian_kernel,
)
from unseen.reconstruction import ArtifactRemoval, learn, load
from unseen.reconstruction.data_consistency import projected
from unseen.training import Training

NOISE_FREE = {
    "inpainting": lambda: Measurement(Mask(holes())),
    "single pixel": lambda: Measurement(SinglePixelCamera(16, 60)),
    "MRI": lambda: Measurement(FourierMask(cartesian_sampling(16, 2, generator=rng()), real=True)),
    "tomography": lambda: Measurement(Tomography(16, angles=8)),
    "low-dose CT without noise": lambda: Measurement(
        Tomography(16, angles=8, pixel_size=1 / 16), link=BeerLambert(1e5)
    ),
}


@pytest.mark.parametrize(
    "name", [name if name != "tomography" else pytest.param(name, marks=pytest.mark.nightly) for name in NOISE_FREE]
)
def test_without_noise_the_image_measures_y_and_is_the_closest_of_those(name: str) -> None:
    process, x, estimate = NOISE_FREE[name](), images(2).double(), images(2, seed=7).double()
    y = process(x, generator=rng())
    found = projected(estimate, y, process)
    torch.testing.assert_close(process.mean(found), y, rtol=1e-4, atol=1e-4 * float(y.abs().max()))
    hidden = (x - found) - process.A.pinv(process.A(x - found))  # what A hides is the estimate's
    torch.testing.assert_close((x - estimate) - process.A.pinv(process.A(x - estimate)), hidden, rtol=0, atol=1e-3)
    assert float((found - x).norm()) < float((estimate - x).norm())


@pytest.mark.filterwarnings("error:The pseudo-inverse was not reached")
@pytest.mark.parametrize(("size", "views", "sigma"), [(64, 24, 0.0), (64, 50, 0.01), (100, 40, 0.01)])
def test_a_good_ct_image_is_projected_within_the_steps(size: int, views: int, sigma: float) -> None:
    A = Tomography(size, views)
    x = smooth(size)
    y = A(x)
    y = y + sigma * y.square().mean().sqrt() * torch.randn(y.shape, generator=rng())
    start = A.fbp(y)
    found = projected(start, y, Measurement(A))
    assert float(A.adjoint(y - A(found)).norm()) <= 2e-4 * float(A.adjoint(y).norm())
    assert float((y - A(found)).norm()) < float((y - A(start)).norm())
    assert float((found - x).norm()) < 1.1 * float((A.pinv(y) - x).norm()), "noise is amplified as by A⁺ y"


@pytest.mark.filterwarnings("error:The pseudo-inverse was not reached")
@pytest.mark.parametrize(("form", "sigma"), [
    ("restricted", 0.0), ("restricted", 0.01), ("restricted and scaled", 0.01), ("composed", 0.0), ("frames", 0.01),
])  # fmt: skip
def test_a_good_image_of_an_operator_made_of_ct_is_projected_within_the_steps(form: str, sigma: float) -> None:
    scan = Tomography(64, 24)
    kept = torch.rand(scan.range, generator=rng(1)) > 0.3
    A = {
        "restricted": scan.restrict(kept),
        "restricted and scaled": 0.5 * scan.restrict(kept),
        "composed": scan @ Blur(64, gaussian_kernel(0.7)),
        "frames": Frames(scan, 1),
    }[form]
    x = smooth(64).reshape(1, *A.domain)
    y = A(x)
    y = y + sigma * y.square().mean().sqrt() * torch.randn(y.shape, generator=rng())
    start = x + 0.03 * torch.randn(x.shape, generator=rng(3))
    found = projected(start, y, Measurement(A))
    measured = y if (mask := A.observed()) is None else mask(y)
    assert float(A.adjoint(measured - A(found)).norm()) <= 2e-4 * float(A.adjoint(measured).norm())
    if sigma:
        assert float((found - x).norm()) < 1.1 * float((A.pinv(y) - x).norm()), "noise is amplified as by A⁺ y"
    else:
        assert float((found - x).norm()) < float((start - x).norm())


def test_the_projection_of_ct_is_the_same_with_and_without_derivatives() -> None:
    A = Tomography(64, 24)
    x, y = smooth(64), A(smooth(64) + 0.1)
    assert torch.equal(projected(x, y, Measurement(A)), projected(x.requires_grad_(), y, Measurement(A)).detach())


def smooth(size: int) -> Tensor:
    axis = torch.linspace(-1, 1, size)
    ellipse = (1 - (axis[:, None] / 0.8) ** 2 - (axis / 0.6) ** 2).mul(20).sigmoid()
    return (ellipse * (1 + 0.3 * (6 * axis).sin()))[None, None]


def test_the_derivative_of_the_projection_of_ct_is_the_part_that_is_not_measured() -> None:
    A = Tomography(12, 8)
    x, v = (torch.rand(2, 1, 12, 12, generator=rng(seed), dtype=torch.float64) for seed in (1, 2))
    y = A(x).requires_grad_()
    x.requires_grad_()
    towards_x, towards_y = torch.autograd.grad(projected(x, y, Measurement(A)), (x, y), v)
    torch.testing.assert_close(towards_x, v - A.pinv(A(v)), rtol=0, atol=1e-9)
    torch.testing.assert_close((towards_y * y).sum(), (A.pinv(y) * v).sum(), rtol=1e-9, atol=0)


@pytest.mark.parametrize("noise", [Gaussian(0.2), Poisson(0.05)], ids=repr)
def test_with_noise_the_residual_of_the_truth_moves_nothing_and_a_large_one_nearly_all(
    noise: Gaussian | Poisson,
) -> None:
    process, x = Measurement(Mask(torch.ones(1, 64, 64)), noise=noise), images(8, size=64).clamp(min=0.1)
    y = process(x, generator=rng())
    assert float((projected(x, y, process) - x).norm()) < 0.2 * float((y - x).norm())
    far = x + 5
    assert float((projected(far, y, process) - x).norm()) < 1.2 * float((y - x).norm())


def test_with_noise_what_the_image_measures_is_closer_to_the_truth_than_before_and_than_y() -> None:
    process, x = Measurement(Blur(32, gaussian_kernel(0.6)), noise=Gaussian(0.1)), images(16, size=32)
    estimate = x + 0.1 * torch.randn(x.shape, generator=rng(3))
    y = process(x, generator=rng())
    found = projected(estimate, y, process)
    errors = [float((u - process.A(x)).square().mean()) for u in (process.A(found), process.A(estimate), y)]
    assert errors[0] < errors[1] and errors[0] < errors[2]


def test_a_reconstructor_takes_it_from_the_call_its_settings_or_the_training(tmp_path: Path) -> None:
    process = Measurement(Mask(holes()))
    y = process(images(4), generator=rng())
    f = learn(y, process, losses="ei", group=Shifts(), training=Training(epochs=1, threads=1), consistency="project")
    assert f.config.consistency == "project"
    with torch.no_grad():
        for weights in f.parameters():
            weights.add_(0.05 * torch.randn(weights.shape, generator=rng()))
    torch.testing.assert_close(process.A(f(y)), y)
    assert not torch.allclose(process.A(f(y, consistency="none")), y)
    f.save(tmp_path / "f")
    again = load(tmp_path / "f")
    assert again.config.consistency == "project"
    assert torch.equal(again(y), f(y))
    plain = ArtifactRemoval(features=4)
    assert torch.equal(plain(y, process, consistency="project"), projected(plain(y, process), y, process))
    with pytest.raises(ValueError, match="consistency is none or project, but got 'projekt'"):
        plain(y, process, consistency="projekt")  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match="consistency"):
        learn(y, process, losses="mc", training=Training(epochs=1, threads=1), consistency="projected")  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_half_precision_damps_as_single_precision_does(dtype: torch.dtype) -> None:
    process = Measurement(Mask(torch.ones(1, 256, 256)), noise=Gaussian(1.0))
    found = projected(
        torch.full((1, 1, 256, 256), 30.0, dtype=dtype), torch.zeros(1, 1, 256, 256, dtype=dtype), process
    )
    assert found.dtype == dtype and float(found.mean()) == pytest.approx(30 / 900, rel=0.05)


def test_consistency_alone_learns_nothing_and_warns() -> None:
    process = Measurement(Mask(holes()))
    y = process(images(4), generator=rng())
    with pytest.warns(UserWarning, match="nothing is learnt"):
        learn(y, process, losses="mc", training=Training(epochs=1, threads=1), consistency="project")


@pytest.mark.parametrize("noise", [Gaussian(0.1), Poisson(0.1)], ids=repr)
def test_the_gradient_passes_through_the_projection(noise: Gaussian | Poisson) -> None:
    process = Measurement(Mask(holes(size=6)), noise=noise)
    y: Tensor = process(images(2, size=6).double(), generator=rng())
    x = images(2, size=6, seed=4).double() + 1
    assert torch.autograd.gradcheck(
        lambda a, b: projected(a, b, process), (x.requires_grad_(), y.requires_grad_()), atol=1e-6
    )
