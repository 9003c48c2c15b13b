"""Every reconstructor in the registry keeps the law: shape, kind of number, one sample at a time, a gradient in y."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tests.reconstruction.making import holes, images, inpainting, magnetic, measured
from unseen.artifacts import RecipeError
from unseen.physics import BeerLambert, Identity, Mask, Measurement, Tomography
from unseen.reconstruction import RECONSTRUCTORS, ArtifactRemoval, Reconstructor, Unrolled

PROBLEMS: dict[str, Callable[[], Measurement]] = {
    "inpainting": inpainting,
    "magnetic": magnetic,
    "masks": lambda: Measurement(Mask(holes(n=3))),
    "tomography": lambda: Measurement(Tomography(16, angles=12)),
    "low dose": lambda: Measurement(Tomography(16, angles=12), link=BeerLambert(1e5)),
}


def made(key: str, process: Measurement, **settings: object) -> Reconstructor:
    """Return a small reconstructor whose networks do not output zero."""
    torch.manual_seed(0)
    kind: type[Reconstructor] = RECONSTRUCTORS.load(key)
    f = kind.for_process(process, **({"features": 4, "depth": 2} | settings))
    for module in f.modules():
        if hasattr(module, "head"):
            nn.init.normal_(module.head.weight, std=0.05)
    return f


def problem(name: str) -> tuple[Measurement, Tensor, Tensor]:
    process, x = PROBLEMS[name](), images(3)
    if process.A.complex_domain:
        x = torch.polar(x, 3 * images(3, seed=5))
    return process, x, measured(process, x)


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("key", RECONSTRUCTORS)
def test_the_law(key: str, name: str) -> None:
    process, x, y = problem(name)
    f = made(key, process).train()
    f.prepare(y, process)
    found = f(y, process)
    assert found.shape == x.shape and found.dtype == x.dtype and bool(found.abs().isfinite().all())
    alone = torch.cat([f(y[i : i + 1], process.select(torch.tensor([i]))) for i in range(3)])
    assert torch.allclose(found, alone, atol=1e-4 * float(found.detach().abs().max()))
    y.requires_grad_()
    (slope,) = torch.autograd.grad(f(y, process)[1].abs().square().sum(), y)
    assert bool(slope[1].abs().max() > 0) and bool((slope[[0, 2]] == 0).all())


@pytest.mark.parametrize("key", RECONSTRUCTORS)
def test_the_gradient_in_y_is_that_of_the_difference_quotient(key: str) -> None:
    process, _, y = problem("inpainting")
    f, y = made(key, process).double(), y.double()
    b = torch.randn(y.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y.requires_grad_()
    value = f(y, process)
    (slope,) = torch.autograd.grad((value * b).sum(), y)
    step = 1e-6
    with torch.no_grad():
        quotient = ((f(y + step * b, process) - f(y - step * b, process)) * b).sum() / (2 * step)
    assert float((slope * b).sum()) == pytest.approx(float(quotient), rel=1e-5)


@pytest.mark.parametrize("key", RECONSTRUCTORS)
def test_it_begins_as_a_linear_inverse(key: str) -> None:
    process, x, y = problem("inpainting")
    kind: type[Reconstructor] = RECONSTRUCTORS.load(key)
    assert torch.allclose(kind.for_process(process)(y, process), process.A.pinv(y), atol=1e-6)
    assert not torch.allclose(x, y, atol=0.1)


@pytest.mark.parametrize("key", RECONSTRUCTORS)
def test_double_precision_in_gives_double_precision_out(key: str) -> None:
    process, _, y = problem("magnetic")
    f = made(key, process)
    found = f(y.to(torch.complex128), process)
    assert found.dtype == torch.complex128
    assert torch.allclose(found.to(torch.complex64), f(y, process), atol=1e-5)


@pytest.mark.parametrize("key", RECONSTRUCTORS)
@pytest.mark.parametrize("start", ["pinv", "fbp", "adjoint"])
def test_starts_are_of_the_images_size(key: str, start: str) -> None:
    process, x, y = problem("tomography")
    kind: type[Reconstructor] = RECONSTRUCTORS.load(key)
    f = kind.for_process(process, start=start)
    f.prepare(y, process)
    ratio = f(y, process).norm() / x.norm()
    assert 0.3 < ratio < 1.2, ratio
    assert float(f.get_buffer("scale")) == pytest.approx(float(x.square().mean().sqrt()), rel=0.7)


def test_filtered_backprojection_is_asked_of_tomography_alone() -> None:
    process, _, y = problem("inpainting")
    with pytest.raises(ValueError, match=r"filtered backprojection is for tomography, and Mask.*start='pinv'"):
        ArtifactRemoval(start="fbp")(y, process)


def test_many_unrolled_steps_without_a_network_solve_least_squares() -> None:
    process = Measurement(2 * Mask(holes()))
    y = measured(process, images(2))
    f = Unrolled(iterations=60, start="adjoint", features=4, depth=1)
    f.prepare(y, process)
    with torch.no_grad():
        f.lengths.fill_(0.7)
    assert torch.allclose(f(y, process), process.A.pinv(y), atol=1e-5)


def test_an_unknown_setting_is_told() -> None:
    with pytest.raises(RecipeError, match=r"artifact-removal\.feature: unknown; did you mean features"):
        ArtifactRemoval(feature=3)
    with pytest.raises(RecipeError, match=r"unrolled\.iterations: seen 0"):
        Unrolled(iterations=0)


def test_images_of_another_kind_are_refused() -> None:
    y = torch.zeros(1, 2, 16, 16)
    with pytest.raises(ValueError, match=r"real images of 2 channel\(s\).*made for real ones of 1 channel"):
        ArtifactRemoval()(y, Measurement(Identity((2, 16, 16))))


def test_nan_that_marks_what_was_not_measured_is_refused_and_not_spread() -> None:
    process = inpainting()
    f = ArtifactRemoval.for_process(process, features=4, depth=1).eval()
    y = torch.where(process.A.observed().mask, images(2), torch.nan)  # type: ignore[union-attr]
    with pytest.raises(
        ValueError, match=r"This artifact-removal takes finite numbers, but \d+ of 512 are NaN.*nan_to_num"
    ):
        f(y, process)
    assert bool(f(torch.nan_to_num(y), process).isfinite().all())


def test_complex_measurements_of_real_images_are_refused_by_name() -> None:
    """A mask takes real and complex images, so that the network once complained of two channels."""
    process = inpainting()
    y = measured(process, images(1))
    f = ArtifactRemoval.for_process(process, features=4, depth=1).eval()
    with pytest.raises(ValueError, match=r"y is complex, but the measurements of Mask.* are real.*y\.real"):
        f(y + 0j, process)


@pytest.mark.parametrize("bad", [math.inf, -math.inf])
def test_infinity_is_refused_as_nan_is(bad: float) -> None:
    """A dead or saturated detector element gave an image that is NaN everywhere, without an error."""
    for process in (inpainting(), magnetic()):
        y = measured(process, images(2) + (0j if process.A.complex_domain else 0))
        y[0, 0, 3, 4] = bad
        f = ArtifactRemoval.for_process(process, features=4, depth=1).eval()
        with pytest.raises(ValueError, match="This artifact-removal takes finite numbers, but 1 of 512 are NaN or inf"):
            f(y, process)
        f(torch.nan_to_num(y.real, posinf=3e38).to(y.dtype), process)  # large numbers are numbers
