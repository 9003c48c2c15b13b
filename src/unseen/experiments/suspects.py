"""Which of the films that a detector is to learn from are least like the others: the ones to look at before training.

The patients are dealt into parts. A detector that has not seen a part scores it; where a film's score lies among its
part's, in robust standard deviations from the median, places it. A film that is not normal after all tends to be far
up, and so does one that is turned, cropped or of another device.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from unseen.artifacts.recipe import Recipe, RecipeError, validated
from unseen.artifacts.run import runs_root
from unseen.data.film import Film, NotRead
from unseen.detectors.detector import Detector
from unseen.detectors.fitting import Fitting, Normals
from unseen.evaluation.roc import Floats
from unseen.experiments.running import (
    Report,
    check_normals_alone,
    detector_of,
    finder_for,
    resolve,
    training_films,
)
from unseen.training.settings import Training

PARTS = 5
_LEAST = 4  # films in a part: fewer have no spread to speak of


@dataclass(frozen=True)
class Known:
    """What is known of a film beside its pixels."""

    name: str
    source: str
    patient: str
    abnormal: bool


@dataclass(frozen=True)
class Suspect:
    """A training film and how far it is from the others: robust standard deviations of its part's scores."""

    name: str
    source: str
    deviations: float
    score: float


def suspects(
    recipe: Recipe,
    *,
    data: str | None = None,
    finder: Path | None = None,
    root: Path | None = None,
    progress: Report | None = None,
    say: Callable[[str], None] = lambda said: None,
) -> tuple[list[Suspect], tuple[NotRead, ...]]:
    """The recipe's training films (or those of `data`), the strangest first, and those that could not be read.

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


def seen(detector: Detector, films: Iterable[Film | NotRead]) -> tuple[Normals, list[Known]]:
    """The films on the network's grid, whatever their labels, and what else is known of each."""
    known: list[Known] = []

    def noted() -> Iterable[Film | NotRead]:
        for film in films:
            if isinstance(film, Film):
                known.append(Known(film.name, film.source, film.patient, film.label == "abnormal"))
            yield film

    return detector.prepare(noted(), any_label=True), known


def deviations(
    recipe: Recipe,
    normals: Normals,
    patients: Sequence[str],
    *,
    say: Callable[[str], None] = lambda said: None,
) -> tuple[Floats, Floats]:
    """Each film's deviations from its part, and its score by the detector that did not see it: (films,) each."""
    shuffled = sorted(set(patients), key=lambda patient: hashlib.sha256(patient.encode()).hexdigest())
    dealt = {patient: place % PARTS for place, patient in enumerate(shuffled)}
    part = np.array([dealt[patient] for patient in patients])
    counts = [int((part == number).sum()) for number in range(PARTS)]
    if min(counts) < _LEAST:
        raise RecipeError(
            f"suspects: the patients fall into {PARTS} parts of {', '.join(map(str, counts))} films; {_LEAST} in each "
            "are needed. Give more films"
        )
    scores, found = np.zeros(len(part)), np.zeros(len(part))
    training = validated(recipe.training, Training, where="training")
    for number in range(PARTS):
        say(f"part {number + 1} of {PARTS}: {counts[number]} films, by a detector that learns from the others")
        detector = detector_of(recipe)
        held_out = torch.from_numpy(part == number)
        detector.check_number(int((~held_out).sum()))
        detector.learn(normals.part(~held_out), Fitting(training))
        said = np.array([detector.judge(view).score for view in normals.part(held_out).views()])
        scores[part == number] = said
        found[part == number] = robust_deviations(said)
    return found, scores


def robust_deviations(scores: Floats) -> Floats:
    """(score − median) / (1.4826 · median absolute deviation): standard deviations where the scores are Gaussian.

    >>> robust_deviations(np.array([1.0, 2.0, 3.0, 4.0, 5.0])).round(2).tolist()
    [-1.35, -0.67, 0.0, 0.67, 1.35]
    """
    middle = np.median(scores)
    spread = 1.4826 * np.median(np.abs(scores - middle))
    return np.asarray((scores - middle) / max(float(spread), 1e-12))
