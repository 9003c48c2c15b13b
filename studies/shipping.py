"""The models that come with the package, from the recipes under `shipped/`: trained on the normals of folds 0 to 3.

A card's figures are those of the cross-fitted twin (the same recipe on folds 1 to 4), and fold 4's by the very weights
that are shipped. Weights are float16. The lung finder learns from the Montgomery masks and from phantoms alone, so no
model holds anything of the Shenzhen masks; what that costs is measured here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from studies.crossfit import TEST_FOLDS, FoldResult
from studies.rows import Row
from unseen.anatomy.lung_finder import LungExamples, LungFinder
from unseen.anatomy.network_view import View
from unseen.artifacts.bundle import annotate
from unseen.artifacts.recipe import Recipe, validated
from unseen.artifacts.run_folder import runs_root
from unseen.data.film import Film
from unseen.detectors.fitting import Fitting
from unseen.detectors.lung_finder_bundles import save_finder
from unseen.detectors.pca import Pca
from unseen.detectors.saved import load, save
from unseen.evaluation.intervals import Json
from unseen.evaluation.metrics import metrics_from_table
from unseen.evaluation.roc import auroc
from unseen.evaluation.table import score_table
from unseen.runs.cohort import PHANTOM_LUNGS, cohort_of
from unseen.runs.lung_finders import shared_lungs
from unseen.screening.gate.gate import Gate
from unseen.training.settings import Training

FOLD = 4  # left out of the shipped models' training, for calibration and evaluation

_FILMS = (
    "Normal films of folds 0 to 3 of 682 films of the Montgomery County and Shenzhen Hospital chest X-ray sets (U.S. "
    "National Library of Medicine; Jaeger et al., Quant. Imaging Med. Surg. 4(6), 2014), at 256 px. Fold 4 was not "
    "trained on."
)
_MASKS = (
    "Lung finder: the Montgomery films' masks (Candemir et al., IEEE TMI 33(2), 2014) and {simulated} simulated "
    "films; no Shenzhen mask."
)
_HIDDEN = " Half of the simulated films hide a part of their lungs behind a lesion, and keep their whole mask."
_LICENCE = (
    "Research, non-commercial. The National Library of Medicine publishes the films for research and asks for the "
    "citations named under data."
)


def ship(recipe: Recipe, row: Row, results: Sequence[FoldResult], folder: Path) -> Row:
    """Write the bundle of a cross-fitted recipe from its run without fold 4 into `folder`, with an input gate learnt
    from the same films; the row is returned with `fold_4`, the figures of the weights as they ship."""
    result = next(result for result in results if result.fold == FOLD)
    target = folder / recipe.short
    trained = load(result.bundle)
    gate = shipped_gate(recipe)
    save(
        trained,
        target,
        recipe_digest=result.digest,
        data=f"{_FILMS} {_masks(recipe)}",
        licence=_LICENCE,
        half=True,
        gate=gate,
    )
    shipped = load(target)
    left_out = metrics_from_table(score_table(shipped, cohort_of(recipe).testing(FOLD), keep=0).table)
    fold_4 = {name: left_out[name] for name in ("auroc", "n")}
    metrics = {
        "cross_fitted_twin": {name: row["metrics"][name] for name in ("auroc", "like_pairs", "site", "n")},
        "fold_4": fold_4,
    }
    annotate(target, metrics=metrics)
    return {**row, "fold_4": fold_4}


def _masks(recipe: Recipe) -> str:
    """Return a sentence on the training masks of the recipe's lung finder."""
    hidden = "phantom-lesions" in (recipe.data.lungs_from or ())
    return _MASKS.format(simulated=PHANTOM_LUNGS * (1 + hidden)) + hidden * _HIDDEN


def shipped_gate(recipe: Recipe, *, root: Path | None = None) -> Gate:
    """The gate of the normals that a shipped model learns from, by the masks of finders that did not see them."""
    cohort, root = cohort_of(recipe), runs_root() if root is None else root
    normals = cohort.training(FOLD)
    lungs = shared_lungs(normals, recipe, fold=FOLD, data_digest=cohort.digest, root=root)
    return Gate.fit(normals, finder=lungs, seed=recipe.seed)


