"""ROC curve, AUROC and their ties, as functions of the films' weights.

A higher score means more abnormal. A cross-fitted figure is the mean of the folds' figures, weighted by n0·n1. Scores
of different models are therefore never ranked against each other. If all weights are 1, the results equal those of
scikit-learn.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def auroc(y_true: Sequence[bool | int] | Bools | Ints, y_score: Sequence[float] | Floats) -> float:
    """Return the area under the ROC curve: the chance that an abnormal film scores above a normal one.

    Args:
        y_true: (n,) truth, True or 1 is abnormal.
        y_score: (n,) scores, higher is more abnormal.

    Returns:
        The area, 0 to 1, with half a point for each tie (scikit-learn's `roc_auc_score`).

    Raises:
        ValueError: one class has no film, the lengths differ, or the truth has other values than 0 and 1.

    Example:
        >>> auroc([False, False, True, True], [0.1, 0.4, 0.35, 0.8])
        0.75
    """
    from sklearn.metrics import roc_auc_score

    truth, score = _truth_and_score(y_true, y_score)
    if truth.all() or not truth.any():
        raise ValueError(f"AUROC needs both classes; got {int((~truth).sum())} normal and {int(truth.sum())} abnormal.")
    return float(roc_auc_score(truth, score))


def roc_curve(y_true: Sequence[bool | int] | Bools | Ints, y_score: Sequence[float] | Floats) -> tuple[Floats, Floats]:
    """Return false and true positive rates from (0, 0) to (1, 1), one point per distinct score (as scikit-learn does).

    Args:
        y_true: (n,) truth, True or 1 is abnormal.
        y_score: (n,) scores, higher is more abnormal.

    Returns:
        The false positive rates and the true positive rates, each (points,).

    Example:
        >>> [x.tolist() for x in roc_curve([False, True], [1.0, 2.0])]
        [[0.0, 0.0, 1.0], [0.0, 1.0, 1.0]]
    """
    from sklearn.metrics import roc_curve as curve

    fpr, tpr, _ = curve(*_truth_and_score(y_true, y_score), drop_intermediate=False)
    return np.asarray(fpr, dtype=np.float64), np.asarray(tpr, dtype=np.float64)


def _truth_and_score(y_true: object, y_score: object) -> tuple[Bools, Floats]:
    """Convert both to arrays. The order before 0.3, scores first, still works if it can be recognised."""
    truth, score = np.asarray(y_true), np.asarray(y_score)
    if not _is_truth(truth) and _is_truth(score):
        warnings.warn(
            "auroc and roc_curve take the truth first, then the scores: auroc(y_true, y_score), as in scikit-learn. "
            "The old order will be an error in unseen 0.4.",
            DeprecationWarning,
            stacklevel=3,
        )
        truth, score = score, truth
    if truth.shape != score.shape or truth.ndim != 1:
        raise ValueError(f"y_true and y_score have one value per film, but got shapes {truth.shape} and {score.shape}.")
    if not _is_truth(truth):
        raise ValueError("y_true has True or 1 for abnormal and False or 0 for normal, but other values were found.")
    return truth.astype(bool), score.astype(np.float64)


def _is_truth(values: NDArray[np.generic]) -> bool:
    return values.dtype.kind in "buif" and bool(np.isin(values, (0, 1)).all())


@dataclass(frozen=True)
class Fold:
    """Normal and abnormal films that one model scored, as columns of the weights.

    Films with equal scores form a group; the groups are in order of decreasing score.
    """

    columns: Ints  # (films,) by decreasing score
    abnormal: Bools  # (films,) in that order
    starts: Ints  # (groups,) first film of each group of equal scores
    normals: Ints  # (n0,) columns by decreasing score
    abnormals: Ints  # (n1,) columns by decreasing score
    over: Ints  # (n1,) number of normals that score above each abnormal
    over_or_equal: Ints  # (n1,) number of normals that score at least as high


def folds_of(score: Floats, abnormal: Bools, fold: Ints, among: Bools | None = None) -> tuple[Fold, ...]:
    """Split the films by fold. A fold without both classes is left out.

    Args:
        score: (n,) scores, higher is more abnormal.
        abnormal: (n,) True for an abnormal film.
        fold: (n,) number of the fold; each fold has one model that scored its films.
        among: (n,) True for the films that are used; None: all films.

    Returns:
        The folds that have both classes, by number.
    """
    chosen = np.ones(len(score), dtype=bool) if among is None else among
    out = []
    for number in np.unique(fold[chosen]):
        columns = np.flatnonzero(chosen & (fold == number))
        truth = abnormal[columns]
        if truth.all() or not truth.any():
            continue
        order = np.argsort(-score[columns], kind="stable")
        columns = columns[order]
        falling = score[columns]
        starts = np.concatenate([[0], np.flatnonzero(np.diff(falling)) + 1])
        ill = abnormal[columns]
        rising = -falling[~ill]  # the normals' scores, negated
        out.append(
            Fold(
                columns.astype(np.int64),
                ill,
                starts.astype(np.int64),
                normals=columns[~ill],
                abnormals=columns[ill],
                over=np.searchsorted(rising, -falling[ill], side="left").astype(np.int64),
                over_or_equal=np.searchsorted(rising, -falling[ill], side="right").astype(np.int64),
            )
        )
    return tuple(out)


def _cumulated(fold: Fold, weights: Floats) -> tuple[Floats, Floats]:
    """Return the weights of normals and of abnormals at or above each distinct score.

    Returns:
        Two arrays (draws, groups + 1) that begin with 0.
    """
    drawn = weights[:, fold.columns]  # (draws, films)
    out = []
    for mask in (~fold.abnormal, fold.abnormal):
        part = drawn * mask
        if len(fold.starts) < part.shape[1]:
            part = np.add.reduceat(part, fold.starts, axis=1)
        total = np.zeros((part.shape[0], part.shape[1] + 1))
        np.cumsum(part, axis=1, out=total[:, 1:])
        out.append(total)
    return out[0], out[1]


def _mean(parts: list[Floats], weights: list[Floats]) -> Floats:
    """Return the mean of the folds' figures. A fold that lacks a class in a draw has weight 0 in that draw."""
    weight = np.stack(weights)  # (folds, draws)
    value = np.stack(parts)  # (folds, draws, ...)
    weight = weight.reshape(weight.shape + (1,) * (value.ndim - weight.ndim))
    total = np.where(weight > 0, value, 0.0) * weight
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Floats = total.sum(axis=0) / weight.sum(axis=0)
    return mean


@dataclass(frozen=True)
class Auroc:
    """Fold-weighted AUROC: Σ U_f / Σ n0_f n1_f, with U the Mann–Whitney count (ties one half).

    >>> a = Auroc(folds_of(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]), np.zeros(4, int)))
    >>> a(np.ones((1, 4))).tolist()
    [0.75]
    """

    folds: tuple[Fold, ...]

    def __call__(self, weights: Floats) -> Floats:
        """Return one AUROC per row of `weights` (draws, films)."""
        films = weights.T  # (films, draws): its rows are contiguous in memory, as `multiplicities` returns them
        won, pairs = np.zeros(len(weights)), np.zeros(len(weights))
        for fold in self.folds:
            above = np.zeros((len(fold.normals) + 1, len(weights)))  # weight of the k highest normals
            np.cumsum(films[fold.normals], axis=0, out=above[1:])
            ill = films[fold.abnormals]  # (abnormals, draws)
            lost = np.einsum("fd,fd->d", above[fold.over], ill)
            if not np.array_equal(fold.over, fold.over_or_equal):
                lost = (lost + np.einsum("fd,fd->d", above[fold.over_or_equal], ill)) / 2
            product = above[-1] * ill.sum(axis=0)
            won += product - lost
            pairs += product
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio: Floats = won / pairs
        return ratio


@dataclass(frozen=True)
class AveragePrecision:
    """Average precision Σ (recall_k − recall_{k−1}) precision_k, as in scikit-learn; folds weighted by n0·n1."""

    folds: tuple[Fold, ...]

    def __call__(self, weights: Floats) -> Floats:
        parts, pairs = [], []
        for fold in self.folds:
            normal, ill = _cumulated(fold, weights)
            with np.errstate(invalid="ignore", divide="ignore"):
                precision = np.nan_to_num(ill[:, 1:] / (ill[:, 1:] + normal[:, 1:]))
                parts.append((np.diff(ill, axis=1) * precision).sum(axis=1) / ill[:, -1])
            pairs.append(normal[:, -1] * ill[:, -1])
        return _mean(parts, pairs)


@dataclass(frozen=True)
class SensitivityAt:
    """Largest sensitivity at a specificity of at least `specificity`. Each fold has its own threshold and weight n1."""

    folds: tuple[Fold, ...]
    specificity: float

    def __call__(self, weights: Floats) -> Floats:
        parts, sizes = [], []
        for fold in self.folds:
            normal, ill = _cumulated(fold, weights)
            allowed = (1 - self.specificity) * normal[:, -1:] + 1e-9
            last = (normal <= allowed).sum(axis=1) - 1
            with np.errstate(invalid="ignore", divide="ignore"):
                parts.append(ill[np.arange(len(ill)), last] / ill[:, -1])
            sizes.append(ill[:, -1])
        return _mean(parts, sizes)


@dataclass(frozen=True)
class SpecificityAt:
    """Largest specificity at a sensitivity of at least `sensitivity`. Each fold has its own threshold and weight n0."""

    folds: tuple[Fold, ...]
    sensitivity: float

    def __call__(self, weights: Floats) -> Floats:
        parts, sizes = [], []
        for fold in self.folds:
            normal, ill = _cumulated(fold, weights)
            first = (ill < self.sensitivity * ill[:, -1:] - 1e-9).sum(axis=1)
            with np.errstate(invalid="ignore", divide="ignore"):
                parts.append(1 - normal[np.arange(len(normal)), first] / normal[:, -1])
            sizes.append(normal[:, -1])
        return _mean(parts, sizes)


@dataclass(frozen=True)
class RocAt:
    """Sensitivity at each false positive rate of `grid`: vertical average of the folds' curves with weights n0·n1.

    The area under that mean curve is the fold-weighted AUROC.
    """

    folds: tuple[Fold, ...]
    grid: Floats  # (points,)

    def __call__(self, weights: Floats) -> Floats:
        """Return one curve per row of `weights`, (draws, points)."""
        parts, pairs = [], []
        for fold in self.folds:
            normal, ill = _cumulated(fold, weights)
            n0, n1 = np.maximum(normal[:, -1:], 1e-12), np.maximum(ill[:, -1:], 1e-12)
            parts.append(np.stack([np.interp(self.grid, x, y) for x, y in zip(normal / n0, ill / n1, strict=True)]))
            pairs.append(normal[:, -1] * ill[:, -1])
        return _mean(parts, pairs)
