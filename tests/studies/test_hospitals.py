"""The guarantee, tried on hospitals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from studies.hospitals import CONFIDENCE, RATES, from_scores, made_up, simulate, summary


@pytest.mark.slow
@pytest.mark.parametrize("hospitals", [20, pytest.param(250, marks=pytest.mark.nightly)])
def test_the_guarantee_holds_in_many_hospitals_and_a_threshold_read_off_the_roc_does_not(hospitals: int) -> None:
    """So many hospitals a rate, through `calibrate` and `Screener`. The promise may be broken in 5 % of them: the lower
    end of the one-sided 95 % bound must not lie above, at each rate and over all. Of 4 × 20 hospitals 39 have films
    enough to be calibrated; a rule that broke the promise in 22 % of them would be found with probability 0.95. At
    night, of 4 × 250, one that broke it in 9 % of them would be.
    """
    rng = np.random.default_rng(7)
    populations = made_up(rng) | {"bunched": from_scores(rng.beta(2, 1, 287).round(2), rng.beta(1, 2, 279).round(2))}
    rows = summary(simulate(populations, hospitals=hospitals), populations)
    assert [row["max_miss_rate"] for row in rows] == list(RATES)
    for row in rows:
        assert isinstance(row["broken_low"], float) and row["broken_low"] <= 1 - CONFIDENCE
        assert isinstance(row["cleared_continuous"], float) and row["cleared_continuous"] > 0
    broken, able = (sum(int(row[name]) for row in rows) for name in ("broken", "hospitals"))  # type: ignore[call-overload]
    able -= sum(int(row["refused"]) for row in rows)  # type: ignore[call-overload]
    assert not broken or beta.ppf(1 - CONFIDENCE, broken, able - broken + 1) <= 1 - CONFIDENCE
    assert able == 39 or hospitals > 20, "else the power is another"
    by_roc = [row["roc_broken_share"] for row in rows]
    assert min(by_roc) > 2 * (1 - CONFIDENCE) and np.mean(by_roc) > 0.2  # type: ignore[type-var, call-overload]
