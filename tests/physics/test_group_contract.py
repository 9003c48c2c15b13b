"""The law of `unseen.physics.group`, checked for every registered group and for products of them."""

from __future__ import annotations

import copy
import importlib
import pickle
from collections.abc import Callable

import pytest
import torch
from scipy import stats
from torch import Tensor

from tests.seeded import rng
from unseen import physics
from unseen.physics.group import Group
from unseen.physics.groups.rotations import Interpolation

SIZE = 12
LARGEST_P = 1e-4  # of a uniform sampler, one seed in 10,000 fails; the seeds are fixed


MADE: dict[str, Callable[[], Group]] = {
    "flips": physics.Flips,
    "frame-shifts": physics.FrameShifts,
    "permutations": physics.Permutations,
    "rotations": physics.Rotations,
    "scalings": physics.Scalings,
    "shifts": physics.Shifts,
}
VARIED: dict[str, Callable[[], Group]] = {
    "shifts along the width": lambda: physics.Shifts(axes=(-1,)),
    "horizontal flips": lambda: physics.Flips(vertical=False),
    "quarter turns": lambda: physics.Rotations(multiples_of=90),
    "half turns, listed": lambda: physics.Rotations(degrees=[0, 180]),
    "a range of degrees": lambda: physics.Rotations(degrees=(-10, 80)),
    "bilinear rotations": lambda: physics.Rotations(interpolation="bilinear"),
    "rotations by multiples of 30": lambda: physics.Rotations(multiples_of=30),
    "symmetries of the square": lambda: physics.Rotations(multiples_of=90) * physics.Flips(),
    "shifts after flips": lambda: physics.Shifts() * physics.Flips(),
    "shifts in place and time": lambda: physics.FrameShifts() * physics.Shifts(),
    "three groups": lambda: physics.Shifts() * physics.Flips() * physics.Rotations(multiples_of=90),
    "scaled rotations": lambda: physics.Scalings() * physics.Rotations(),
}
EVERY = MADE | VARIED
EXACT = [name for name, make in EVERY.items() if make().exact]
FINITE = [name for name, make in EVERY.items() if make().elements((1, 2, 2)) is not None]


def images(n: int = 5, *, seed: int = 1, dtype: torch.dtype = torch.float64, size: int = SIZE) -> Tensor:
    return torch.randn(n, 2, size, size, generator=rng(seed), dtype=dtype)


def test_every_registered_group_is_under_test() -> None:
    assert set(physics.GROUPS) == set(MADE)
    for key, place in physics.GROUPS.items():
        file, _, name = place.partition(":")
        assert isinstance(MADE[key](), getattr(importlib.import_module(file), name))
        assert name in dir(physics)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_linear(name: str, dtype: torch.dtype) -> None:
    group = EVERY[name]()
    g, x, other = group.sample(5, generator=rng()), images(dtype=dtype), images(seed=2, dtype=dtype)
    for act in (group.T, group.inverse):
        torch.testing.assert_close(act(-1.7 * x + other, g), -1.7 * act(x, g) + act(other, g), rtol=0, atol=1e-12)
        assert act(x, g).shape == x.shape and act(x, g).abs().max() > 0.1


