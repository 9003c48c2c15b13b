"""Scores of labelled films by models that were not trained on their fold.

The five models of a recipe have scores of similar scale, which are standardised by the training films of each.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from unseen.artifacts.recipe import Recipe
from unseen.data.film import Film, NotRead
from unseen.data.patient_fold import FOLDS
from unseen.detectors.detector import Detector
from unseen.detectors.saved import load
from unseen.runs.cohort import cohort_of
from unseen.runs.training import train_recipe
from unseen.screening.labelled_studies import Study


def scored_studies(recipe: Recipe, *, root: Path | None = None) -> list[Study]:
    """Return all labelled films of the recipe's manifest as studies with out-of-fold scores.

    Models are trained unless their runs are finished.
    """
    cohort = cohort_of(recipe)
    studies: list[Study] = []
    for fold in range(FOLDS):
        # loaded from the bundle: a detector that was just trained would score its training films with lung finders that
        # were not trained on them, and the standardisation would differ
        detector = load(train_recipe(recipe, fold=fold, root=root).run.bundle)
        own = np.asarray(_scores(detector, cohort.training(fold)), dtype=np.float64)
        for film, score in zip(cohort.testing(fold), _scores(detector, cohort.testing(fold)), strict=True):
            assert isinstance(film, Film)
            standard = float((score - own.mean()) / own.std())
            studies.append(
                Study(
                    name=film.study,
                    patient=film.patient,
                    source=film.source,
                    abnormal=film.label == "abnormal",
                    score=standard,
                    films=(film.pixel_sha256,),
                )
            )
        print(f"fold {fold}: scored")
    return studies


def _scores(detector: Detector, films: Iterable[Film | NotRead]) -> list[float]:
    found = []
    for outcome in detector.score(films):
        if isinstance(outcome, NotRead):
            raise ValueError(f"{outcome.name}: {outcome.reason}")
        found.append(outcome.score)
    return found
