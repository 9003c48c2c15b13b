"""The guarantee, tried on hospitals."""

from __future__ import annotations

import numpy as np
import pytest

from studies.hospitals import CONFIDENCE, RATES, from_scores, made_up, simulate, summary


@pytest.mark.slow
@pytest.mark.parametrize("hospitals", [80, pytest.param(250, marks=pytest.mark.nightly)])
def test_the_guarantee_holds_in_many_hospitals_and_a_threshold_read_off_the_roc_does_not(hospitals: int) -> None:
    """So many hospitals a rate, through `calibrate` and `Screener`. The promise may be broken in 5 % of them: the lower
    end of the 95 % bound must not lie above. Power: at each rate, a rule that broke it in 10 % would fail with
    probability 0.9 in 250 hospitals; one that broke it in 18 % with probability 0.95 in 80."""
    rng = np.random.default_rng(7)
    populations = made_up(rng) | {"bunched": from_scores(rng.beta(2, 1, 287).round(2), rng.beta(1, 2, 279).round(2))}
    rows = summary(simulate(populations, hospitals=hospitals), populations)
    assert [row["max_miss_rate"] for row in rows] == list(RATES)
    for row in rows:
        assert isinstance(row["broken_low"], float) and row["broken_low"] <= 1 - CONFIDENCE
        assert isinstance(row["cleared_continuous"], float) and row["cleared_continuous"] > 0
        assert isinstance(row["roc_broken_share"], float) and row["roc_broken_share"] > 0.2
