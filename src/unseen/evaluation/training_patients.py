"""Rows of a score table whose patients have films on which the model was trained."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from unseen.data.patient_links import training_patients
from unseen.evaluation.bootstrap import text
from unseen.evaluation.roc import Bools

if TYPE_CHECKING:
    import polars as pl


def rows_of_training_patients(table: pl.DataFrame, training_films: Collection[str]) -> Bools:
    """Return the rows of patients on whose films the model was trained, (rows,): training films and others.

    Args:
        table: rows from `score_table`. Patients are known by the training films among them.
        training_films: pixel digests of the films that the model was trained on.

    Returns:
        True for a film of such a patient, also under another name by shared pixels, and for a training film without a
        patient.
    """
    patients, pixels = text(table, "patient"), text(table, "pixel_sha256")
    taught = training_patients(zip(patients.tolist(), pixels.tolist(), strict=True), training_films)
    found = np.isin(patients, list(taught))
    return np.asarray(found | np.isin(pixels, list(training_films)))
