"""Candidates on frozen features: ensembles whose members share features that are computed once for all films."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

import numpy as np

from studies import recipe_files as recipes
from studies.crossfit import TEST_FOLDS
from studies.detectors.frozen_cells import FrozenCells, frozen_cells, precision_name, remembered, scores_of
from studies.zhanglab.figures_on_films import DRAWS, figures_on_films
from studies.zhanglab.films import LESIONS, SELECTION_FOLD, FilmsOfSplit, LabelledSplit
from unseen import __version__
from unseen.anatomy.lung_finder import LungFinder
from unseen.artifacts.recipe import validated
from unseen.detectors import METHODS
from unseen.detectors.ensemble import HELD_OUT, MOST
from unseen.detectors.even_choice import evenly
from unseen.detectors.frozen_features import FrozenFeatures
from unseen.detectors.lung_finder_bundles import finder_of
from unseen.evaluation.roc import auroc
from unseen.runs.cohort import cohort_of
from unseen.runs.training import resolve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from studies.rows import Row

_TEXTURE = {"key": "feature-pca", "blocks": (2,), "grid": 14, "components": 200}
_COARSE = {"key": "feature-pca", "blocks": (4,), "grid": 7, "components": 400}
_REGIONS = {"key": "mahalanobis", "blocks": (10,), "grid": 14, "places": 2}
CANDIDATES: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "fine-texture-and-regions": (_TEXTURE, _REGIONS),
    "texture-two-scales": (_TEXTURE, _COARSE),
    "texture-and-regions": (_TEXTURE, _COARSE, _REGIONS),
    "mahalanobis": ({"key": "mahalanobis", "blocks": (4, 7, 10, 14), "grid": 14},),
}
"""Members of each candidate, all on the view "lungs"."""


@dataclass(frozen=True, eq=False)
class ZhangLab(LabelledSplit):
    """Features of the films of the training split.

    Args:
        cells: the features.
        synthetic: features of the selection fold's normal films with a lesion, by the lesion's type.
    """

    cells: FrozenCells
    synthetic: Mapping[str, FrozenCells]


def zhanglab(root: Path) -> ZhangLab:
    """Read the films and compute their features, or find those that are kept below `root`."""
    split = FilmsOfSplit.of(cohort_of(resolve(recipes.load("zhanglab/entry"))))
    finder = finder_of("models/lungs")
    assert isinstance(finder, LungFinder)
    normals = split.normals_of(SELECTION_FOLD)
    synthetic = {lesion.name: frozen_cells(normals, finder, root, "zhanglab", lesion=lesion) for lesion in LESIONS}
    cells = frozen_cells(split.films, finder, root, "zhanglab")
    return ZhangLab(split.folds, split.abnormal, split.dropped, cells=cells, synthetic=synthetic)


def standardised(
    members: Sequence[Mapping[str, Any]], data: ZhangLab, fold: int, seen: Sequence[tuple[FrozenCells, Any]], seed: int
) -> list[NDArray[np.float64]]:
    """Score films as the ensemble does whose members learn from the normal films of the other folds.

    Args:
        members: keys and settings.
        data: the films.
        fold: fold that is left out.
        seen: features, and positions in them, of the films that are scored.
        seed: seed of the members.

    Returns:
        The mean of the members' scores, each in standard deviations of a fifth of the training films that was held out.
    """
    normals = np.flatnonzero(data.is_normal_without(fold))
    held = np.array([int(data.cells.facts[i]["pixel_sha256"], 16) % HELD_OUT == 0 for i in normals])
    kept = np.array(evenly(normals[held].tolist(), MOST))
    found = [np.zeros(len(at)) for _, at in seen]
    for member in members:
        part = remembered(_made(member), data.cells, "lungs", normals[~held], seed=seed)
        scale = scores_of(part, data.cells, "lungs", kept)
        whole = remembered(_made(member), data.cells, "lungs", normals, seed=seed)
        for total, (cells, at) in zip(found, seen, strict=True):
            total += (scores_of(whole, cells, "lungs", at) - scale.mean()) / scale.std(ddof=1) / len(members)
    return found


def synthetic_figures(members: Sequence[Mapping[str, Any]], data: ZhangLab) -> dict[str, float]:
    """Return the AUROC of the selection fold's normal films with a synthetic lesion against the same films without, by
    type."""
    normals = np.flatnonzero(data.is_normal_of(SELECTION_FOLD))
    places = [(cells, np.arange(len(cells.facts))) for cells in data.synthetic.values()]
    plain, *ill = standardised(members, data, SELECTION_FOLD, [(data.cells, normals), *places], 0)
    truth = np.repeat([False, True], [len(plain), len(plain)])
    return {
        name: round(auroc(truth, np.concatenate([plain, one])), 6)
        for name, one in zip(data.synthetic, ill, strict=True)
    }


def cross_validated(members: Sequence[Mapping[str, Any]], data: ZhangLab, seed: int) -> NDArray[np.float64]:
    """Score each film of the tested folds by the ensemble that learns from the normal films of all other folds.

    Args:
        members: keys and settings.
        data: the films.
        seed: seed of the members.

    Returns:
        Scores of the films of `TEST_FOLDS`, in their order (n,).
    """
    score = np.zeros(len(data.folds))
    for fold in TEST_FOLDS:
        at = np.flatnonzero(data.folds == fold)
        score[at] = standardised(members, data, fold, [(data.cells, at)], seed)[0]
    return score[np.isin(data.folds, TEST_FOLDS)]


def candidate_row(name: str, data: ZhangLab, *, looks: int) -> Row:
    """Return the row of a candidate: its figures on synthetic lesions and on real films.

    Args:
        name: name of the candidate.
        data: the films.
        looks: number of times that its figures on real films were computed, this one included.

    Returns:
        The row. The members have no random part, so one seed is computed.
    """
    import polars as pl

    members, began = CANDIDATES[name], process_time()
    synthetic = synthetic_figures(members, data)
    score = cross_validated(members, data, 0)
    spent = process_time() - began
    at = np.flatnonzero(np.isin(data.folds, TEST_FOLDS))
    facts = [data.cells.facts[i] for i in at]
    table = pl.DataFrame(facts, infer_schema_length=None).with_columns(
        file=pl.Series([fact["name"] for fact in facts]), fold=pl.Series(data.folds[at]), score=pl.Series(score),
        status=pl.lit("scored"),
    )  # fmt: skip
    return {
        "recipe": f"zhanglab/{name}",
        "seed": 0,
        "members": [dict(member) | {"blocks": list(member["blocks"])} for member in members],
        "px": 224,
        "features": f"EfficientNet-lite0, computed in {precision_name()}, kept in half precision",
        "folds": list(TEST_FOLDS),
        "draws": DRAWS,
        "date": datetime.now(UTC).date().isoformat(),
        "version": __version__,
        "looks": looks,
        "seconds": round(spent, 1),
        "synthetic": synthetic,
        **figures_on_films(table, data.dropped),
    }


def _made(member: Mapping[str, Any]) -> FrozenFeatures:
    settings = {name: value for name, value in member.items() if name != "key"}
    method = METHODS.load(str(member["key"]))
    made = method(validated(settings, method.Config, where="members"), size=224)
    assert isinstance(made, FrozenFeatures)
    return made
