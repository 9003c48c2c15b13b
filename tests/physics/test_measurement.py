"""Links, and the one equation y = noise(link(A x))."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from benchmarks.imaging.inputs import images, sampled_columns
from unseen import physics
from unseen.losses.loss import measured_anew

LINKS: dict[str, Callable[[], physics.Link]] = {"beer-lambert": lambda: physics.BeerLambert(1e5)}


def test_every_registered_link_is_under_test() -> None:
    assert set(physics.LINKS) == set(LINKS)
    for key, place in physics.LINKS.items():
        file, _, name = place.partition(":")
        assert isinstance(LINKS[key](), getattr(importlib.import_module(file), name))


@pytest.mark.parametrize("name", LINKS)
def test_a_link_and_its_inverse(name: str) -> None:
    link, p = LINKS[name](), torch.linspace(0, 8, 50, dtype=torch.float64)
    torch.testing.assert_close(link.inverse(link(p)), p)
    assert torch.autograd.gradcheck(link, p.requires_grad_())


def test_beer_lambert_in_numbers() -> None:
    link = physics.BeerLambert(1000)
    torch.testing.assert_close(link(torch.tensor([0.0, 1.0])), torch.tensor([1000.0, 367.8794]))
    torch.testing.assert_close(link.inverse(torch.tensor([-5.0, 0.0, 1.0])), torch.full((3,), 6.9077553))
    for bad in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="I0 is a count of photons"):
            physics.BeerLambert(bad)


def test_a_measurement_is_noise_of_link_of_a_x() -> None:
    A, link, noise = 2 * physics.Identity((1, 4, 4)), physics.BeerLambert(1e4), physics.PoissonGaussian(1.0, 5.0)
    process = physics.Measurement(A, link=link, noise=noise)
    x = torch.rand(3, 1, 4, 4)
    y = process(x, generator=torch.Generator().manual_seed(1))
    assert torch.equal(y, noise.sample(link(2 * x), generator=torch.Generator().manual_seed(1)))
    torch.testing.assert_close(process.linearise(process.mean(x)), 2 * x, rtol=0, atol=1e-5)
    torch.testing.assert_close(process.log_likelihood(y, x), noise.log_likelihood(y, link(2 * x)))


def test_a_bare_measurement_is_a_x() -> None:
    process, x = physics.Measurement(physics.Identity((1, 2, 2))), torch.rand(1, 1, 2, 2)
    assert torch.equal(process(x, generator=None), x) and torch.equal(process.linearise(x), x)
    with pytest.raises(ValueError, match="no likelihood"):
        process.log_likelihood(x, x)
    with pytest.raises(AttributeError):
        process.link = None  # type: ignore[misc]


def test_each_public_name_of_physics_can_be_imported() -> None:
    for name in physics.__all__:
        assert getattr(physics, name) is not None


@pytest.mark.parametrize("package", ["physics", "losses"])
def test_importing_the_package_loads_no_torch(package: str) -> None:
    code = f"import sys, unseen.{package}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def pixels(share: float, size: int = 128) -> Tensor:
    return torch.rand(1, size, size, generator=torch.Generator().manual_seed(5)) < share


def box(size: int = 128) -> Tensor:
    kept = torch.ones(1, size, size, dtype=torch.bool)
    kept[:, size // 4 : size // 2, size // 4 : 3 * size // 4] = False
    return kept


MASKED: dict[str, Callable[[], physics.Operator]] = {
    "a quarter": lambda: physics.Mask(pixels(0.25)),
    "half": lambda: physics.Mask(pixels(0.5)),
    "nine tenths": lambda: physics.Mask(pixels(0.9)),
    "a box": lambda: physics.Mask(box()),
    "of its own for each": lambda: physics.Mask(torch.stack([pixels(0.5), box(), pixels(0.9), pixels(0.4)])),
    "restricted": lambda: physics.Identity((1, 128, 128)).restrict(pixels(0.5)),
    "k-space": lambda: physics.FourierMask(pixels(0.5)),
}


@pytest.mark.parametrize(
    ("name", "link"),
    [
        *((name, None) for name in MASKED),
        *((name, physics.BeerLambert(1e3)) for name in MASKED if name != "k-space"),  # counts are real
    ],
)
def test_entries_that_are_not_observed_are_zero_and_the_others_are_as_without_a_mask(
    name: str, link: physics.Link | None
) -> None:
    A, noise = MASKED[name](), physics.Gaussian(0.1)
    process, x = physics.Measurement(A, link=link, noise=noise), ellipses(4, 128)
    x = x.to(torch.complex64) if A.complex_domain else x
    y = process(x, generator=torch.Generator().manual_seed(1))
    drawn = noise.sample(process.mean(x), generator=torch.Generator().manual_seed(1))
    kept = A.observed().mask.expand(y.shape)  # type: ignore[union-attr]
    assert torch.equal(y[kept], drawn[kept]) and not y[~kept].any() and drawn[~kept].all()
    assert not process.linearise(y)[~kept].any()
    assert torch.equal(A.pinv(y), A.pinv(drawn)) and torch.isfinite(process.log_likelihood(y, x)).all()
    anew = measured_anew(process, x, generator=torch.Generator().manual_seed(2))
    assert not anew[~kept].any() and anew[kept].any()


def smooth(batch: int, size: int) -> Tensor:
    axis = torch.linspace(-1, 1, size)
    image = torch.exp(-2 * (axis[:, None] - 0.2) ** 2 - 3 * (axis + 0.1) ** 2) + 0.5
    return image.expand(batch, 1, size, size)


def ellipses(batch: int, size: int) -> Tensor:
    return images(batch, size, seed=3)


# 10 % is what `Gaussian.estimate` states; of y with noise under the mask it was off by 70 % and more.
@pytest.mark.parametrize("sigma", [0.03, 0.1])
@pytest.mark.parametrize("made", [smooth, ellipses])
@pytest.mark.parametrize("name", [name for name in MASKED if name != "k-space"])
def test_sigma_is_estimated_under_masks(name: str, made: Callable[[int, int], Tensor], sigma: float) -> None:
    y = physics.Measurement(MASKED[name](), noise=physics.Gaussian(sigma))(
        made(4, 128), generator=torch.Generator().manual_seed(1)
    )
    assert float((physics.Gaussian.estimate(y) / sigma - 1).abs().max()) < 0.1


@pytest.mark.parametrize("kept", [sampled_columns(128), pixels(0.5)[0]])
def test_sigma_is_estimated_in_sampled_k_space(kept: Tensor) -> None:
    process = physics.Measurement(physics.FourierMask(torch.fft.ifftshift(kept)), noise=physics.Gaussian(0.1))
    y = process(smooth(4, 128).to(torch.complex64), generator=torch.Generator().manual_seed(1))
    assert float((physics.Gaussian.estimate(y) / 0.1 - 1).abs().max()) < 0.1


def test_a_number_in_place_of_a_noise_or_a_link_is_refused() -> None:
    A = physics.Identity((1, 2, 2))
    with pytest.raises(TypeError, match=r"noise=… is a Noise such as Gaussian\(0.1\), but got a float"):
        physics.Measurement(A, noise=0.1)  # type: ignore[arg-type]  # the mistake
    with pytest.raises(TypeError, match=r"link=… is a Link such as BeerLambert\(1e5\), but got a float"):
        physics.Measurement(A, 0.1)  # type: ignore[arg-type]  # the mistake
    for given in ({"link": physics.Gaussian}, {"noise": physics.Gaussian}):
        with pytest.raises(TypeError, match=r"but got the class Gaussian\. Make one: Gaussian\(…\)"):
            physics.Measurement(A, **given)  # type: ignore[arg-type]  # the mistake


def test_samples_are_selected_by_a_list_as_by_a_tensor() -> None:
    levels = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)
    process = physics.Measurement(physics.Mask(torch.ones(3, 1, 4, 4)), physics.Gaussian(levels))
    found = process.select([2, 0])
    assert repr(found) == repr(process.select(torch.tensor([2, 0]))) and found.A.batch == 2
    with pytest.raises(ValueError, match="from 0 to 2, but got some from -1 to 1"):  # it took the last sample
        process.select([-1, 1])
    with pytest.raises(ValueError, match="from 0 to 2, but got some from 3 to 3"):
        process.select([3])
    for mask in (torch.tensor([True, False, True]), torch.tensor([1, 0, 1], dtype=torch.uint8)):
        with pytest.raises(ValueError, match=r"mask\.nonzero"):
            process.select(mask)
    assert process.select(torch.tensor([2, 0], dtype=torch.int16)).A.batch == 2
