"""How a manifest is cut into parts: every film in one part, in order, whatever the sizes."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from unseen.runs.archive.plan import Plan, cut, path_of


@given(films=st.integers(1, 300), size=st.integers(1, 60))
def test_parts_hold_each_film_once_in_order_and_are_as_the_plan_counts_them(films: int, size: int) -> None:
    plan = Plan(manifest_sha256="ab" * 32, films=films, part_size=size, model="m", model_sha256="cd" * 32, version="1")
    parts = list(cut(iter(range(films)), size))
    assert [film for _, part in parts for film in part] == list(range(films))
    assert [number for number, _ in parts] == list(range(plan.parts))
    assert all(len(part) == plan.films_of(number) for number, part in parts)
    assert all(part[0] == number * size for number, part in parts), "a film's part depends on its position alone"


@given(st.lists(st.integers(0, 10**8 - 1), min_size=2, max_size=2, unique=True))
def test_names_of_parts_sort_as_their_numbers_do(numbers: list[int]) -> None:
    first, second = sorted(numbers)
    assert path_of(Path("parts"), first).name < path_of(Path("parts"), second).name
