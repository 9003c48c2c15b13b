"""Reference with labels: classifiers of the same lung crops, trained on normal and abnormal films.

    linear    wᵀ V x + b,  V the first principal components of the films learnt from, w and b by logistic regression;
              how many components, and how strongly w is shrunk, by five-fold cross-validation among those films
    network   the logit of `anatpaste`'s network, varied as there, which is told which films are abnormal

No detectors: a yardstick beside them, of how far these pixels tell at all what the films' labels say. Cross-fitted over
folds 1 to 4 by the splits of the detectors, with their lungs; on the recipe's own set, and on others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from studies.crossfit import TEST_FOLDS
from studies.detectors.claim import above_floor, above_shortcut
from studies.detectors.elsewhere import ROWS as ELSEWHERE
from studies.detectors.generalisation import learnt_from, row_of_cells
from studies.detectors.labelled_network import trained_classifier
from studies.detectors.preparations.comparing import carrying, moved
from studies.detectors.preparations.resolution import MatchedResolution
from studies.rows import Row, study_of_folds
from unseen import __version__
from unseen.artifacts.recipe import Recipe
from unseen.artifacts.run_folder import runs_root
from unseen.evaluation.metrics import metrics_from_table
from unseen.evaluation.table import score_table
from unseen.runs.cohort import cohort_of
from unseen.runs.lung_finders import shared_lungs
from unseen.runs.training import resolve

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from unseen.anatomy.found_lungs import Finder
    from unseen.anatomy.network_view import Viewed
    from unseen.data.film import Film
    from unseen.detectors.detector import Detector
    from unseen.runs.cohort import Cohort

    Score = Callable[[Sequence[Viewed]], NDArray[np.float64]]

CLASSIFIERS = (("linear", "detectors/pca"), ("network", "detectors/pca-aligned"))
"""Each with the recipe whose films, lungs and view it takes."""
COMPONENTS = (20, 50, 100, 200)
ROWS = "detectors/labelled/"
"""Prefix of the rows' names."""


def labelled_row(
    kind: str,
    recipe: Recipe,
    *,
    folds: Sequence[int] = TEST_FOLDS,
    root: Path | None = None,
) -> Row:
    """Return the row of a classifier that learns from the labelled films of the other folds, in the recipe's view.

    Args:
        kind: linear or network.
        recipe: of `pca`, which sees the same pixels without labels: what the classifier is set beside.
    """
    recipe = resolve(recipe)
    table, floor, learnt = labelled_tables(kind, recipe, folds=folds, root=root)
    metrics: Row = metrics_from_table(table)
    return {
        **study_of_folds(f"{ROWS}{kind}-{recipe.short}", recipe, folds),
        "kind": kind,
        "sees": recipe.short,
        "learnt": learnt,
        "above": {"floor": above_floor(table, floor), "shortcut": above_shortcut(table, metrics)},
        "metrics": {name: metrics[name] for name in ("auroc", "like_pairs", "site", "n")},
    }


def labelled_tables(
    kind: str,
    recipe: Recipe,
    *,
    folds: Sequence[int] = TEST_FOLDS,
    root: Path | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame, list[dict[str, int]]]:
    """Return the classifier's scores and `pca`'s, each with the column `fold`, and from how many films of each label
    every fold's classifier learnt; of a resolved recipe."""
    import polars as pl

    root = runs_root() if root is None else root
    found, floors, learnt = [], [], []
    for fold in folds:
        table, floor, films = _fold(kind, recipe, fold, root)
        found.append(table.with_columns(fold=pl.lit(fold, pl.Int64)))
        floors.append(floor.with_columns(fold=pl.lit(fold, pl.Int64)))
        learnt.append(films)
        print(f"{kind}, with labels, on what {recipe.name} sees at {recipe.view['size']} px: fold {fold}")
    return pl.concat(found), pl.concat(floors), learnt


def labelled_elsewhere_row(
    kind: str,
    recipe: Recipe,
    place: str,
    *,
    folds: Sequence[int] = TEST_FOLDS,
    root: Path | None = None,
) -> Row:
    """Return the same of the set `place`, learnt from and tested, as the films came and matched for resolution: a row
    such as `elsewhere_row`'s, with `kind` in it."""
    import polars as pl

    recipe = resolve(recipe)
    root = runs_root() if root is None else root
    home, there = cohort_of(recipe), cohort_of(moved(recipe, place))
    tables: dict[tuple[str, str, bool], list[pl.DataFrame]] = {}
    for fold in folds:
        learnt, tested = _films(there, _lungs(home, recipe, fold, root), fold)
        floor, score = _classifier(kind, recipe, learnt, source=place, fold=fold, root=root)
        matched = MatchedResolution.of([film for film in learnt if film.label == "normal"])
        for is_matched, films in ((False, tested), (True, [matched(film) for film in tested])):
            table, _ = _tables(floor, score, films)
            tables.setdefault((place, place, is_matched), []).append(table.with_columns(fold=pl.lit(fold, pl.Int64)))
        print(f"{kind}, with labels, on {place} as {recipe.name} sees it: fold {fold}")
    return {
        **row_of_cells(f"{ELSEWHERE}{place}/{kind}-{recipe.short}", recipe, folds, floor.trained_on, tables),
        "kind": kind,
    }


