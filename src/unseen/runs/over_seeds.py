"""An AUROC over several trainings: its interval is over films, drawn anew, and over the trainings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from unseen.evaluation.bootstrap import DRAWS, Drawn
from unseen.evaluation.cohort import Cohort
from unseen.evaluation.roc import Auroc, Floats, Ints, folds_of


def aurocs(scores: Sequence[Floats], cohort: Cohort) -> Callable[[Floats], Floats]:
    """The statistic (draws, trainings): one AUROC for each training's scores (films,)."""
    trainings = [Auroc(folds_of(score, cohort.abnormal, cohort.fold)) for score in scores]
    return lambda weights: np.stack([auroc(weights) for auroc in trainings], axis=1)


def picks_of(trainings: int) -> Ints:
    """The trainings of each draw, as many as there are, with replacement: (draws, trainings)."""
    return np.random.default_rng(1).integers(0, trainings, (DRAWS, trainings))


def mean_over(drawn: Drawn, picks: Ints) -> Drawn:
    """The mean of the trainings' AUROCs; in each draw, that of the trainings which `picks` names."""
    return Drawn(np.asarray(drawn.value.mean()), np.take_along_axis(drawn.draws, picks, axis=1).mean(axis=1))
