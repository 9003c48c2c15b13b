"""Differences between normal and abnormal films: simple statistic and projection, with the films to label.

`unseen adapt` prints them where it refuses labels (`adaptation`); the check itself is `label_check`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unseen.data.film_projection import stated_beam
from unseen.evaluation.roc import auroc
from unseen.evaluation.simple_statistics import TRIVIAL_STATISTICS
from unseen.evaluation.statistics_mix import usable_statistics

_CHANCE = 0.05
"""Probability with which a difference between normal and abnormal films is named where there is none."""
_OF_STATISTIC = "label normal and abnormal films of the same device and file format"
_UNSTATED = (
    "state the projection of all films in the manifest's column view_position, "
    "for DICOM files without ViewPosition, too"
)


@dataclass(frozen=True)
class LabelDifference:
    """Difference between the normal and the abnormal films of a site.

    Args:
        text: the difference, a clause.
        remedy: what removes it, a clause in the imperative.
    """

    text: str
    remedy: str


def label_differences(
    statistics: Sequence[dict[str, float | None]], positions: Sequence[str], abnormal: NDArray[np.bool_]
) -> tuple[LabelDifference, ...]:
    """Return how abnormal films differ from normal ones: the statistic that differs most, and the projection.

    A difference that films without one show by chance is left out: p is below 0.05 for all differences together
    (Bonferroni), by the rank-sum test for statistics and by Fisher's exact test for the projection, as if films were
    independent.

    Args:
        statistics: simple statistics of each film.
        positions: DICOM ViewPosition of each film, "" where it is not stated.
        abnormal: label of each film (n,).

    Returns:
        At most two. Shares of AP and PA are those among the films that state either; where films of one class alone do,
        this share is given instead.

    Example:
        >>> ill = np.arange(20) < 10
        >>> positions = np.where(ill, "PA", "AP").tolist()
        >>> for one in label_differences([{"sharpness": 2.0 - i} for i in ill], positions, ill):
        ...     print(f"{one.text}: {one.remedy}")
        abnormal films are less sharp (AUROC 0.00): label normal and abnormal films of the same device and file format
        100 % of the abnormal and 0 % of the normal films are PA: label abnormal AP films or normal PA films
    """
    import polars as pl
    from scipy.stats import mannwhitneyu

    found, names = usable_statistics(pl.DataFrame(statistics, infer_schema_length=None))
    chance = _CHANCE / (len(names) + 1)
    differences = []
    if names:
        values = [auroc(abnormal, column) for column in found.T]
        most = max(range(len(values)), key=lambda index: abs(values[index] - 0.5))
        known = next(one for one in TRIVIAL_STATISTICS if one.name == names[most])
        column = found[:, most]
        if mannwhitneyu(column[abnormal], column[~abnormal]).pvalue < chance:
            differing = known.more if values[most] > 0.5 else known.less
            text = f"abnormal films are {differing} (AUROC {values[most]:.2f})"
            differences.append(LabelDifference(text, _OF_STATISTIC))
    projection = _of_projection(positions, abnormal, chance)
    return (*differences, projection) if projection else tuple(differences)


def _of_projection(positions: Sequence[str], abnormal: NDArray[np.bool_], chance: float) -> LabelDifference | None:
    """Return the difference in projection; None where there is none beyond chance."""
    beams = np.array([stated_beam(one) or "" for one in positions])
    stated = beams != ""
    if not stated[abnormal].any() or not stated[~abnormal].any():
        shares = _shares(stated, abnormal, chance)
        return shares and LabelDifference(f"{shares[0]} films state AP or PA", _UNSTATED)
    shares = _shares(beams[stated] == "PA", abnormal[stated], chance)
    if not shares:
        return None
    among = "" if stated.all() else " that state AP or PA"
    rare, common = ("AP", "PA") if shares[1] else ("PA", "AP")
    return LabelDifference(f"{shares[0]} films{among} are PA", f"label abnormal {rare} films or normal {common} films")


def _shares(ones: NDArray[np.bool_], abnormal: NDArray[np.bool_], chance: float) -> tuple[str, bool] | None:
    """Return the shares of abnormal and normal films in words, and whether the first is larger.

    Returns None where they are equal or differ as by chance.
    """
    from scipy.stats import fisher_exact

    counts = [[int((ones & some).sum()), int((~ones & some).sum())] for some in (abnormal, ~abnormal)]
    ill, normal = (one / (one + other) for one, other in counts)
    if ill == normal or fisher_exact(counts).pvalue >= chance:
        return None
    return f"{100 * ill:.0f} % of the abnormal and {100 * normal:.0f} % of the normal", ill > normal
