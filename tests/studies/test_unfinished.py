"""Trainings without a row are named, with the epochs that they reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from studies.pages.thesis_page import thesis_page
from studies.recipe_files import load
from studies.row_files import write_row
from studies.unfinished import unfinished
from unseen.runs.training import run_of


def test_a_training_that_stopped_is_named_with_its_epochs_and_a_finished_one_is_not(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNSEEN_DATA", str(shared_data))
    stopped, never = load("thesis/ganomaly"), load("thesis/roi-sure")
    run, _ = run_of(stopped, root=tmp_path)
    run.folder.mkdir(parents=True)
    run.log.write_text("step,epoch,seconds\n1,1,9.5\n18,2,180.0\n", encoding="utf-8")
    rows = tmp_path / "rows"
    write_row({}, rows, name="thesis/pca-0")
    row = unfinished([stopped, never, load("thesis/pca")], rows, root=tmp_path)
    first, second = row["unfinished"]
    assert first["trainings"] == [{"fold": None, "epochs": 2, "of": 70, "seconds_a_step": 10.0}]
    assert second["recipe"] == "thesis/roi-sure" and second["trainings"][0]["epochs"] == 0
    page = thesis_page({"unfinished-0": row})
    assert "| `thesis/ganomaly` | 2 of 70 | 10 |" in page and "| `thesis/roi-sure` | 0 of 70 | – |" in page
    assert "Not finished" not in thesis_page({})
