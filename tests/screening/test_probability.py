"""Scores to probabilities, and whether they are what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.isotonic import IsotonicRegression

from unseen.evaluation.bootstrap import BootstrapCohort
from unseen.evaluation.intervals import Interval, Missing
from unseen.screening import ProbabilityMap, fit_probability, reliability


def labelled(normals: int, abnormals: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    scores = np.concatenate([rng.normal(size=normals), 1.5 + rng.normal(size=abnormals)])
    return scores, np.arange(normals + abnormals) >= normals


def cohort(scores: np.ndarray, abnormal: np.ndarray) -> BootstrapCohort:
    n = len(scores)
    zeros = np.zeros(n, np.int64)
    return BootstrapCohort(scores, abnormal, zeros, np.full(n, "ward"), np.arange(n), abnormal.astype(np.int64))


@given(
    rows=st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=60).filter(
        lambda rows: len({label for _, label in rows}) == 2
    ),
    prevalence=st.floats(0.01, 0.99),
)
@example(rows=[(0, False)] * 4 + [(-2, True), (3, True)], prevalence=0.7486283532287656)  # rounding passed the end
def test_the_map_is_increasing_strict_within_and_never_certain(rows: list[tuple[int, bool]], prevalence: float) -> None:
    mapped = fit_probability([s for s, _ in rows], [a for _, a in rows], prevalence=prevalence)
    found = mapped(np.linspace(-9, 9, 100))
    assert (np.diff(found) >= 0).all() and found.min() > 0 and found.max() < 1


def test_at_the_steps_it_is_isotonic_regression() -> None:
    scores, abnormal = labelled(300, 200)
    mapped = fit_probability(scores, abnormal)
    plain = IsotonicRegression(out_of_bounds="clip").fit(scores, abnormal.astype(float))
    inner = slice(1, -1)  # the ends are kept off 0 and 1
    assert np.asarray(mapped.probabilities)[inner] == pytest.approx(plain.predict(np.asarray(mapped.scores)[inner]))


def test_labelled_films_of_any_mix_give_the_probability_at_the_sites_prevalence() -> None:
    """At 5 % prevalence a map from half-and-half labels, so corrected, says 5 % on average over the site's films."""
    mapped = fit_probability(*labelled(4000, 4000), prevalence=0.05)
    scores, abnormal = labelled(3_800, 200, seed=1)
    assert float(mapped(scores).mean()) == pytest.approx(0.05, abs=0.008)
    uncorrected = fit_probability(*labelled(4000, 4000))
    assert float(uncorrected(scores).mean()) > 0.2
    said = reliability(mapped(scores), cohort(scores, abnormal), prevalence=0.05, rng=np.random.default_rng(0))
    wrong = reliability(uncorrected(scores), cohort(scores, abnormal), prevalence=0.05, rng=np.random.default_rng(0))
    assert isinstance(said.calibration_error, Interval) and isinstance(wrong.calibration_error, Interval)
    assert said.calibration_error.value < 0.03 < 0.15 < wrong.calibration_error.low
    assert isinstance(said.brier, Interval) and isinstance(wrong.brier, Interval)
    assert said.brier.value < wrong.brier.value
    assert sum(b.studies for b in said.bins) == len(scores)


def test_brier_is_scikit_learns_where_nothing_is_reweighted() -> None:
    from sklearn.metrics import brier_score_loss

    scores, abnormal = labelled(60, 40)
    p = np.clip(scores / 4 + 0.4, 0.01, 0.99)
    said = reliability(p, cohort(scores, abnormal), prevalence=0.4, rng=np.random.default_rng(0))
    assert isinstance(said.brier, Interval)
    assert said.brier.value == pytest.approx(brier_score_loss(abnormal, p))


def test_without_both_classes_there_is_no_figure_and_no_map() -> None:
    with pytest.raises(ValueError, match="0 abnormal and 2 normal studies: a probability needs both"):
        fit_probability([1.0, 2.0], [False, False])
    said = reliability(
        np.array([0.5, 0.5]), cohort(np.zeros(2), np.zeros(2, bool)), prevalence=0.5, rng=np.random.default_rng(0)
    )
    assert isinstance(said.brier, Missing)


@pytest.mark.parametrize(
    "scores, values", [((1, 0), (0.1, 0.2)), ((1, 2), (0.2, 0.1)), ((1, 2), (0.0, 0.1)), ((1,), (0.1, 0.2))]
)
def test_a_map_that_is_none_is_refused(scores: tuple[float, ...], values: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError):
        ProbabilityMap(scores=scores, probabilities=values, prevalence=0.5)
