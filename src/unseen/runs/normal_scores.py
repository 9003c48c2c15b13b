"""Scores of the training normals, each by a detector that did not learn from that film's patient.

They give a film's score a meaning before a site has calibrated: the share of the model's own training normals that
score lower. A card keeps them (`Card.normal_scores`), and the model's digest covers them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from unseen.artifacts.recipe import Recipe, validated
from unseen.data.film import Film, NotRead
from unseen.detectors.detector import Detector
from unseen.detectors.fitting import Fitting
from unseen.runs.patient_folds import dealt, seen
from unseen.training.progress import reported
from unseen.training.settings import Training

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from unseen.detectors.normals import Normals
    from unseen.training.progress import Progress

_log = logging.getLogger("unseen")
LEAST = 4
"""Films of a part, below which no scores are made."""


def default_folds(detector: Detector) -> int:
    """Return how many detectors cross-fit the scores by default: 2 for a method that is trained by epochs, else 5.

    Two detectors on half the films each cost as much as one more training.
    """
    return 2 if detector.learns_by_epochs else 5


def add_normal_scores(
    detector: Detector,
    recipe: Recipe,
    films: Iterable[Film | NotRead],
    *,
    folds: int,
    backbone: Path | None = None,
    folder: Path | None = None,
    say: Callable[[str], None] = lambda said: None,
    progress: Callable[[str, Progress], None] | None = None,
) -> None:
    """Cross-fit the scores of the films that a detector has learnt from, and keep them with it.

    Where the patients are too few, or the method learns from unlabelled films, a warning states that it has no scores.

    Args:
        detector: the trained detector; its lung finder is used for all parts.
        recipe: the resolved recipe that it was trained by.
        films: its training films.
        folds: the number of detectors, 2 or more.
        backbone: weights that the network begins with.
        folder: for checkpoints; each part resumes from its own.
        say: called with a line for each part.
        progress: called with the name of the work and how far it is, for the films that are read and for each part.

    Example:
        >>> from unseen.anatomy import View
        >>> from unseen.artifacts import Recipe
        >>> from unseen.data import phantoms
        >>> from unseen.detectors import Pca
        >>> films = list(phantoms.normals(20, seed=5, size=64))
        >>> model = Pca(view=View(size=32, frame="whole"), components=4).fit(films)
        >>> recipe = Recipe.from_toml('name = "own"\\n[method]\\nkey = "pca"\\ncomponents = 4')
        >>> add_normal_scores(model, recipe, films, folds=2)
        >>> len(model.normal_scores), model.normal_folds
        (20, 2)
    """
    if detector.learns_from_unlabelled:
        _log.warning("%s learns from unlabelled films, too: no scores of its training normals are kept", detector.key)
        return
    part_detector = _untrained(recipe, detector, backbone)
    normals, known = seen(part_detector, reported(films, "reading films for the normals' scores", progress))
    part = dealt(normals.digests, [one.patient for one in known], folds)
    counts = np.bincount(part, minlength=folds)
    least = detector.config.least_films
    if counts.min() < LEAST or len(part) - counts.max() < least:
        _log.warning(
            "no scores of the training normals are kept: %d films were given, and %d or more of different patients "
            "are needed",
            len(part), max(LEAST * folds, -(-least * folds // (folds - 1))),
        )  # fmt: skip
        return
    scores = cross_fitted_scores(
        recipe, detector, normals, part, backbone=backbone, folder=folder, say=say, progress=progress
    )
    detector.normal_scores, detector.normal_folds = tuple(sorted(scores.tolist())), folds


def cross_fitted_scores(
    recipe: Recipe,
    like: Detector,
    normals: Normals,
    part: NDArray[np.int64],
    *,
    backbone: Path | None = None,
    folder: Path | None = None,
    say: Callable[[str], None] = lambda said: None,
    progress: Callable[[str, Progress], None] | None = None,
) -> NDArray[np.float64]:
    """Score each film by a detector that learns from the other parts.

    Args:
        recipe: the resolved recipe.
        like: a detector of the recipe, whose lung finder is used.
        normals: the films on the network's grid.
        part: each film's part, 0 to the number of parts - 1.
        backbone: weights that the network begins with.
        folder: for checkpoints.
        say: called with a line for each part.
        progress: called with the name of the work and how far it is, after each part.

    Returns:
        (films,), the scores.
    """
    scores = np.zeros(len(part))
    training = validated(recipe.training, Training, where="training")
    parts: Sequence[int] = sorted(set(part.tolist()))
    for number in reported(parts, "scores of the training normals", progress, unit="part"):
        held_out = torch.from_numpy(part == number)
        say(
            f"part {number + 1} of {len(parts)}: {int(held_out.sum())} films, by a detector that learns from the others"
        )
        detector = _untrained(recipe, like, None)
        given = None if backbone is None else detector.begin_with(backbone)
        detector.check_number(int((~held_out).sum()))
        kept = None if folder is None else folder / f"normals-{number}"
        detector.learn(normals.part(~held_out), Fitting(training, kept, backbone=given))
        scores[part == number] = [detector.judge(view).score for view in normals.part(held_out).views()]
    return scores


def _untrained(recipe: Recipe, like: Detector, backbone: Path | None) -> Detector:
    method = type(like)
    detector = method(validated(recipe.method.settings, method.Config, where="method"), view=like.view)
    detector.finder = like.finder
    if backbone is not None:
        detector.begin_with(backbone)
    return detector
