"""The withdrawn adjustment: coefficients are as planted, and the AUROC of its residuals fails the tests of a figure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from studies.withdrawn_adjustment import adjusted_auroc
from unseen.evaluation.metrics import metrics_from_table
from unseen.evaluation.withdrawn_adjustment import Adjustment, fit_adjustment

TableMaker = Callable[..., pl.DataFrame]


def confounded(make_table: TableMaker, *, effect: float = 0.0, folds: int = 0, spread: bool = False) -> pl.DataFrame:
    """Score = 3 log sharpness − 2 lung area + noise + effect, on films whose abnormals are far sharper."""
    table = make_table(800, planted=2.0, folds=folds, seed=5)
    rng = np.random.default_rng(6)
    sharp, area = np.log(table["sharpness"].to_numpy()), table["lung_area"].to_numpy()
    abnormal = (table["label"] == "abnormal").to_numpy()
    scale = np.exp(2 * sharp) if spread else np.ones(len(table))
    score = 3 * sharp - 2 * area + 0.3 * scale * (rng.normal(size=len(table)) + effect * abnormal)
    if folds:
        score = score + 10 * table["fold"].to_numpy()
    return table.with_columns(pl.Series("score", score))


def test_planted_coefficients_come_back_whatever_the_models_offsets(make_table: TableMaker) -> None:
    for folds in (0, 4):
        table = confounded(make_table, folds=folds).filter(pl.col("label") == "normal")
        found = fit_adjustment(table)
        assert found.log_sharpness == pytest.approx(3, abs=0.2)
        assert found.lung_area == pytest.approx(-2, abs=0.2)
        assert Adjustment.from_dict(found.to_dict()) == found


def test_increasing_transforms_of_a_score_move_the_withdrawn_figure(make_table: TableMaker) -> None:
    table = confounded(make_table)
    straight, curved = (adjusted_auroc(table.with_columns(score=s)) for s in (pl.col("score"), pl.col("score").exp()))
    assert straight == pytest.approx(0.5, abs=0.06) and curved > straight + 0.1


def test_sharpness_as_the_score_keeps_the_withdrawn_figure_above_one_half(make_table: TableMaker) -> None:
    table = make_table(800, planted=2.0, seed=5)
    assert adjusted_auroc(table.with_columns(score=pl.col("sharpness") ** 3)) > 0.6


def test_metrics_have_no_adjusted_figure_and_the_argument_warns(make_table: TableMaker) -> None:
    with pytest.warns(DeprecationWarning, match="withdrawn"):
        metrics = metrics_from_table(make_table(60), adjustment=Adjustment(0.0, 1.0, 0.0), draws=10)
    assert not {"adjusted", "covariate_adjusted", "adjustment"} & set(metrics)


def test_wrong_coefficients_are_refused(make_table: TableMaker) -> None:
    with pytest.raises(ValueError, match="intercept, log_sharpness, lung_area are expected"):
        Adjustment.from_dict({"slope": 1.0})
    with pytest.raises(ValueError, match="fitted on normals"):
        fit_adjustment(make_table(50))
    with pytest.raises(ValueError, match="needs 10 or more"):
        fit_adjustment(make_table(50).head(3))
