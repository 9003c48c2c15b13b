"""Lung finders of a run: taken from a bundle, or trained on the films' masks and shared by all recipes on the films."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from unseen import __version__
from unseen.anatomy.cross_fitted_lungs import CrossFittedLungs, cross_fitted
from unseen.anatomy.lung_finder import LungFinder, NoMasksError
from unseen.artifacts.recipe import Recipe, RecipeError, validated
from unseen.detectors.lung_finder_bundles import finder_of
from unseen.runs.cohort import lung_films

if TYPE_CHECKING:
    from unseen.anatomy.found_lungs import Finder
    from unseen.data.film import Film, NotRead
    from unseen.detectors.detector import Detector
    from unseen.training.tensorboard_log import Report


def finder_for(
    detector: Detector,
    films: Iterable[Film | NotRead],
    recipe: Recipe,
    *,
    fold: int | None,
    data_digest: str,
    given: Path | None,
    root: Path,
    progress: Report | None = None,
) -> Finder | None:
    """Return the lung finder of a detector that is trained on `films`.

    Args:
        detector: the detector, untrained.
        films: its training films.
        recipe: the recipe of the detector.
        fold: the fold whose films are left out; None: no films are.
        data_digest: identifies the training films.
        given: bundle whose lung finder is used; None: finders are trained on the films' own masks.
        root: folder of all runs.
        progress: called with the name of the training and the loop's progress.

    Returns:
        The finder; None where the films have no masks and the detector needs no lungs.

    Raises:
        RecipeError: the bundle contains no finder.
        NoMasksError: the detector needs lungs, and the films have no masks.
    """
    if given is not None:
        lungs = finder_of(given)
        if lungs is None:
            raise RecipeError(
                f"finder: {given} holds no lung finder. Give models/lungs, or a model that was trained with one"
            )
        return lungs
    try:
        return shared_lungs(films, recipe, fold=fold, data_digest=data_digest, root=root, progress=progress)
    except NoMasksError:
        if detector.needs_lungs or detector.view.needs_lungs:
            raise
        return None  # a method on whole films needs no lungs; its reports then lack the lung area


def shared_lungs(
    films: Iterable[Film | NotRead],
    recipe: Recipe,
    *,
    fold: int | None,
    data_digest: str,
    root: Path,
    progress: Report | None = None,
) -> CrossFittedLungs:
    """Return the lung finders of training films, which all recipes on the same films share.

    They are trained at the first call and read from their folder later. Parameters are as for `finder_for`.
    """
    folder = lungs_folder(recipe, fold=fold, data_digest=data_digest, root=root)
    return cross_fitted(
        lung_films(recipe, films),
        config=finder_config(recipe),
        seed=recipe.seed,
        device="cpu",
        folder=folder,
        progress=progress,
    )


def finder_config(recipe: Recipe) -> LungFinder.Config:
    """Return the settings of the recipe's lung finder."""
    return validated(recipe.finder, LungFinder.Config, where="finder")


def lungs_folder(recipe: Recipe, *, fold: int | None, data_digest: str, root: Path) -> Path:
    """Return the folder of the recipe's lung finders that are trained without the films of `fold`.

    Its name depends on everything that determines the finders: fold, seed, films, version and settings.
    """
    held_out = "all" if fold is None else f"f{fold}"
    identity = f"{data_digest} {__version__} {finder_config(recipe).model_dump_json()}"
    if recipe.data.lungs_from is not None:
        identity += f" from {sorted(recipe.data.lungs_from)}"
    return root / "lungs" / f"{held_out}-{recipe.seed}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"
