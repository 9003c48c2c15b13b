"""ROC figures against scikit-learn, at weights of one and at multiplicities; folds against the mean by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.metrics import roc_curve as sklearn_curve

from unseen.evaluation.roc import (
    Auroc,
    AveragePrecision,
    RocAt,
    SensitivityAt,
    SpecificityAt,
    auroc,
    folds_of,
    roc_curve,
)

ONE_FOLD = np.zeros(200, dtype=np.int64)


def films(seed: int = 0, *, ties: bool = False, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    abnormal = rng.random(n) < 0.4
    score = rng.normal(size=n) + abnormal
    return (np.round(score) if ties else score), abnormal


@pytest.mark.parametrize("ties", [False, True])
def test_auroc_and_average_precision_are_scikit_learns(ties: bool) -> None:
    score, abnormal = films(ties=ties)
    folds, ones = folds_of(score, abnormal, ONE_FOLD), np.ones((1, 200))
    assert Auroc(folds)(ones)[0] == pytest.approx(roc_auc_score(abnormal, score), abs=1e-12)
    assert auroc(abnormal, score) == pytest.approx(roc_auc_score(abnormal, score))
    assert AveragePrecision(folds)(ones)[0] == pytest.approx(average_precision_score(abnormal, score), abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_multiplicities_count_as_repeated_films(ties: bool) -> None:
    score, abnormal = films(1, ties=ties)
    weights = np.random.default_rng(2).integers(0, 4, (3, 200)).astype(float)
    folds = folds_of(score, abnormal, ONE_FOLD)
    for row in range(3):
        repeated = np.repeat(np.arange(200), weights[row].astype(int))
        truth, values = abnormal[repeated], score[repeated]
        assert Auroc(folds)(weights)[row] == pytest.approx(roc_auc_score(truth, values), abs=1e-12)
        precision = average_precision_score(truth, values)
        assert AveragePrecision(folds)(weights)[row] == pytest.approx(precision, abs=1e-12)


def test_folds_are_weighted_by_the_product_of_their_class_sizes() -> None:
    score, abnormal = films(3)
    fold = np.random.default_rng(4).integers(0, 3, 200)
    score = score + 10 * fold  # models on scales of their own: the pooled rank would be meaningless
    weights, values = [], []
    for number in range(3):
        here = fold == number
        weights.append((here & abnormal).sum() * (here & ~abnormal).sum())
        values.append(roc_auc_score(abnormal[here], score[here]))
    found = Auroc(folds_of(score, abnormal, fold))(np.ones((1, 200)))[0]
    assert found == pytest.approx(np.average(values, weights=weights), abs=1e-12)


def test_operating_points_are_the_best_points_of_the_curve() -> None:
    score, abnormal = films(5)
    fpr, tpr, _ = sklearn_curve(abnormal, score, drop_intermediate=False)
    folds, ones = folds_of(score, abnormal, ONE_FOLD), np.ones((1, 200))
    assert SensitivityAt(folds, 0.9)(ones)[0] == pytest.approx(tpr[fpr <= 0.1 + 1e-9].max())
    assert SpecificityAt(folds, 0.95)(ones)[0] == pytest.approx(1 - fpr[tpr >= 0.95 - 1e-9].min())


def test_the_mean_curve_of_the_folds_encloses_the_fold_weighted_area() -> None:
    score, abnormal = films(6)
    fold = np.arange(200) % 4
    folds, ones = folds_of(score, abnormal, fold), np.ones((1, 200))
    grid = np.linspace(0, 1, 20001)
    curve = RocAt(folds, grid)(ones)[0]
    assert np.trapezoid(curve, grid) == pytest.approx(Auroc(folds)(ones)[0], abs=2e-3)
    assert roc_curve(abnormal, score)[1][-1] == 1


def test_one_class_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="needs both classes; got 3 normal and 0 abnormal"):
        auroc([False] * 3, [1.0, 2.0, 3.0])


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=30))
def test_any_ties_agree_with_scikit_learn(films: list[tuple[int, bool]]) -> None:
    score, abnormal = np.array([float(s) for s, _ in films]), np.array([a for _, a in films])
    folds = folds_of(score, abnormal, np.zeros(len(films), dtype=np.int64))
    if abnormal.all() or not abnormal.any():
        assert folds == ()
    else:
        found = Auroc(folds)(np.ones((1, len(films))))[0]
        assert found == pytest.approx(roc_auc_score(abnormal, score), abs=1e-12)


def test_the_old_order_of_arguments_warns_and_gives_the_same_area() -> None:
    truth, score = [False, True, True], [0.2, 0.1, 0.9]
    with pytest.warns(DeprecationWarning, match="the truth first"):
        assert auroc(score, truth) == auroc(truth, score) == 0.5  # type: ignore[arg-type]


@pytest.mark.parametrize(("truth", "score"), [([0, 1, 2], [0.1, 0.2, 0.3]), ([0, 1], [0.1, 0.2, 0.3])])
def test_auroc_refuses_labels_that_are_not_binary_and_other_lengths(truth: list[int], score: list[float]) -> None:
    with pytest.raises(ValueError, match="y_true"):
        auroc(truth, score)