def ship_finder(recipe: Recipe, row: Row, folder: Path, *, root: Path | None = None) -> Path:
    """Write the lung finder of the same run as a bundle of its own; `row` is `finder_row`'s."""
    cohort, root = cohort_of(recipe), runs_root() if root is None else root
    lungs = shared_lungs(cohort.training(FOLD), recipe, fold=FOLD, data_digest=cohort.digest, root=root)
    target = folder / "lungs"
    save_finder(lungs.full, target, data=_masks(recipe), licence=_LICENCE, half=True)
    annotate(target, metrics={"shenzhen_folds_1_to_4": {name: row[name] for name in ("films", "dice", "lost")}})
    return target


def choice_row(recipe: Recipe, *, root: Path | None = None) -> Row:
    """AUROC on fold 0 of `pca` by blur and number of components, trained on the normals of folds 1 to 4: what
    `models/pca` was chosen by."""
    root = runs_root() if root is None else root
    cohort = cohort_of(recipe)
    training = cohort.training(0)
    view = validated(recipe.view, View, where="view")
    finder = shared_lungs(training, recipe, fold=0, data_digest=cohort.digest, root=root)
    first = Pca(view=view)
    first.finder = finder
    normals = first.prepare(training)
    tested = [film for film in cohort.testing(0) if isinstance(film, Film)]
    abnormal = [film.label == "abnormal" for film in tested]
    viewed = [first.look(film) for film in tested]
    found: list[dict[str, Json]] = []
    for blur in (None, 1.0, 1.5, 2.0, 3.0):
        for components in (10, 20, 30, 50, 80):
            detector = Pca(Pca.Config(components=components, blur=blur), view=view)
            detector.learn(normals, Fitting(Training()))
            area = auroc(abnormal, [detector.judge(one).score for one in viewed])
            found.append({"blur": blur, "components": components, "auroc": round(area, 4)})
    return {
        "recipe": "shipped/pca-choice",
        "seed": recipe.seed,
        "fold": 0,
        "n": {"normal": abnormal.count(False), "abnormal": abnormal.count(True)},
        "auroc": found,
    }


def finder_row(open_masks: Recipe, all_masks: Recipe, *, root: Path | None = None) -> Row:
    """Dice on the Shenzhen normals of folds 1 to 4: the finder that learns from open masks beside the one that learns
    from all, each without the fold's films; the loss in Dice with its bootstrap interval over films."""
    root = runs_root() if root is None else root
    cohort = cohort_of(open_masks)
    scores: dict[str, list[float]] = {"open": [], "all": []}
    for fold in TEST_FOLDS:
        normals = cohort.films.select(
            lambda entry, fold=fold: (  # type: ignore[misc]
                entry.label == "normal" and entry.source == "shenzhen" and cohort.fold_of[entry.name] == fold
            )
        )
        tested = LungExamples.of(replace(normals, masks=True))
        for name, recipe in (("open", open_masks), ("all", all_masks)):
            lungs = shared_lungs(cohort.training(fold), recipe, fold=fold, data_digest=cohort.digest, root=root)
            scores[name] += _dice(lungs.full, tested)
    lost = np.array(scores["all"]) - np.array(scores["open"])
    draws = lost[np.random.default_rng(0).integers(0, len(lost), (2000, len(lost)))].mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return {
        "recipe": "shipped/lungs",
        "seed": open_masks.seed,
        "films": len(lost),
        "dice": {name: round(float(np.mean(values)), 4) for name, values in scores.items()},
        "lost": {"value": round(float(lost.mean()), 4), "low": round(float(low), 4), "high": round(float(high), 4)},
    }


def _dice(finder: LungFinder, tested: LungExamples) -> list[float]:
    """Return the Dice of each film, on the finder's grid, from the network's output without post-processing."""
    with torch.inference_mode():
        found = finder.network(tested.images) > 0  # (n, 1, size, size)
    both = (found & tested.masks).flatten(1).sum(1)
    values: list[float] = (2 * both / (found.flatten(1).sum(1) + tested.masks.flatten(1).sum(1))).tolist()
    return values
