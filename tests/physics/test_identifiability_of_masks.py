"""Masks of every usual kind: the verdict is the right one, and the same at every seed of probes and elements."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from unseen.physics import (
    Blur,
    Dense,
    Flips,
    FourierMask,
    Group,
    Mask,
    Operator,
    Rotations,
    Shifts,
    Tomography,
    gaussian_kernel,
    identify,
)


def grid(size: int) -> tuple[Tensor, Tensor]:
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return rows, columns


def bayer(size: int) -> Mask:
    r, c = grid(size)
    return Mask(torch.stack([(r % 2 == 0) & (c % 2 == 0), (r + c) % 2 == 1, (r % 2 == 1) & (c % 2 == 1)]))


def spiral(size: int) -> Tensor:
    """Six turns, from the middle to the edge: (size, size), the zero frequency in the middle."""
    t = torch.linspace(0, 1, 8 * size)
    row, column = (size / 2 * (1 + t * wave(12 * math.pi * t)) for wave in (torch.sin, torch.cos))
    mask = torch.zeros(size, size, dtype=torch.bool)
    mask[row.round().long().clamp(0, size - 1), column.round().long().clamp(0, size - 1)] = True
    return mask


def drawn(share: float) -> Callable[[int], Mask]:
    return lambda size: Mask(torch.rand(1, size, size, generator=torch.Generator().manual_seed(0)) < share)


MASKS: dict[str, Callable[[int], Operator]] = {
    "interlaced rows": lambda size: Mask(grid(size)[0] % 2 == 0),
    "interlaced columns": lambda size: Mask(grid(size)[1] % 2 == 1),
    "checkerboard": lambda size: Mask((grid(size)[0] + grid(size)[1]) % 2 == 0),
    "every third row": lambda size: Mask(grid(size)[0] % 3 == 0),
    "every fourth column": lambda size: Mask(grid(size)[1] % 4 == 0),
    "every eighth row": lambda size: Mask(grid(size)[0] % 8 == 0),
    "Bayer": bayer,
    "random, 7 of 10": drawn(0.7),
    "random, 1 of 10": drawn(0.1),
    "spiral of pixels": lambda size: Mask(spiral(size)),
    "spiral of frequencies": lambda size: FourierMask(torch.fft.ifftshift(spiral(size)), real=True),
}
SHIFTS, FLIPS, TURNS = Shifts(), Flips(), Rotations()
QUARTERS, MIRROR = Rotations(multiples_of=90), Flips(vertical=False)
RIGHT: dict[tuple[str, Group], str] = {
    **{(name, SHIFTS): "can" for name in MASKS},
    ("spiral of frequencies", SHIFTS): "no",  # a shift changes phases alone
    **{(name, TURNS): "can" for name in MASKS},
    # an even side: the mirror image of an even row is odd
    ("interlaced rows", FLIPS): "can",
    ("interlaced rows", MIRROR): "no",
    ("interlaced columns", MIRROR): "can",
    ("checkerboard", MIRROR): "can",
    ("checkerboard", QUARTERS): "can",
    ("Bayer", FLIPS): "can",
    ("Bayer", MIRROR): "no",
    ("Bayer", QUARTERS): "can",
    ("every third row", QUARTERS): "no",
    ("every eighth row", FLIPS): "no",
    ("random, 1 of 10", FLIPS): "no",
    ("random, 1 of 10", QUARTERS): "no",
}
QUICK = (("interlaced rows", SHIFTS), ("interlaced rows", MIRROR))


def verdicts(name: str, group: Group, size: int, seeds: int) -> Counter[str]:
    A = MASKS[name](size)
    return Counter(identify(A, group, generator=torch.Generator().manual_seed(seed)).verdict for seed in range(seeds))


@pytest.mark.parametrize(
    ("name", "group", "right", "seeds"),
    [
        *(pytest.param(*key, RIGHT[key], 3, id=f"{key[0]}, {key[1]!r}, 3") for key in QUICK),
        *(
            pytest.param(*key, right, 6, marks=pytest.mark.nightly, id=f"{key[0]}, {key[1]!r}")
            for key, right in RIGHT.items()
        ),
    ],
)
def test_every_seed_gives_the_right_verdict(name: str, group: Group, right: str, seeds: int) -> None:
    """16 pixels a side; 32 for rotations, whose centre of four pixels counts for more on smaller images."""
    assert verdicts(name, group, 32 if group is TURNS else 16, seeds) == {right: seeds}


@pytest.mark.nightly
@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize(
    ("name", "group", "right"), [(*key, right) for key, right in RIGHT.items()], ids=[f"{n}, {g!r}" for n, g in RIGHT]
)
def test_every_seed_gives_the_right_verdict_on_larger_images(name: str, group: Group, right: str, size: int) -> None:
    assert verdicts(name, group, size, 10) == {right: 10}


@pytest.mark.parametrize(
    ("size", "border", "seeds"),
    [
        (32, 8, 3),
        *(
            pytest.param(*one, 8, marks=pytest.mark.nightly)
            for one in ((32, 8), (48, 12), (48, 16), (64, 16), (64, 20))
        ),
    ],
)
def test_every_seed_gives_the_right_verdict_where_a_box_in_the_centre_is_missing(
    size: int, border: int, seeds: int
) -> None:
    mask = torch.ones(size, size, dtype=torch.bool)
    mask[border:-border, border:-border] = False
    found = {
        identify(Mask(mask), SHIFTS, generator=torch.Generator().manual_seed(seed)).verdict for seed in range(seeds)
    }
    assert found == {"can"}


def with_hole(size: int, box: int) -> Mask:
    mask = torch.ones(size, size, dtype=torch.bool)
    first = (size - box) // 2
    mask[first : first + box, first : first + box] = False
    return Mask(mask)


def mixed(size: int, box: int) -> Operator:
    """Return a matrix that mixes all pixels outside of the hole."""
    seen = with_hole(size, box).mask.flatten()
    kept = int(seen.sum())
    rows = torch.zeros(kept, size**2, dtype=torch.float64)
    rows[:, seen] = torch.randn(kept, kept, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return Dense(rows, size=(size, size))


HOLES: dict[str, Callable[[int, int], Operator | Callable[[Tensor], Tensor]]] = {
    "mask": with_hole,
    "function": lambda size, box: lambda x: with_hole(size, box)(x),
    "after a blur": lambda size, box: with_hole(size, box) @ Blur(size, gaussian_kernel(0.5)),
    "before a blur": lambda size, box: Blur(size, gaussian_kernel(0.5)) @ with_hole(size, box),
    "mixed": mixed,
}


@pytest.mark.parametrize(
    ("name", "size", "box"),
    [
        ("mask", 16, 11),
        *((name, 12, 5) for name in HOLES),
        *(pytest.param(name, 16, 11, marks=pytest.mark.nightly) for name in HOLES if name != "mask"),
        *(pytest.param(name, *one, marks=pytest.mark.nightly) for name in HOLES for one in ((16, 5), (20, 7))),
    ],
)
def test_a_hole_that_short_moves_cannot_leave_is_not_seen_by_interpolation(name: str, size: int, box: int) -> None:
    A = HOLES[name](size, box)
    assert identify(A, SHIFTS, domain=(1, size, size)).verdict == "can"


@pytest.mark.parametrize("seeds", [1, pytest.param(4, marks=pytest.mark.nightly)])
def test_a_hole_that_no_shift_can_leave_on_a_small_grid_is_not_decided(seeds: int) -> None:
    for seed in range(seeds):
        found = identify(HOLES["after a blur"](8, 3), SHIFTS, generator=torch.Generator().manual_seed(seed))
        assert found.verdict == "not decided" and "Take a larger image." in found.reason
        assert found.moves_too_short
    larger = identify(HOLES["after a blur"](10, 3), SHIFTS)
    assert larger.verdict == "can" and not larger.moves_too_short


@pytest.mark.parametrize(("size", "views"), [(12, 4), (16, 7), pytest.param(24, 14, marks=pytest.mark.nightly)])
def test_shifted_projections_on_a_grid_stay_seen_by_interpolation(size: int, views: int) -> None:
    assert identify(Tomography(size, views), SHIFTS).verdict == "through interpolation only"


def test_the_verdict_states_how_sure_it_is() -> None:
    found = identify(MASKS["interlaced rows"](32), SHIFTS)
    assert found.inner_mean is not None and found.inner is not None
    mean, error = found.inner_mean
    assert found.inner == pytest.approx(2, rel=0.2), "an odd shift shows all that is hidden, twice a look at random"
    assert abs(mean - 8 / 9) < 4 * error, "four of nine shifts that keep clear of the border are odd"
    stated = f"{found.inner:.2f} times the share of energy that it measures of random images"
    assert f"{stated}, the best of {found.inner_tried} transforms (mean {mean:.2f} ± {error:.2f})" in str(found)
