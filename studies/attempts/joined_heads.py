"""Experiment on normal films cleared at Shenzhen: a mean of six heads, and a head that each division chooses.

The films, divisions and threshold are those of `studies.attempts.heads.cleared`; the lung finder is cross-fitted like
the one there, but trained without fold 0 instead of fold 4. Three candidates:

- `mean of six heads`: the mean of `SIX`, each in deviations of held-out normal films, with equal weights.
- `mean of six heads, combined`: the same with the score from normal films (share ω of `studies.ten_labels`).
- `chosen inside`: of the six heads and their mean, each alone and combined, the one that separates the films that teach
  best. These are scored by five-fold cross-validation within each division, each part's scores minus their mean over
  its normal films; the figure is the share of the normal films
  below an abnormal film, over the fifth of the abnormal films with the lowest scores (`separated`): the AUROC at
  sensitivities of at least 80 %. Neither the films that calibrate nor the tested ones take part, and one head scores
  both, so the guarantee is exact.

Rule, fixed before any figure on folds 1 to 4 was computed: 20 % of the abnormal patients teach. About 184 films of the
others then calibrate, of which the exact bound allows 4 to be missed; with the next larger share of the earlier heads,
33 %, it allows 3. The candidate that clears most on fold 0 is nominated, the first of equal ones, and is the figure of
the target, whichever it is. Then all candidates are tested once on folds 1 to 4. The candidates were designed after the
earlier heads' figures on these folds were known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studies.attempts.heads import CLEARED, HEADS, RATE, SITE, SPLITS, Kernels, Places, Site, cleared, in_deviations
from studies.crossfit import TEST_FOLDS
from studies.detectors.frozen_cells import precision_name
from studies.halves import CONFIDENCE
from studies.rows import Row
from studies.ten_labels import SHARE
from unseen import __version__
from unseen.data.patient_fold import FOLDS

Floats = NDArray[np.float64]

SIX = ("adapt", "mirrored", "normal covariance, β = 0.003", "lung pooling", "sides", "all features")
GRAMS = ("both", "mirrored", "lung pooling", "sides", "all")
"""Inner products that these heads use."""
MEAN, INSIDE = "mean of six heads", "chosen inside"
CANDIDATES = (MEAN, f"{MEAN}, combined", INSIDE)
TEACHING = 0.2
"""Share of the site's abnormal patients who teach."""
LOWEST = 0.2
"""Share of the abnormal films, those with the lowest scores, over which `separated` is the mean."""
FINDER_FOLD = 0
"""Fold without which the lung finder is trained."""
ROUND = 2
"""Rows with this number are those of this experiment; those of `studies.attempts.heads` have none."""


def separated(score: Floats, abnormal: NDArray[np.bool_]) -> float:
    """Return the share of normal films below an abnormal one, the mean over the lowest fifth of the abnormal ones."""
    ill = np.sort(score[abnormal])
    lowest, normal = ill[: max(1, int(np.ceil(LOWEST * len(ill))))], score[~abnormal]
    return float((normal[None] < lowest[:, None]).mean() + (normal[None] == lowest[:, None]).mean() / 2)


def recentred(gram: Floats, normals: Places) -> Floats:
    """Return the inner products of features minus their mean over some films, from those of the features."""
    mean = gram[:, normals].mean(axis=1)
    found: Floats = gram - mean[:, None] - mean[None] + mean[normals].mean()
    return found


def held_out(kernels: Kernels, trained: Places, y: NDArray[np.bool_], part: Places) -> dict[str, Floats]:
    """Score the films that teach by heads of the other parts, each head of `SIX` in deviations of the normal films.

    The origin of the features is the mean of the normal films of the other parts. By the mean of all of them, held-out
    normal films would lie opposite to the others, and seem abnormal.
    """
    every, found = np.arange(len(y)), {name: np.zeros(len(y)) for name in SIX}
    for number in np.unique(part):
        rest = part != number
        at, taught = every[~rest], every[rest]
        some = Kernels(
            {name: recentred(gram[np.ix_(trained, trained)], taught[~y[taught]]) for name, gram in kernels.of.items()}
        )
        for name in SIX:
            own = HEADS[name](some, taught, y[taught], at)
            found[name][at] = own - own[~y[at]].mean()
    return {name: own / own[~y].std() for name, own in found.items()}


def joined_scores(
    site: Site, names: Sequence[str], kernels: Kernels, fold: int, ill: Places, at: Places, rng: np.random.Generator
) -> dict[str, Floats]:
    """Return the scores of films by some of `CANDIDATES`; the other parameters are those of `Site.scores`."""
    kernels = Kernels({name: kernels.of[name] for name in GRAMS})
    trained = np.sort(np.concatenate([site.normals(fold), ill]))
    y, part = site.labels.abnormal[trained], rng.permutation(len(trained)) % FOLDS
    found = {name: in_deviations(HEADS[name], kernels, trained, y, at, part) for name in SIX}
    found[MEAN] = np.mean([found[name] for name in SIX], axis=0)
    normal = site.normal_score(fold)[at]
    found |= {f"{name}, combined": normal + SHARE * found[name] for name in (*SIX, MEAN)}
    if INSIDE in names:
        own = held_out(kernels, trained, y, part)
        own[MEAN] = np.mean([own[name] for name in SIX], axis=0)
        normal = site.held_out_normal_score(fold, trained)
        own |= {f"{name}, combined": normal + SHARE * own[name] for name in (*SIX, MEAN)}
        found[INSIDE] = found[max(own, key=lambda name: separated(own[name], y))]
    return {name: found[name] for name in names}


def joined_fold_0_rows(site: Site) -> list[Row]:
    """Return a row for each candidate with its figure on fold 0 alone, and the nominee."""
    found = cleared(site, CANDIDATES, (0,), TEACHING, scores=joined_scores)
    made: list[Row] = [
        {
            "recipe": CLEARED + name.replace(", ", "-").replace(" ", "-"),
            "seed": 0,
            "round": ROUND,
            "head": name,
            "site": SITE,
            "max_miss_rate": RATE,
            "confidence": CONFIDENCE,
            "splits": SPLITS,
            "finder_fold": FINDER_FOLD,
            "features": f"EfficientNet-lite0, computed in {precision_name()}, kept in half precision",
            "device": "cpu, 1 thread",
            "date": datetime.now(UTC).date().isoformat(),
            "version": __version__,
            "share": TEACHING,
            "fold_0": {f"{TEACHING:g}": found[name]["normals_cleared"]["value"]},
        }
        for name in CANDIDATES
    ]
    best = max(made, key=nominating)
    return [row | {"nominated": row is best} for row in made]


def nominating(row: Mapping[str, Any]) -> float:
    """Return the figure that nominates: the share cleared on fold 0."""
    return float(row["fold_0"][f"{TEACHING:g}"])


def joined_tested_rows(site: Site, rows: Sequence[Row]) -> list[Row]:
    """Return the rows with their figures on folds 1 to 4, which are opened once for all candidates together."""
    began = process_time()
    tested = cleared(site, CANDIDATES, TEST_FOLDS, TEACHING, scores=joined_scores)
    small = cleared(site, CANDIDATES, TEST_FOLDS, 25, 60, scores=joined_scores)
    spent = round(process_time() - began, 1)
    return [
        row
        | {
            "seconds_all": spent,
            "folds": list(TEST_FOLDS),
            "test": tested[row["head"]],
            "25 and 60": small[row["head"]],
        }
        for row in rows
    ]
