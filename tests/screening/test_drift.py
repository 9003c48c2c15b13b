"""The drift watch: its false alarms are as rare as stated, and drift is seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from unseen.screening import DriftWatch, Guarantee
from unseen.screening.calibration import policy_of
from unseen.screening.conformal import p_value
from unseen.screening.drift_watch import DriftReference, judge_window
from unseen.screening.labelled_studies import Study


def reference(rng: np.random.Generator, *, false_alarms: float = 0.05) -> DriftReference:
    """A calibration on 150 normals and 100 abnormals of a site where a tenth is abnormal; one in 50 is refused."""
    return DriftReference(
        normals=tuple(np.sort(rng.normal(size=150)).tolist()),
        abnormals=tuple(np.sort(rng.normal(2, 1, size=100)).tolist()),
        prevalence=0.1,
        not_scored=int(rng.binomial(255, 0.02)),
        false_alarms=false_alarms,
    )


def window(rng: np.random.Generator, *, shift: float = 0.0, refused: float = 0.02) -> tuple[list[float], int]:
    scores = rng.normal(shift + 2.0 * (rng.random(200) < 0.1))
    gone = int(rng.binomial(200, refused))
    return scores[gone:].tolist(), gone


def test_false_alarms_are_no_more_frequent_than_stated() -> None:
    """600 calibrations and a window each; the share of alarms' lower 95 % bound is at most the stated 5 %."""
    rng = np.random.default_rng(0)
    alarms = sum(judge_window(*window(rng), reference(rng)) is not None for _ in range(600))
    assert float(beta.ppf(0.05, max(alarms, 1), 600 - alarms + 1)) <= 0.05


def test_a_shift_of_scores_and_a_wave_of_refusals_are_seen() -> None:
    rng = np.random.default_rng(1)
    shifted = [judge_window(*window(rng, shift=0.8), reference(rng, false_alarms=0.001)) for _ in range(50)]
    assert sum(alarm is not None and alarm.kind == "scores" for alarm in shifted) >= 48
    refused = [judge_window(*window(rng, refused=0.15), reference(rng, false_alarms=0.001)) for _ in range(50)]
    assert sum(alarm is not None and alarm.kind == "refusals" for alarm in refused) >= 48


@pytest.mark.parametrize("known", ["normals", "abnormals"])
def test_a_calibration_on_one_class_alone_raises_no_alarm_about_scores(known: str) -> None:
    rng = np.random.default_rng(5)
    other = {"normals": "abnormals", "abnormals": "normals"}[known]
    compared = reference(rng).model_copy(update={other: (), "prevalence": 0.5, "not_scored": 5})
    scores, _ = window(rng, refused=0)
    assert judge_window(scores[:100] + [score + 2 for score in scores[100:]], 0, compared) is None
    refused = judge_window(scores[:100], 100, compared)
    assert refused is not None and refused.kind == "refusals"


def test_an_alarm_stands_until_a_person_acknowledges_it() -> None:
    rng = np.random.default_rng(2)
    compared, watch = reference(rng), DriftWatch()
    for score in window(rng, shift=3.0)[0] + [9.0] * 20:
        watch.observe(score, compared)
    assert watch.alarm is not None and "do not look like those of the calibration" in watch.alarm.reason
    kept = DriftWatch.model_validate_json(watch.model_dump_json())  # a restart in between
    for score in window(rng)[0][:100]:
        assert kept.observe(score, compared) is not None
    assert kept.acknowledge() is not None
    assert kept.alarm is None and kept.observe(None, compared) is None


def test_p_values_of_normals_are_no_smaller_than_they_say() -> None:
    """P(p ≤ t) ≤ t, over 4,000 draws of 99 normals and one more, within three standard errors."""
    rng = np.random.default_rng(3)
    drawn = [p_value(float(rng.normal()), np.sort(rng.normal(size=99)).tolist()) for _ in range(4000)]
    for t in (0.05, 0.1, 0.5):
        assert np.mean(np.asarray(drawn) <= t) == pytest.approx(t, abs=3 * np.sqrt(t * (1 - t) / 4000))


@pytest.mark.parametrize("abnormal", [True, False])
def test_a_calibration_on_one_class_alone_gives_a_reference(abnormal: bool) -> None:
    """The share of abnormal studies stays inside (0, 1), where its odds are finite."""
    studies = [Study(name=str(i), patient=str(i), source="ward", abnormal=abnormal, score=i / 40) for i in range(40)]
    policy = policy_of(studies, Guarantee(0.1, 0.95), model="pca", weights_sha256="ab" * 32)
    assert policy.drift is not None and 0 < policy.drift.prevalence < 1
    assert policy.drift.prevalence == pytest.approx(float(abnormal), abs=1e-5)
    assert (len(policy.drift.abnormals), len(policy.drift.normals)) == ((40, 0) if abnormal else (0, 40))
