"""Learn from one source's normals, look at another's films: every source with every other, in one matrix.

Cross-fitted throughout: the detector that has learnt from a source without a fold scores that fold of every source, so
that the diagonal and what is beside it differ in the films learnt from alone. Lungs are found by the finder of the
Montgomery and Shenzhen normals without that fold. Films from elsewhere are looked at twice, as they came and none
sharper than the least sharp of their normals, and the shortcuts are measured on both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from studies.crossfit import TEST_FOLDS
from studies.detectors.claim import above_shortcut
from studies.detectors.preparations.comparing import ELSEWHERE, CarriedLungs, carrying, moved, of_pixels
from studies.detectors.preparations.resolution import MatchedResolution
from studies.pages.repeated_patients import BY_PATIENT, DRAWN
from studies.rows import Row, study_of_folds
from unseen import __version__
from unseen.artifacts.recipe import Recipe, digest, validated
from unseen.artifacts.run_folder import runs_root
from unseen.evaluation.metrics import POOLED, metrics_from_table
from unseen.evaluation.table import score_table
from unseen.runs.cohort import cohort_of
from unseen.runs.lung_finders import shared_lungs
from unseen.runs.training import check_normals_alone, detector_of, resolve
from unseen.training.settings import Training

if TYPE_CHECKING:
    import polars as pl

    from unseen.data.film import Film
    from unseen.detectors.detector import Detector

ROWS = "detectors/generalisation/"
"""Prefix of the rows' names."""
QUICK = ("pca-aligned", "dct-aligned")
"""Recipes that learn in seconds; each learns once for every source and fold."""


def generalisation_row(
    recipe: Recipe,
    *,
    elsewhere: Sequence[str] = ELSEWHERE,
    folds: Sequence[int] = TEST_FOLDS,
    root: Path | None = None,
) -> Row:
    """Return the matrix of a recipe whose own films have sources of their own; `elsewhere` adds one source a set."""
    import polars as pl

    recipe = resolve(recipe)
    check_normals_alone(recipe, "generalisation")
    tables: dict[tuple[str, str, bool], list[pl.DataFrame]] = {}
    trained_on = ""
    for fold in folds:
        found, trained_on = _fold(recipe, elsewhere, fold, runs_root() if root is None else root)
        for key, table in found.items():
            tables.setdefault(key, []).append(table.with_columns(fold=pl.lit(fold, pl.Int64)))
        print(f"{recipe.name}: fold {fold}")
    return row_of_cells(ROWS + recipe.short, recipe, folds, trained_on, tables)


def row_of_cells(
    name: str,
    recipe: Recipe,
    folds: Sequence[int],
    trained_on: str,
    tables: Mapping[tuple[str, str, bool], Sequence[pl.DataFrame]],
) -> Row:
    """Return the row of scores by source learnt from, source looked at, and whether its films were matched; each a
    table a fold."""
    import polars as pl

    return {
        DRAWN: BY_PATIENT,
        **study_of_folds(name, recipe, folds),
        "device": trained_on,
        "cells": [_cell(*key, pl.concat(parts)) for key, parts in tables.items()],
    }


def _fold(
    recipe: Recipe, elsewhere: Sequence[str], fold: int, root: Path
) -> tuple[dict[tuple[str, str, bool], pl.DataFrame], str]:
    """Scores by source learnt from, source looked at, and whether the films looked at were matched for resolution; and
    what the detectors were trained on."""
    home = cohort_of(recipe)
    finder = shared_lungs(home.training(fold), recipe, fold=fold, data_digest=home.digest, root=root)
    normals: dict[str, list[Film]] = {}
    tested: dict[str, list[Film]] = {}
    sets = {"": home, **{place: cohort_of(moved(recipe, place)) for place in elsewhere}}
    for place, cohort in sets.items():
        for chosen, kept in ((cohort.training(fold), normals), (cohort.testing(fold), tested)):
            for film in carrying(chosen, finder):
                kept.setdefault(place or film.source, []).append(film)
    matched = {source: MatchedResolution.of(films) for source, films in normals.items()}
    found, trained_on = {}, ""
    for learnt, films in normals.items():
        detector = learnt_from(films, recipe, source=learnt, fold=fold, root=root)
        trained_on = detector.trained_on
        for seen, others in tested.items():
            found[learnt, seen, False] = score_table(detector, others, keep=0).table
            if seen in elsewhere:
                found[learnt, seen, True] = score_table(detector, map(matched[seen], others), keep=0).table
    return found, trained_on


def learnt_from(films: Sequence[Film], recipe: Recipe, *, source: str, fold: int, root: Path) -> Detector:
    """The recipe's detector, trained on a source's normals that carry their lungs; an interrupted training goes on."""
    detector = detector_of(recipe)
    said = " ".join(sorted(film.pixel_sha256 for film in films))
    name = f"{recipe.short}-{source}-f{fold}-{recipe.seed}-"
    name += digest(recipe, data_digest=said, version=__version__)[:8]
    return detector.fit(
        films,
        finder=CarriedLungs(),
        training=validated(recipe.training, Training, where="training"),
        folder=root / "generalisation" / name,
    )


def _cell(learnt: str, seen: str, matched: bool, table: pl.DataFrame) -> Row:
    table = of_pixels(table) if matched else table
    metrics: Row = metrics_from_table(table)
    return {
        "learnt": learnt,
        "seen": seen,
        "matched": matched,
        "n": metrics["n"][POOLED],
        "auroc": metrics["auroc"][POOLED],
        "like_pairs": metrics["like_pairs"],
        "shortcut": above_shortcut(table, metrics)[POOLED],
    }


def matrix(row: Mapping[str, object]) -> dict[tuple[str, str, bool], Row]:
    """Return the row's cells by source learnt from, source looked at, and whether it was matched for resolution."""
    cells: list[Row] = row["cells"]  # type: ignore[assignment]  # JSON
    return {(one["learnt"], one["seen"], one["matched"]): one for one in cells}
