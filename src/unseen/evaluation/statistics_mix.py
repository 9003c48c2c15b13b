"""Supervised mix: all simple statistics together, fitted to the labels.

Logistic regression on standardised statistics, cross-validated in five folds by a hash of the patient, so that no
patient is on both sides. It needs labels, which a detector does not have; it measures what a detector could exploit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from unseen.data.patient_fold import fold_by_patient
from unseen.evaluation.bootstrap import numbers, text
from unseen.evaluation.roc import Bools, Floats, Ints
from unseen.evaluation.simple_statistics import STATISTIC_NAMES

if TYPE_CHECKING:
    import polars as pl


def patient_folds(table: pl.DataFrame, *, reshuffled: bool = False) -> Ints:
    """Return each film's fold by `fold_by_patient`, (films,); a film without a patient is its own.

    Args:
        reshuffled: assign folds by another digest, for films whose models were assigned by this one.

    >>> import polars as pl
    >>> patient_folds(pl.DataFrame({"file": ["a.png"], "patient": ["p1"]})).tolist()
    [1]
    """
    patient, file = text(table, "patient"), text(table, "file")
    names = np.where(patient == "", file, patient)
    salt = "anew " if reshuffled else ""
    return np.array([fold_by_patient(f"{salt}{name}") for name in names], dtype=np.int64)


def usable_statistics(table: pl.DataFrame) -> tuple[Floats, tuple[str, ...]]:
    """(films, statistics) of those statistics that every film has and that vary at all, with their names."""
    kept, names = [], []
    for name in STATISTIC_NAMES:
        column = numbers(table, name)
        if len(column) and np.isfinite(column).all() and float(np.ptp(column)) > 0:
            kept.append(column)
            names.append(name)
    return (np.stack(kept, axis=1) if kept else np.zeros((len(table), 0))), tuple(names)


def mix_scores(table: pl.DataFrame, abnormal: Bools) -> tuple[Floats, Ints] | None:
    """Return each film's log odds from a fit on the other folds, and the folds; None if a fit would lack a class."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    statistics, _ = usable_statistics(table)
    folds = patient_folds(table)
    if not statistics.shape[1]:
        return None
    score = np.zeros(len(table))
    for number in np.unique(folds):
        held, rest = folds == number, folds != number
        if abnormal[rest].all() or not abnormal[rest].any():
            return None
        scaler = StandardScaler().fit(statistics[rest])
        model = LogisticRegression(max_iter=2000).fit(scaler.transform(statistics[rest]), abnormal[rest])
        score[held] = model.decision_function(scaler.transform(statistics[held]))
    return score, folds
