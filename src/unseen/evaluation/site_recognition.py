"""Site recognition: AUROC of a score between the *normals* of two sources.

0.5 is best: the score does not depend on the source. At 1, the score recognises the scanner.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from unseen.evaluation.bootstrap import LEAST, BootstrapCohort, Statistic
from unseen.evaluation.roc import Auroc, folds_of

MOST_SOURCES = 8
"""Most sources that are compared in pairs (28 pairs): the sources with the most normals."""


def site_statistics(cohort: BootstrapCohort) -> dict[str, Statistic]:
    """Define the AUROC of the score between the normals of two sources, for each pair of sources.

    A pair is left out if no fold contains both sources, or if either has fewer than two normals.

    Args:
        cohort: the films that are evaluated.

    Returns:
        ``{"a|b": AUROC}``, above 0.5 if b's normals have higher scores; the reader takes max(AUROC, 1 − AUROC).
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