def _fold(kind: str, recipe: Recipe, fold: int, root: Path) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, int]]:
    """A fold's scores by the classifier and by `pca`, and how many films of each label the classifier learnt from."""
    cohort = cohort_of(recipe)
    learnt, tested = _films(cohort, _lungs(cohort, recipe, fold, root), fold)
    floor, score = _classifier(kind, recipe, learnt, source="labelled", fold=fold, root=root)
    normals = sum(film.label == "normal" for film in learnt)
    return *_tables(floor, score, tested), {"normal": normals, "abnormal": len(learnt) - normals}


def _lungs(home: Cohort, recipe: Recipe, fold: int, root: Path) -> Finder:
    return shared_lungs(home.training(fold), recipe, fold=fold, data_digest=home.digest, root=root)


def _films(cohort: Cohort, lungs: Finder, fold: int) -> tuple[list[Film], list[Film]]:
    """Return the labelled films of the other folds, and the fold's, with their lungs."""
    others = cohort.films.select(lambda entry: entry.label is not None and cohort.fold_of[entry.name] != fold)
    return carrying(others, lungs), carrying(cohort.testing(fold), lungs)


def _classifier(
    kind: str, recipe: Recipe, learnt: Sequence[Film], *, source: str, fold: int, root: Path
) -> tuple[Detector, Score]:
    """`pca`, which has learnt from the normals among the films, and the classifier, which has learnt from all."""
    normals = [film for film in learnt if film.label == "normal"]
    floor = learnt_from(normals, recipe, source=source, fold=fold, root=root)
    told, abnormal = [floor.look(film) for film in learnt], torch.tensor([film.label == "abnormal" for film in learnt])
    if kind == "linear":
        return floor, _linear(told, abnormal, seed=recipe.seed)
    said = hashlib.sha256(" ".join(f"{film.pixel_sha256} {film.label}" for film in learnt).encode()).hexdigest()
    px = recipe.view["size"]
    name = f"{kind}-{recipe.short}-{px}px-f{fold}-{recipe.seed}-{__version__}-{said[:8]}"
    return floor, _by_network(told, abnormal, seed=recipe.seed, folder=root / "labelled" / name)


def _tables(floor: Detector, score: Score, films: Sequence[Film]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the films' scores by the classifier, and by `pca`."""
    import polars as pl

    table = score_table(floor, films, keep=0).table
    scores = score([floor.look(film) for film in films])
    return table.with_columns(pl.Series("score", scores, dtype=pl.Float64)), table


def _linear(told: Sequence[Viewed], abnormal: Tensor, *, seed: int) -> Score:
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    known = _flat(told)
    steps = make_pipeline(PCA(svd_solver="full"), StandardScaler(), LogisticRegression(max_iter=5000))
    most = len(known) * 4 // 5 - 1  # a fifth is held out
    choices = {
        "pca__n_components": sorted({min(most, components) for components in COMPONENTS}),
        "logisticregression__C": np.logspace(-4, 2, 7),
    }
    dealt = StratifiedKFold(5, shuffle=True, random_state=seed)
    classifier = GridSearchCV(steps, choices, scoring="roc_auc", cv=dealt).fit(known, abnormal.numpy())
    return lambda new: np.asarray(classifier.decision_function(_flat(new)), dtype=np.float64)


def _by_network(told: Sequence[Viewed], abnormal: Tensor, *, seed: int, folder: Path) -> Score:
    inside = torch.stack([viewed.inside for viewed in told])
    network = trained_classifier(_images(told), inside, abnormal, seed=seed, folder=folder)

    def score(new: Sequence[Viewed]) -> NDArray[np.float64]:
        with torch.inference_mode():
            logits = torch.cat([network(part)[2] for part in torch.split(_images(new), 64)])
        return logits.double().numpy()

    return score


def _flat(views: Sequence[Viewed]) -> NDArray[np.float32]:
    pictures: NDArray[np.float32] = _images(views).flatten(1).numpy()
    return pictures


def _images(views: Sequence[Viewed]) -> Tensor:
    """Stack the detector's input images: (films, 1, size, size), 0 outside the lungs."""
    return torch.stack([viewed.masked for viewed in views])
