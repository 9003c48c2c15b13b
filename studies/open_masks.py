"""Dice of a lung finder that is trained on open masks only, compared with one that is trained on all masks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from studies.crossfit import TEST_FOLDS
from studies.rows import Row
from unseen.anatomy.lung_finder import LungExamples, LungFinder
from unseen.artifacts.recipe import Recipe
from unseen.artifacts.run_folder import runs_root
from unseen.runs.cohort import cohort_of
from unseen.runs.lung_finders import shared_lungs


def finder_row(open_masks: Recipe, all_masks: Recipe, *, root: Path | None = None) -> Row:
    """Return the row of the comparison on the Shenzhen normal films of folds 1 to 4, cross-fitted.

    Args:
        open_masks: recipe whose finder is trained on the Montgomery masks and on phantoms.
        all_masks: recipe whose finder is also trained on the Shenzhen masks.
        root: folder of the runs.

    Returns:
        Mean Dice of both finders, and the loss in Dice with its bootstrap interval over films.
    """
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
