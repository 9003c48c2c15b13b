"""Trainings of the results that are not finished, with the epochs that each reached: a row each, for the pages."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from studies.crossfit import TEST_FOLDS
from studies.row_files import read_row
from studies.rows import Row
from unseen import __version__
from unseen.artifacts.recipe import Recipe
from unseen.evaluation.intervals import Json
from unseen.runs.training import resolve, run_of


def unfinished(recipes: Sequence[Recipe], rows: Path, *, root: Path | None = None) -> Row:
    """For each recipe whose row in `rows` is missing or not whole, each training's epochs so far and seconds a step."""
    found: list[Json] = []
    for recipe in map(resolve, recipes):
        if _is_whole(read_row(f"{recipe.name}-{recipe.seed}", rows)):
            continue
        folds = TEST_FOLDS if recipe.data.column is None else (None,)
        found.append({"recipe": recipe.name, "trainings": [_so_far(recipe, fold, root) for fold in folds]})
    return {
        "recipe": "unfinished",
        "seed": 0,
        "unfinished": found,
        "version": __version__,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def _is_whole(row: Row | None) -> bool:
    # Rows of cross-fitted recipes have neither field.
    return row is not None and bool(row.get("epochs_done") == row.get("epochs"))


def _so_far(recipe: Recipe, fold: int | None, root: Path | None) -> dict[str, Json]:
    run, _ = run_of(recipe, fold=fold, root=root)
    steps = list(csv.DictReader(run.log.read_text(encoding="utf-8").splitlines())) if run.log.is_file() else []
    last = steps[-1] if steps else None
    return {
        "fold": fold,
        "epochs": 0 if last is None else int(last["epoch"]),
        "of": int(str(recipe.training["epochs"])),
        "seconds_a_step": None if last is None else round(float(last["seconds"]) / int(last["step"]), 2),
    }
