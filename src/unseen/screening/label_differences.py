"""Words for the simple statistic and the projection in which abnormal films differ most from normal ones.

`unseen adapt` prints them where it refuses labels (`adaptation`); the check itself is `label_check`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unseen.data.film_projection import stated_beam
from unseen.evaluation.roc import auroc
from unseen.evaluation.simple_statistics import TRIVIAL_STATISTICS
from unseen.evaluation.statistics_mix import usable_statistics

_CHANCE = 0.05
"""Probability with which a difference between normal and abnormal films is named where there is none."""


def apart(
    statistics: Sequence[dict[str, float | None]], positions: Sequence[str], abnormal: NDArray[np.bool_]
) -> tuple[str, ...]:
    """Return in words how abnormal films differ from normal ones: the statistic that differs most, and the projection.

    A difference that films without one show by chance is left out: p is below 0.05 for all differences together
    (Bonferroni), by the rank-sum test for statistics and by Fisher's exact test for the projection, as if films were
    independent.

    Args:
        statistics: simple statistics of each film.
        positions: DICOM ViewPosition of each film, "" where it is not stated.
        abnormal: label of each film (n,).

    Returns:
        At most two phrases. Shares of AP and PA are those among the films that state either; where films of one class
        alone do, this share is given instead.

    Example:
        >>> ill = np.arange(20) < 10
        >>> apart([{"sharpness": 2.0 - one} for one in ill], ["PA" if one else "AP" for one in ill], ill)
        ('less sharp (AUROC 0.00)', 'PA in 100 %, normal ones in 0 %')
    """
    import polars as pl
    from scipy.stats import mannwhitneyu

    found, names = usable_statistics(pl.DataFrame(statistics, infer_schema_length=None))
    chance = _CHANCE / (len(names) + 1)
    said = []
    if names:
        values = [auroc(abnormal, column) for column in found.T]
        most = max(range(len(values)), key=lambda index: abs(values[index] - 0.5))
        known = next(one for one in TRIVIAL_STATISTICS if one.name == names[most])
        column = found[:, most]
        if mannwhitneyu(column[abnormal], column[~abnormal]).pvalue < chance:
            said.append(f"{known.more if values[most] > 0.5 else known.less} (AUROC {values[most]:.2f})")
    beams = np.array([stated_beam(one) or "" for one in positions])
    stated = beams != ""
    if not stated[abnormal].any() or not stated[~abnormal].any():
        differing = _shares("with a stated projection", stated, abnormal, chance)
    else:
        differing = _shares("PA", beams[stated] == "PA", abnormal[stated], chance)
        differing += " (of films that state AP or PA)" * (bool(differing) and not stated.all())
    return (*said, differing) if differing else tuple(said)


def _shares(name: str, ones: NDArray[np.bool_], abnormal: NDArray[np.bool_], chance: float) -> str:
    """Return the shares of abnormal and normal films in words; "" where they are equal or differ as by chance."""
    from scipy.stats import fisher_exact

    counts = [[int((ones & some).sum()), int((~ones & some).sum())] for some in (abnormal, ~abnormal)]
    ill, normal = (f"{100 * one / (one + other):.0f} %" for one, other in counts)
    if ill == normal or fisher_exact(counts).pvalue >= chance:
        return ""
    return f"{name} in {ill}, normal ones in {normal}"
