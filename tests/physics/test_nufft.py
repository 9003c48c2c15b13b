"""Plans of `nufft` that are kept: they give what new ones give, are used again, and have a bound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import finufft
import pytest
import torch
from torch import Tensor

from unseen.physics import nufft
from unseen.physics.nufft import at_points, from_points

FRAMES = 20
SIZE = (12, 10)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.complex128)


def trajectory(frames: int = 1, samples: int = 30, *, seed: int = 1) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(frames, samples, 2, generator=rng, dtype=torch.float64) - 0.5


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """FINUFFT's plans, as they are made."""
    found: list[Any] = []

    class Noted(finufft.Plan):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            found.append(arguments)

    monkeypatch.setattr(finufft, "Plan", Noted)
    yield found


def test_points_that_changed_in_place_get_another_plan() -> None:
    points, x = trajectory(), noise(1, 2, *SIZE)
    y = noise(1, 2, points.shape[1])
    before, back = at_points(x, points), from_points(y, points, SIZE)
    points.mul_(0.5)
    after = at_points(x, points)
    assert torch.equal(after, at_points(x, points.clone()))
    assert torch.equal(from_points(y, points, SIZE), from_points(y, points.clone(), SIZE))
    assert not torch.allclose(after, before) and not torch.allclose(from_points(y, points, SIZE), back)


def test_another_size_batch_or_type_gets_a_plan_of_its_own() -> None:
    points = trajectory()
    for dtype in (torch.complex128, torch.complex64, torch.complex128):
        for shape in ((1, 1, 12, 10), (1, 1, 10, 12), (3, 1, 12, 10), (1, 2, 12, 10)):
            x, y = noise(*shape).to(dtype), noise(*shape[:2], points.shape[1]).to(dtype)
            assert torch.equal(at_points(x, points), at_points(x, points.clone()))
            size = shape[2:]
            assert torch.equal(from_points(y, points, size), from_points(y, points.clone(), size))


def test_all_frames_that_fit_are_planned_once(made: list[Any]) -> None:
    points, x = trajectory(FRAMES), noise(FRAMES, 1, *SIZE)
    for _ in range(3):
        from_points(at_points(x, points), points, SIZE)
    assert len(made) == 2 * FRAMES


def test_beyond_the_bound_some_frames_are_kept_and_the_others_planned_anew(
    made: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    points, x = trajectory(FRAMES), noise(FRAMES, 1, *SIZE)
    expected = at_points(x, points.clone())
    kind = nufft._Kind(0, SIZE, 1, x.numpy().dtype, inverse=False, threads=torch.get_num_threads())
    monkeypatch.setattr(nufft, "_MOST_BYTES", 5 * nufft._memory(kind, points[0].numpy()))
    for _ in range(3):
        made.clear()
        assert torch.equal(at_points(x, points), expected)
    assert len(made) == FRAMES - 5
    for _ in range(2):  # another size takes the place of those
        made.clear()
        at_points(noise(FRAMES, 1, *reversed(SIZE)), points)
    assert len(made) == FRAMES - 5


def test_no_plan_is_kept_that_is_larger_than_the_bound(made: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nufft, "_MOST_BYTES", 1000)
    points, x = trajectory(), noise(1, 1, *SIZE)
    assert torch.equal(at_points(x, points), at_points(x, points))
    assert len(made) == 2 and not nufft._plans.of[points]


def test_plans_go_with_their_trajectory() -> None:
    points = trajectory()
    at_points(noise(1, 1, *SIZE), points)
    before = len(nufft._plans.of)
    assert len(nufft._plans.of[points]) == 1
    del points
    assert len(nufft._plans.of) == before - 1