@pytest.mark.parametrize("name", EVERY)
def test_a_complex_image_moves_as_its_two_parts(name: str) -> None:
    group = EVERY[name]()
    g, x = group.sample(5, generator=rng()), images(dtype=torch.complex128)
    moved = group.T(x, g)
    torch.testing.assert_close(moved.real, group.T(x.real, g), rtol=0, atol=1e-12)
    torch.testing.assert_close(moved.imag, group.T(x.imag, g), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", EXACT)
def test_an_exact_group_moves_pixels_and_brings_them_back(name: str) -> None:
    group = EVERY[name]()
    g, x = group.sample(8, generator=rng(3)), images(8)
    moved = group.T(x, g)
    assert torch.equal(group.inverse(moved, g), x)
    assert torch.equal(group.T(group.inverse(x, g), g), x)
    of_each = 1 if "time" in name or "frame" in name else 2  # which moves frames; all others move pixels within each
    assert torch.equal(moved.flatten(of_each).sort().values, x.flatten(of_each).sort().values)
    assert not torch.equal(moved, x)
    whole = torch.arange(2 * SIZE**2).reshape(1, 2, SIZE, SIZE).expand(8, -1, -1, -1)
    assert torch.equal(group.inverse(group.T(whole, g), g), whole)


@pytest.mark.parametrize("name", EVERY)
def test_each_image_is_moved_by_its_own_element_alone(name: str) -> None:
    group = EVERY[name]()
    g, x = group.sample(5, generator=rng(4)), images()
    for act in (group.T, group.inverse):
        together = act(x, g)
        for i in range(5):
            torch.testing.assert_close(together[i : i + 1], act(x[i : i + 1], g[i : i + 1]), rtol=0, atol=1e-12)
    many = group.sample(64, generator=rng(5))
    moved = group.T(images(1).expand(64, -1, -1, -1), many)
    assert len(torch.unique(moved.flatten(1), dim=0)) >= 2
    assert group.T(x[:0], g[:0]).shape == (0, 2, SIZE, SIZE)


@pytest.mark.parametrize("name", EVERY)
def test_the_generator_alone_decides(name: str) -> None:
    group = EVERY[name]()
    first = group.sample(20, generator=rng(7))
    torch.rand(5)
    assert torch.equal(first, group.sample(20, generator=rng(7)))
    assert not torch.equal(first, group.sample(20, generator=rng(8)))
    assert first.shape == (20, group.parameters) and first.dtype == torch.float64
    torch.manual_seed(7)
    glob = group.sample(20, generator=None)
    torch.manual_seed(7)
    assert torch.equal(glob, group.sample(20, generator=None))


@pytest.mark.parametrize("name", FINITE)
def test_the_elements_are_a_group_with_the_identity_first(name: str) -> None:
    group, shape = EVERY[name](), (1, 2, 2)
    elements = group.elements(shape)
    assert elements is not None and elements.shape[1] == group.parameters
    probe = torch.tensor([1.0, 2, 4, 8], dtype=torch.float64).reshape(1, 1, 2, 2).expand(len(elements), -1, -1, -1)
    orbit = group.T(probe, elements)
    torch.testing.assert_close(orbit[0], probe[0])
    if not group.exact:
        return
    reached = {tuple(image.flatten().tolist()) for image in orbit}
    assert len(reached) == len(elements)  # each differs from all others
    for image in orbit:
        twice = group.T(image.expand(len(elements), -1, -1, -1), elements)
        assert {tuple(other.flatten().tolist()) for other in twice} == reached  # closed, and each has an inverse


@pytest.mark.parametrize("name", FINITE)
def test_elements_are_drawn_uniformly(name: str) -> None:
    group, shape = EVERY[name](), (4, 2, 2) if name == "frame-shifts" else (1, 2, 2)
    if not group.exact:
        shape = (1, 8, 8)  # 2 × 2 pixels are too few to tell interpolated angles apart
    elements = group.elements(shape)
    assert elements is not None
    probe = torch.randn(1, *shape, generator=rng(), dtype=torch.float64)
    images = group.T(probe.expand(len(elements), -1, -1, -1), elements).flatten(1)
    draws = 100 * len(elements)
    moved = group.T(probe.expand(draws, -1, -1, -1), group.sample(draws, generator=rng(1))).flatten(1)
    distance, nearest = torch.cdist(moved, images).min(dim=1)
    assert distance.max() < 1e-6
    assert stats.chisquare(torch.bincount(nearest, minlength=len(elements)).numpy()).pvalue > LARGEST_P


@pytest.mark.parametrize(
    "name, order",
    [("shifts", 48), ("shifts along the width", 8), ("flips", 4), ("horizontal flips", 2), ("frame-shifts", 3)],
)
def test_the_order_on_images_of_six_by_eight(name: str, order: int) -> None:
    elements = EVERY[name]().elements((3, 6, 8))
    assert elements is not None and len(elements) == order


@pytest.mark.parametrize("name", EVERY)
def test_elements_do_not_depend_on_the_size(name: str) -> None:
    group = EVERY[name]()
    g = group.sample(5, generator=rng(9))
    for size in (4, 5, 32):
        x = images(size=size)
        moved = group.T(x, g)
        assert moved.shape == x.shape
        if group.exact:
            assert torch.equal(group.inverse(moved, g), x)


# Of real images by every registered group, of complex ones by one that interpolates; the others: `make nightly`.
@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        (name, dtype)
        if name in (MADE if dtype == torch.float64 else {"rotations"})
        else pytest.param(name, dtype, marks=pytest.mark.nightly)
        for dtype in (torch.float64, torch.complex128)
        for name in EVERY
    ],
)
def test_gradients(name: str, dtype: torch.dtype) -> None:
    group = EVERY[name]()
    g = group.sample(2, generator=rng(10))
    x = torch.randn(2, 1, 3, 3, generator=rng(11), dtype=dtype, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: group.T(t, g), x)
    assert torch.autograd.gradcheck(lambda t: group.inverse(t, g), x)


