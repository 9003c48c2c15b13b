"""The threshold and the numbers behind it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from unseen.screening import Guarantee, GuaranteeError

RATES = st.floats(0.005, 0.5)
CONFIDENCES = st.floats(0.5, 0.999)


@pytest.mark.parametrize(
    "rate, needed", [(0.01, [299, 473, 628]), (0.02, [149, 236, 313]), (0.05, [59, 93, 124]), (0.10, [29, 46, 61])]
)
def test_the_published_numbers_of_abnormals_that_are_needed(rate: float, needed: list[int]) -> None:
    assert [Guarantee(rate, 0.95).abnormals_needed(misses) for misses in range(3)] == needed


@given(rate=RATES, confidence=CONFIDENCES, abnormals=st.integers(0, 2000))
def test_k_is_the_largest_whose_clopper_pearson_bound_is_within_the_rate(
    rate: float, confidence: float, abnormals: int
) -> None:
    def upper(misses: int) -> float:
        return 1.0 if misses >= abnormals else float(beta.ppf(confidence, misses + 1, abnormals - misses))

    allowed = Guarantee(rate, confidence).allowed_misses(abnormals)
    if allowed is None:
        assert abnormals == 0 or upper(0) > rate - 1e-9
    else:
        assert upper(allowed) <= rate + 1e-9
        assert upper(allowed + 1) > rate - 1e-9


@given(rate=RATES, confidence=CONFIDENCES, misses=st.integers(0, 20))
def test_one_abnormal_fewer_than_needed_is_too_few(rate: float, confidence: float, misses: int) -> None:
    promise = Guarantee(rate, confidence)
    needed = promise.abnormals_needed(misses)
    enough, short = promise.allowed_misses(needed), promise.allowed_misses(needed - 1)
    assert enough is not None and enough >= misses
    assert short is None or short < misses


def test_tied_scores_at_the_threshold_are_not_cleared() -> None:
    promise = Guarantee(0.10, 0.95)
    assert promise.threshold([0.5] * 40) == 0.5  # cleared is what lies strictly below: none of these


def test_too_few_abnormals_give_no_threshold() -> None:
    assert Guarantee(0.10, 0.95).threshold([1.0] * 28) is None
    assert Guarantee(0.10, 0.95).threshold([1.0] * 29) == 1.0


def test_calibrations_of_a_lifetime_spend_less_than_the_whole_confidence() -> None:
    promise = Guarantee(0.10, 0.95)
    spent = [1 - promise.spent(number).confidence for number in range(1, 40)]
    assert sum(spent) < 0.05 and spent[0] == pytest.approx(0.025)
    assert promise.spent(1).abnormals_needed() == 36
    assert 1 - promise.jointly(2).confidence == pytest.approx(0.025)


@pytest.mark.parametrize(
    "rate, confidence", [(0, 0.95), (1, 0.95), (-0.1, 0.95), (0.1, 1.0), (0.1, 0), (float("nan"), 0.9)]
)
def test_what_cannot_be_promised_is_refused(rate: float, confidence: float) -> None:
    with pytest.raises(GuaranteeError, match="give a share between 0 and 1"):
        Guarantee(rate, confidence)


def test_what_nobody_can_label_is_refused() -> None:
    with pytest.raises(GuaranteeError, match="raise the miss rate or lower the confidence"):
        Guarantee(1e-8, 0.95).abnormals_needed()


def test_nan_has_no_rank() -> None:
    with pytest.raises(GuaranteeError, match="1 of 60 scores are NaN"):
        Guarantee().threshold([float("nan"), *range(59)])
