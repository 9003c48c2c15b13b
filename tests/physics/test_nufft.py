"""Plans of `nufft` that are kept: they give what new ones give, are used again, and have one bound in a process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
    assert len(made) == 2 and points not in nufft._plans.of


def test_plans_go_with_their_trajectory() -> None:
    points = trajectory()
    at_points(noise(1, 1, *SIZE), points)
    before = len(nufft._plans.of)
    assert len(nufft._plans.of[points].plans) == 1
    del points
    assert len(nufft._plans.of) == before - 1


def bytes_of_one(points: Tensor) -> int:
    kind = nufft._Kind(0, SIZE, 1, noise(1).numpy().dtype, inverse=False, threads=torch.get_num_threads())
    return nufft._memory(kind, points[0].numpy())


def test_all_trajectories_share_one_bound_and_the_least_recently_used_goes_first(
    made: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    nufft._plans.clear()
    one, two, three = (trajectory(seed=seed) for seed in range(3))
    x = noise(1, 1, *SIZE)
    monkeypatch.setattr(nufft, "_MOST_BYTES", 2 * bytes_of_one(one))
    for points in (one, two, one, three):
        at_points(x, points)
        assert nufft._plans.total() <= nufft._MOST_BYTES
    assert len(made) == 3
    at_points(x, one)
    at_points(x, three)
    assert len(made) == 3, "both are kept"
    at_points(x, two)
    assert len(made) == 4, "it was the least recently used"


def test_no_plan_is_removed_for_one_that_does_not_fit_in_its_place(
    made: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    nufft._plans.clear()
    large, small = trajectory(FRAMES), trajectory(samples=5)
    x, of_small = noise(FRAMES, 1, *SIZE), noise(1, 1, 4, 4)
    monkeypatch.setattr(nufft, "_MOST_BYTES", int(5.5 * bytes_of_one(large)))
    at_points(x, large)
    at_points(of_small, small)
    at_points(x, large)
    made.clear()
    at_points(of_small, small)
    assert not made, "the frames that do not fit left it"
    assert len(nufft._plans.of[large].plans) == 5


def test_threads_share_the_bound_and_leave_nothing_of_their_own(
    made: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    nufft._plans.clear()
    points, x = trajectory(FRAMES), noise(FRAMES, 1, *SIZE)
    monkeypatch.setattr(nufft, "_MOST_BYTES", 5 * bytes_of_one(points))
    threads = torch.get_num_threads()
    expected = at_points(x, points.clone())

    def many(index: int) -> bool:
        torch.set_num_threads(threads)  # a new thread begins with torch's own number
        return all(torch.equal(at_points(x, points), expected) for _ in range(5))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(many, range(8)))
    assert 0 < nufft._plans.total() <= nufft._MOST_BYTES
    assert sum(len(kept.plans) for kept in nufft._plans.of.values()) == 5
    assert len(made) < (8 * 5 + 1) * FRAMES, "some were used again"


def test_no_two_threads_have_one_plan_at_a_time() -> None:
    nufft._plans.clear()
    points, x = trajectory(), noise(1, 1, *SIZE)
    at_points(x, points)
    [planned] = nufft._plans.of[points].plans
    assert nufft._plans.take(points, planned.kind, planned.angles) is planned.plan
    assert nufft._plans.take(points, planned.kind, planned.angles) is None
    nufft._plans.keep(points, planned)
    assert nufft._plans.take(points, planned.kind, planned.angles) is planned.plan


FORK = """
import os, finufft, torch
from unseen.physics import nufft

class Noted(finufft.Plan):
    def __del__(self):
        os.write(1, b"child\\n" if os.getpid() != parent else b"parent\\n")
        super().__del__()

def transformed():
    return nufft.at_points(torch.ones(1, 1, 4, 4, dtype=torch.complex128), points)

parent, points = os.getpid(), torch.rand(1, 5, 2, dtype=torch.float64)
plan, finufft.Plan = finufft.Plan, Noted
expected = transformed()
assert len(nufft._plans.of) == 1
finufft.Plan = plan
child = os.fork()
if child:
    assert os.waitpid(child, 0)[1] == 0
    assert len(nufft._plans.of) == 1
    nufft._plans.clear()
else:
    assert len(nufft._plans.of) == 0
    assert torch.equal(transformed(), expected)
    assert len(nufft._plans.of) == 1
    del points
"""


def test_a_forked_child_makes_plans_of_its_own_and_destroys_none_of_its_parent() -> None:
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "parent\n"), done.stderr
