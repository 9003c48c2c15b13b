"""Parts of a manifest: every film in one part, in order, whatever the sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unseen.runs.archive import scoring
from unseen.runs.archive.plan import ArchivePlan, cut_parts, part_path
from unseen.runs.archive.scoring import score_archive
from unseen.runs.archive.task import ScoringTask
from unseen.screening.screener import load


@given(films=st.integers(1, 300), size=st.integers(1, 60))
def test_parts_hold_each_film_once_in_order_and_are_as_the_plan_counts_them(films: int, size: int) -> None:
    plan = ArchivePlan(
        manifest_sha256="ab" * 32, films=films, part_size=size, model="m", model_sha256="cd" * 32, version="1"
    )
    parts = list(cut_parts(iter(range(films)), size))
    assert [film for _, part in parts for film in part] == list(range(films))
    assert [number for number, _ in parts] == list(range(plan.parts))
    assert all(len(part) == plan.films_of(number) for number, part in parts)
    assert all(part[0] == number * size for number, part in parts), "a film's part depends on its position alone"


@given(st.lists(st.integers(0, 10**8 - 1), min_size=2, max_size=2, unique=True))
def test_names_of_parts_sort_as_their_numbers_do(numbers: list[int]) -> None:
    first, second = sorted(numbers)
    assert part_path(Path("parts"), first).name < part_path(Path("parts"), second).name


def test_a_model_is_loaded_with_the_thread_that_it_scores_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenVINO takes as many threads as torch has when a network is compiled, which is when a model is loaded."""
    seen: list[int] = []
    monkeypatch.setattr(scoring, "load", lambda *args, **named: seen.append(torch.get_num_threads()) or load(*args))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        (tmp_path / "manifest.csv").write_text("file\nmissing.png\n", encoding="utf-8")
        score_archive(ScoringTask(folder=tmp_path / "parts", model="models/pca"), tmp_path / "manifest.csv")
        assert seen == [1] and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
