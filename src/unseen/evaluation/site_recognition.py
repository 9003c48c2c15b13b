"""Site recognition: AUROC of a score between the *normals* of two sources.

0.5 is good; 1 is a scanner detector.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from unseen.evaluation.bootstrap import LEAST, BootstrapCohort, Statistic
from unseen.evaluation.roc import Auroc, folds_of

if TYPE_CHECKING:
    pass

MOST_SOURCES = 8
"""Sources compared pairwise: those with most normals (28 pairs); further ones are left out."""


def site_statistics(cohort: BootstrapCohort) -> dict[str, Statistic]:
    """``{"a|b": AUROC of the score for telling b's normals from a's}``; the reader takes max(a, 1 − a).

    Pairs that no fold holds together, or with fewer than two normals of either, are left out.
    """
    sizes = {name: int(((cohort.source == name) & ~cohort.abnormal).sum()) for name in cohort.sources}
    largest = sorted((n for n in sizes if sizes[n] >= LEAST), key=lambda n: (-sizes[n], n))[:MOST_SOURCES]
    out: dict[str, Statistic] = {}
    for first, second in combinations(sorted(largest), 2):
        among = ~cohort.abnormal & ((cohort.source == first) | (cohort.source == second))
        folds = folds_of(cohort.score, np.asarray(cohort.source == second), cohort.fold, among)
        if folds:
            out[f"{first}|{second}"] = Auroc(folds)
    return out
