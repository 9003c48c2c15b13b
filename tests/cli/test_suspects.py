"""`unseen suspects`: the table, the CSV, and the mistakes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.cli.conftest import LIMITS, Say
from unseen.data import phantoms

RECIPE = """
seed = 0
[view]
size = 32
frame = "whole"
[method]
key = "pca"
components = 4
"""


def test_the_strangest_come_first_and_all_are_in_the_csv(say: Say, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(RECIPE, encoding="utf-8")
    phantoms.write(phantoms.normals(40, seed=3, size=64), tmp_path / "films")
    (tmp_path / "films" / "zz-broken.png").write_bytes(b"no image")
    (tmp_path / "films" / "manifest.csv").unlink()
    answer = say(
        "suspects", tmp_path / "mine.toml", "--data", tmp_path / "films", "--top", 3, "--out", tmp_path / "suspects.csv"
    )
    assert answer.code == 1, answer.err
    assert LIMITS in answer.err and "left out" in answer.err
    head, *lines = answer.out.strip().splitlines()
    assert head.endswith("films; deviations from the median, in robust standard deviations") and len(lines) == 3
    with (tmp_path / "suspects.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [line.split()[-1] for line in lines] == [row["file"] for row in rows[:3]]
    assert len(rows) == int(head.split()[0]) >= 40
    values = [float(row["deviations"]) for row in rows]
    assert values == sorted(values, reverse=True)


def test_a_folder_is_no_file_to_write(say: Say, tmp_path: Path) -> None:
    answer = say("suspects", "detectors/pca", "--out", tmp_path)
    assert answer.code == 2 and "is a folder; give a file" in answer.err


@pytest.mark.parametrize("words", [("suspects", "detectors/pca"), ("train", "detectors/pca"), ("gate", "models/pca")])
def test_a_spreadsheet_of_films_to_learn_from_is_named(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, str]
) -> None:
    monkeypatch.setenv("UNSEEN_RUNS", str(tmp_path / "runs"))
    table = tmp_path / "normals.xlsx"
    table.write_bytes(b"PK")
    done = say(*words, "--data", table, "--out", tmp_path / "out")
    assert done.code == 2 and "Traceback" not in done.err
    assert f"warning: {table} is taken for an image: a manifest is a file .csv or .parquet" in " ".join(
        done.err.split()
    )


def test_names_of_labels_go_with_films_of_ones_own(say: Say, recipe: Path) -> None:
    answer = say("suspects", recipe, "--normal", "NORMAL")
    assert answer.code == 2 and "--normal goes with --data" in answer.err
