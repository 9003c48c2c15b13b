"""Figures of a recipe on real films: AUROC, that of the shortcuts, and pairs of similar films."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from studies.pages.repeated_patients import BY_PATIENT, DRAWN
from unseen.evaluation.bootstrap import bootstrap_cohort, draw_all
from unseen.evaluation.matching import like_pairs
from unseen.evaluation.roc import Auroc, folds_of

if TYPE_CHECKING:
    import polars as pl

    from studies.rows import Row

DRAWS = 200
"""Bootstrap draws: 5,190 films and 500,000 pairs make 2,000 draws slow."""
SHORTCUTS = ("sharpness", "bytes_per_pixel", "lung_area")
ALIKE = ("sharpness", "bytes_per_pixel")
"""Covariates of the pairs of similar films."""


def figures_on_films(table: pl.DataFrame, dropped: int) -> Row:
    """Return the figures of scores on the real films of the tested folds.

    Args:
        table: file, fold, label, status, score and image statistics of each film.
        dropped: number of exact duplicates that are left out.

    Returns:
        Numbers of films, AUROC, that of each shortcut, and pairs of similar films.
    """
    cohort = bootstrap_cohort(table)
    columns = {one: table[one].to_numpy().astype(float) for one in ("score", *SHORTCUTS)}
    drawn = draw_all(
        {key: Auroc(folds_of(values, cohort.abnormal, cohort.fold)) for key, values in columns.items()},
        cohort,
        draws=DRAWS,
        rng=np.random.default_rng(0),
    )
    ill = int(cohort.abnormal.sum())
    return {
        DRAWN: BY_PATIENT,
        "n": {"normal": table.height - ill, "abnormal": ill, "dropped": dropped},
        "auroc": drawn["score"].interval().to_json(),
        "shortcuts": {one: drawn[one].strength().interval().to_json() for one in SHORTCUTS},
        "like_pairs": {one: like_pairs(table, (one,), draws=DRAWS).to_json() for one in ALIKE},
    }
