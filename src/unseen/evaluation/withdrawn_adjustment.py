"""Residual of a score after a regression on log sharpness and lung area: withdrawn.

Evaluations do not report its AUROC any more, for two reasons. If sharpness itself is the score, it keeps its AUROC
after the adjustment. An increasing transform of a score changes the adjusted AUROC. The command
`python -m studies.withdrawn_adjustment` shows both; `matching` replaces the adjustment.

    residual      r = s − (β₀ + β₁ log sharpness + β₂ lung_area),  β from normals alone
    standardised  z = r / σ(x),  log σ linear in the same covariates

z ranks a film among normals with the same sharpness and lung area. The abnormals' mean percentile is the
covariate-adjusted AUROC.

β comes from out-of-fold *training* normals if a bundle stores it. Otherwise β is cross-fitted on the evaluated normals
("within"). Disease itself makes films sharper, so the adjusted figure tends to be too low.

Source: H. Janes, M. Pepe, Biometrika 96 (2009) 371: covariate-adjusted ROC, location-scale model of § 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from unseen.evaluation.bootstrap import codes, numbers, text
from unseen.evaluation.roc import Bools, Floats, Ints
from unseen.evaluation.statistics_mix import patient_folds

if TYPE_CHECKING:
    import polars as pl

FLOOR = 1e-6
"""Added to sharpness, in [0, 1] units, before the logarithm: the sharpness of a flat image is 0."""

LEAST_NORMALS = 10
"""Fewest normals to which three coefficients are fitted."""


@dataclass(frozen=True)
class Adjustment:
    """Coefficients of score ~ 1 + log sharpness + lung area; `fit_adjustment` fits them.

    No figure uses them any more. Cards of earlier bundles contain them.

    Args:
        intercept: intercept of the regression.
        log_sharpness: slope on the logarithm of the film's sharpness.
        lung_area: slope on the predicted lung area; 0 if the View finds no lungs.

    >>> Adjustment(0.1, 2.0, 0.0).to_dict()["log_sharpness"]
    2.0
    """

    intercept: float
    log_sharpness: float
    lung_area: float

    def to_dict(self) -> dict[str, float]:
        """Return the coefficients for ``card.json``."""
        return {"intercept": self.intercept, "log_sharpness": self.log_sharpness, "lung_area": self.lung_area}

    @classmethod
    def from_dict(cls, stored: Mapping[str, float]) -> Adjustment:
        """Read the coefficients from ``card.json``. Raises ValueError if there are other keys than the three."""
        if set(stored) != {"intercept", "log_sharpness", "lung_area"}:
            raise ValueError(f"adjustment holds {sorted(stored)}; intercept, log_sharpness, lung_area are expected.")
        return cls(**{key: float(value) for key, value in stored.items()})


def covariates(table: pl.DataFrame) -> Floats:
    """Return log sharpness and predicted lung area, (films, 2). The area is 0 for all films if any film lacks it.

    >>> import polars as pl
    >>> covariates(pl.DataFrame({"sharpness": [1.0], "lung_area": [None]})).round(3).tolist()
    [[0.0, 0.0]]
    """
    area = numbers(table, "lung_area")
    if not np.isfinite(area).all():
        area = np.zeros(len(table))
    return np.stack([np.log(numbers(table, "sharpness") + FLOOR), area], axis=1)


def _slopes(response: Floats, x: Floats, group: Ints) -> tuple[Floats, Floats]:
    """Fit least squares with one intercept per group.

    Returns:
        Slopes (2,), and intercepts, with the groups in the order of np.unique.
    """
    _, place = np.unique(group, return_inverse=True)
    size = np.bincount(place).astype(np.float64)
    mean_y = np.bincount(place, weights=response) / size
    mean_x = np.stack([np.bincount(place, weights=column) / size for column in x.T], axis=1)
    slopes = np.linalg.lstsq(x - mean_x[place], response - mean_y[place], rcond=1e-8)[0]
    return np.asarray(slopes), mean_y - mean_x @ slopes


def fit_adjustment(normals: pl.DataFrame, *, group: str | None = "fold") -> Adjustment:
    """Fit the coefficients to a table of normals, as earlier bundles store them. No figure uses them any more.

    Scores of several models (one per value of the column `group`) share their slopes, and each model has its intercept.
    The stored intercept is the mean of the models' intercepts over the films.

    Args:
        normals: a score table of normal films, with the columns score, label, sharpness and lung_area.
        group: the column that names the model of each score; None: there is one model.

    Raises:
        ValueError: there are fewer than `LEAST_NORMALS` normals, or an abnormal film.

    >>> import polars as pl
    >>> sharpness = np.linspace(1.0, 2.0, 60)
    >>> table = {"score": 3 * np.log(sharpness), "label": "normal", "sharpness": sharpness, "lung_area": 0.2}
    >>> round(fit_adjustment(pl.DataFrame(table), group=None).log_sharpness, 2)
    3.0
    """
    if len(normals) < LEAST_NORMALS:
        raise ValueError(f"{len(normals)} normals given; an adjustment needs {LEAST_NORMALS} or more.")
    label = text(normals, "label")
    if (label == "abnormal").any():
        raise ValueError(
            f"{int((label == 'abnormal').sum())} abnormal films given; an adjustment is fitted on normals."
        )
    blocks = codes(text(normals, group)) if group else np.zeros(len(normals), dtype=np.int64)
    slopes, intercepts = _slopes(numbers(normals, "score"), covariates(normals), blocks)
    mean = float(np.average(intercepts, weights=np.unique(blocks, return_counts=True)[1]))
    return Adjustment(mean, float(slopes[0]), float(slopes[1]))


def within_residuals(table: pl.DataFrame, abnormal: Bools) -> Floats | None:
    """Return residuals cross-fitted on the evaluated normals, five folds by patient; None with too few normals.

    Models (column `fold`) share their slopes, and each model has its intercept.
    """
    fitted = _cross_fitted(table, abnormal, numbers(table, "score"))
    return None if fitted is None else numbers(table, "score") - fitted


def _cross_fitted(table: pl.DataFrame, abnormal: Bools, response: Floats) -> Floats | None:
    """Predict `response` at each film's covariates and model from normals of the other patient folds: (films,).

    If the films' own folds were assigned by patient in the same way, all films of a model are held out at once.
    Patients are then assigned to folds again by another digest.
    """
    x, models = covariates(table), codes(text(table, "fold"))
    if not np.isfinite(x).all():
        return None
    dealt = (patient_folds(table), patient_folds(table, reshuffled=True))
    held_out = next((folds for folds in dealt if _enough(folds, models, abnormal)), None)
    if held_out is None:
        return None
    expected = np.zeros(len(table))
    for number in np.unique(held_out):
        train = (held_out != number) & ~abnormal
        slopes, intercepts = _slopes(response[train], x[train], models[train])
        here = held_out == number
        expected[here] = x[here] @ slopes + intercepts[np.searchsorted(np.unique(models[train]), models[here])]
    return expected


def _enough(held_out: Ints, models: Ints, abnormal: Bools) -> bool:
    """Return True if every fold leaves enough normals to fit three coefficients, and some normals of every model."""
    left = [(held_out != number) & ~abnormal for number in np.unique(held_out)]
    return all(int(train.sum()) >= LEAST_NORMALS and set(models) <= set(models[train]) for train in left)
