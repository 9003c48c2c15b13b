"""Suspects among the training films: those least like the others, to be looked at before training.

The patients are dealt into parts, by their films' pixels: what a folder is called changes nothing. A detector that has
not seen a part scores it; how far a film's score lies from its part's median, in robust standard deviations, places it.
A film that is not normal after all tends to be far up, and so does one that is turned, cropped or of another device.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from unseen.artifacts.recipe import Recipe, RecipeError, validated
from unseen.artifacts.run_folder import runs_root
from unseen.data.film import NotRead
from unseen.data.reading import Films
from unseen.detectors.fitting import Fitting
from unseen.detectors.normals import Normals
from unseen.evaluation.roc import Floats
from unseen.runs.lung_finders import finder_for
from unseen.runs.patient_folds import PARTS, dealt, seen
from unseen.runs.training import check_normals_alone, detector_of, resolve, training_films
from unseen.training.settings import Training
from unseen.training.tensorboard_log import Report

_LEAST = 4  # films in a part: fewer have no spread to speak of


@dataclass(frozen=True)
class Suspect:
    """A training film and how far it is from the others: robust standard deviations from its part's median score."""

    name: str
    source: str
    deviations: float
    score: float


def suspects(
    recipe: Recipe,
    *,
    data: str | Films | None = None,
    finder: Path | None = None,
    root: Path | None = None,
    progress: Report | None = None,
    say: Callable[[str], None] = lambda said: None,
) -> tuple[list[Suspect], tuple[NotRead, ...]]:
    """Return the recipe's training films (or those of `data`), the strangest first, and those that could not be read.

    Raises RecipeError for too few films, and for a method that learns from unlabelled films.
    """
    recipe = resolve(recipe)
    check_normals_alone(recipe, "suspects")
    films, data_digest = training_films(recipe, fold=None, data=data)
    detector = detector_of(recipe)
    detector.finder = finder_for(
        detector,
        films,
        recipe,
        fold=None,
        data_digest=data_digest,
        given=finder,
        root=runs_root() if root is None else root,
        progress=progress,
    )
    say("looking at the films")
    normals, known = seen(detector, films)
    found = deviations(recipe, normals, [one.patient for one in known], say=say)
    listed = [
        Suspect(one.name, one.source, float(deviation), float(score))
        for one, deviation, score in zip(known, *found, strict=True)
    ]
    return sorted(listed, key=lambda one: -one.deviations), tuple(detector.not_read)


def deviations(
    recipe: Recipe,
    normals: Normals,
    patients: Sequence[str],
    *,
    say: Callable[[str], None] = lambda said: None,
) -> tuple[Floats, Floats]:
    """Return each film's deviations from its part, and its score by the detector that did not see it: (films,) each."""
    part = dealt(normals.digests, patients)
    counts = [int((part == number).sum()) for number in range(PARTS)]
    if min(counts) < _LEAST:
        raise RecipeError(
            f"suspects: the patients fall into {PARTS} parts of {', '.join(map(str, counts))} films; {_LEAST} in each "
            "are needed. Give more films"
        )
    scores = np.zeros(len(part))
    training = validated(recipe.training, Training, where="training")
    for number in range(PARTS):
        say(f"part {number + 1} of {PARTS}: {counts[number]} films, by a detector that learns from the others")
        detector = detector_of(recipe)
        held_out = torch.from_numpy(part == number)
        detector.check_number(int((~held_out).sum()))
        detector.learn(normals.part(~held_out), Fitting(training))
        scores[part == number] = [detector.judge(view).score for view in normals.part(held_out).views()]
    return robust_deviations(scores, part), scores


def robust_deviations(scores: Floats, part: NDArray[np.int64]) -> Floats:
    """(score − its part's median) / (1.4826 · median over all films of that distance): (films,).

    Standard deviations where the scores are Gaussian. The parts share one spread, since a part of a small set has too
    few films to have its own; each has its own median, for its detector is another one.

    >>> robust_deviations(np.array([1.0, 2.0, 3.0, 14.0, 15.0, 17.0]), np.array([0, 0, 0, 1, 1, 1])).round(2).tolist()
    [-0.67, 0.0, 0.67, -0.67, 0.0, 1.35]
    """
    away = scores.astype(np.float64)
    for number in np.unique(part):
        away[part == number] -= np.median(scores[part == number])
    spread = 1.4826 * np.median(np.abs(away))
    return np.asarray(away / max(float(spread), 1e-12))