@pytest.mark.parametrize("interpolation", ["three-shear", "bilinear"])
def test_gradients_of_gradients(interpolation: Interpolation) -> None:
    group = physics.Rotations(interpolation=interpolation)
    x = torch.randn(1, 1, 3, 3, generator=rng(11), dtype=torch.float64, requires_grad=True)
    g = torch.tensor([[107.0]])
    assert torch.autograd.gradgradcheck(lambda t: group.T(t**2, g), x)


@pytest.mark.parametrize("name", EVERY)
def test_precisions(name: str) -> None:
    group = EVERY[name]()
    g, x = group.sample(5, generator=rng(12)), images()
    reference = group.T(x, g)
    for dtype, within in ((torch.float32, 2e-5), (torch.bfloat16, 5e-2)):
        moved = group.T(x.to(dtype), g)
        assert moved.dtype == dtype
        torch.testing.assert_close(moved.double(), reference, rtol=0, atol=within)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(group.T(x.float(), g).double(), reference, rtol=0, atol=2e-5)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", EVERY)
def test_devices(name: str) -> None:
    group = EVERY[name]()
    x = images(dtype=torch.float32)
    g = group.sample(5, generator=rng(12))
    moved = group.T(x.cuda(), g)
    assert moved.is_cuda
    torch.testing.assert_close(moved.cpu(), group.T(x, g), rtol=0, atol=2e-5)
    drawn = group.sample(5, generator=torch.Generator("cuda").manual_seed(0))
    assert drawn.device.type == "cpu" and group.T(x.cuda(), drawn.cuda()).is_cuda


@pytest.mark.parametrize("name", EVERY)
def test_a_group_survives_copying_and_pickling(name: str) -> None:
    group = EVERY[name]()
    g, x = group.sample(5, generator=rng()), images()
    for other in (copy.deepcopy(group), pickle.loads(pickle.dumps(group))):
        assert torch.equal(other.T(x, g), group.T(x, g)) and repr(other) == repr(group)


@pytest.mark.parametrize("name", EVERY)
def test_bad_elements_and_images_are_named(name: str) -> None:
    group = EVERY[name]()
    g, x = group.sample(5, generator=rng()), images()
    for act in (group.T, group.inverse):
        with pytest.raises(ValueError, match=r"\(batch, channels, height, width\), but got \(5, 12, 12\)"):
            act(x[:, 0], g)
        with pytest.raises(ValueError, match=rf"one element for each image, \(5, {group.parameters}\), but got \(4, "):
            act(x, g[:4])
        with pytest.raises(ValueError, match="finite numbers, but got"):
            act(x, g * float("nan"))


def test_products_are_of_groups() -> None:
    with pytest.raises(TypeError):
        physics.Shifts() * 2
