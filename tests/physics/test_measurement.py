"""Links, and the one equation y = noise(link(A x))."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable

import pytest
import torch

from unseen import physics

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


def test_the_rooms_table_of_contents() -> None:
    for name in physics.__all__:
        assert getattr(physics, name) is not None


@pytest.mark.parametrize("package", ["physics", "losses"])
def test_importing_the_package_loads_no_torch(package: str) -> None:
    code = f"import sys, unseen.{package}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
