"""DeLong against the definition by double loop, a worked example, the bootstrap, and its own level and power."""

from __future__ import annotations

import numpy as np
import pytest

from unseen.evaluation.delong import delong_covariance, delong_test, folded_covariance
from unseen.evaluation.intervals import Interval, Missing


def by_definition(scores: np.ndarray, abnormal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Placements from every pair, O(n²): DeLong 1988, eq. 4-6."""
    v10, v01 = [], []
    for score in scores:
        x, y = score[abnormal][:, None], score[~abnormal][None]
        psi = (x > y) + 0.5 * (x == y)
        v10.append(psi.mean(axis=1))
        v01.append(psi.mean(axis=0))
    n1, n0 = abnormal.sum(), (~abnormal).sum()
    return np.mean(v10, axis=1), np.cov(v10) / n1 + np.cov(v01) / n0


def two_scores(rng: np.random.Generator, *, n: int = 120, gap: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    abnormal = np.arange(n) % 2 == 1
    shared = rng.normal(size=n)
    first = shared + 0.7 * rng.normal(size=n) + (1 + gap) * abnormal
    return np.stack([first, shared + 0.7 * rng.normal(size=n) + abnormal]), abnormal


@pytest.mark.parametrize("digits", [0, 8])
def test_midranks_give_the_definitions_covariance_ties_included(digits: int) -> None:
    scores, abnormal = two_scores(np.random.default_rng(0))
    scores = np.round(scores, digits)
    value, covariance = delong_covariance(scores, abnormal)
    expected_value, expected = by_definition(scores, abnormal)
    assert np.allclose(value, expected_value, atol=1e-12)
    assert np.allclose(covariance, expected, atol=1e-12)


def test_a_case_worked_by_hand() -> None:
    """V10 = (½, 1), V01 = (1, ½): each variance 1/8, over two films each, 1/16 + 1/16."""
    value, covariance = delong_covariance(np.array([[0.1, 0.4, 0.35, 0.8]]), np.array([False, False, True, True]))
    assert value[0] == 0.75
    assert covariance[0, 0] == pytest.approx(1 / 8)


def test_the_bootstrap_agrees() -> None:
    rng = np.random.default_rng(5)
    scores, abnormal = two_scores(rng, n=300, gap=0.3)
    drawn = []
    for _ in range(1500):
        picks = np.concatenate([rng.choice(np.flatnonzero(abnormal == c), (abnormal == c).sum()) for c in (0, 1)])
        drawn.append(np.subtract(*by_definition(scores[:, picks], abnormal[picks])[0]))
    found = delong_test(scores[0], scores[1], abnormal).difference
    assert isinstance(found, Interval)
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(np.std(drawn), rel=0.1)


def test_level_and_power() -> None:
    """Under no difference 5 % reject; with a gap of half a standard deviation nearly all do."""
    rng = np.random.default_rng(9)
    tests = [delong_test(*s, a) for s, a in (two_scores(rng) for _ in range(600))]
    assert 0.03 <= np.mean([t.p is not None and t.p < 0.05 for t in tests]) <= 0.075
    powered = [delong_test(*s, a) for s, a in (two_scores(rng, n=300, gap=0.6) for _ in range(60))]
    assert np.mean([t.p is not None and t.p < 0.05 for t in powered]) > 0.9


def test_folds_combine_as_independent_parts() -> None:
    scores, abnormal = two_scores(np.random.default_rng(2), n=200)
    fold = np.arange(200) // 100
    value, covariance = folded_covariance(scores, abnormal, fold)
    parts = [by_definition(scores[:, fold == f], abnormal[fold == f]) for f in (0, 1)]
    assert np.allclose(value, (parts[0][0] + parts[1][0]) / 2)
    assert np.allclose(covariance, (parts[0][1] + parts[1][1]) / 4)


def test_too_few_films_are_a_sentence_and_equal_scores_have_p_one() -> None:
    found = delong_test(np.arange(3.0), np.arange(3.0), np.array([False, False, True]))
    assert isinstance(found.difference, Missing) and found.p is None
    truth = np.arange(20) % 2 == 0
    assert delong_test(np.arange(20.0), np.exp(np.arange(20.0)), truth).p == 1.0
