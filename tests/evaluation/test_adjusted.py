"""Adjustment: planted coefficients come back, a planted confounder goes away, a real effect stays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from unseen.evaluation.adjusted import (
    Adjustment,
    adjusted_percentiles,
    fit_adjustment,
    within_residuals,
)
from unseen.evaluation.intervals import Interval
from unseen.evaluation.metrics import entry_at, figure_at, metrics_from_table
from unseen.evaluation.roc import auroc
from unseen.evaluation.statistics_mix import patient_folds

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


def test_a_planted_confounder_vanishes_and_an_effect_stays(make_table: TableMaker) -> None:
    for effect, low, high in ((0.0, 0.45, 0.56), (2.0, 0.88, 0.95)):
        metrics = metrics_from_table(confounded(make_table, effect=effect), draws=200)
        raw, adjusted = figure_at(metrics, "auroc", "pooled"), figure_at(metrics, "adjusted", "pooled")
        second = figure_at(metrics, "covariate_adjusted", "pooled")
        assert isinstance(raw, Interval) and isinstance(adjusted, Interval) and isinstance(second, Interval)
        assert raw.value > 0.75
        assert low < adjusted.value < high
        assert low - 0.02 < second.value < high + 0.02


def test_films_dealt_to_models_by_patient_are_adjusted_too(make_table: TableMaker) -> None:
    """Where a fold is sha256(patient) mod 5, the same deal would hold all films of a model out at once."""
    table = confounded(make_table, effect=2.0)
    models = patient_folds(table)
    cross_fitted = table.with_columns(fold=pl.Series(models), score=pl.col("score") + 10 * pl.Series(models))
    one_fold = table.filter(pl.Series(models == 2))
    for films in (cross_fitted, one_fold):
        adjusted = figure_at(metrics_from_table(films, draws=200), "adjusted", "pooled")
        assert isinstance(adjusted, Interval) and 0.85 < adjusted.value < 0.98
    assert (patient_folds(table, reshuffled=True) != models).mean() == pytest.approx(0.8, abs=0.06)


def test_the_percentile_also_takes_out_a_spread_that_grows_with_sharpness(make_table: TableMaker) -> None:
    table = confounded(make_table, effect=1.5, spread=True)
    abnormal = (table["label"] == "abnormal").to_numpy()
    z = adjusted_percentiles(table, abnormal)
    residual = within_residuals(table, abnormal)
    assert z is not None and residual is not None
    log_sharp = np.log(table["sharpness"].to_numpy())[~abnormal]
    grows = [abs(np.corrcoef(np.abs(v[~abnormal]), log_sharp)[0, 1]) for v in (residual, z)]
    assert grows[1] < 0.15 < grows[0]
    assert auroc(z, abnormal) == pytest.approx(0.856, abs=0.03)  # Φ(1.5 / √2)


def test_stored_coefficients_are_used_and_named(make_table: TableMaker) -> None:
    table = confounded(make_table)
    stored = metrics_from_table(table, adjustment={"intercept": 0, "log_sharpness": 3, "lung_area": -2}, draws=200)
    assert stored["adjustment"] == "stored"
    figure = figure_at(stored, "adjusted", "pooled")
    assert isinstance(figure, Interval) and 0.45 < figure.value < 0.55
    assert metrics_from_table(table, draws=20)["adjustment"] == "within"


def test_coefficients_may_be_given_by_fold(make_table: TableMaker) -> None:
    table = confounded(make_table, folds=2)
    by_fold = {1: Adjustment(10, 3, -2), 2: Adjustment(20, 3, -2)}
    metrics = metrics_from_table(table, adjustment=by_fold, draws=100)
    figure = figure_at(metrics, "adjusted", "pooled")
    assert metrics["adjustment"] == "stored"
    assert isinstance(figure, Interval) and 0.45 < figure.value < 0.55
    missing = metrics_from_table(table, adjustment={1: Adjustment(10, 3, -2)}, draws=20)
    assert "no coefficients" in str(entry_at(missing, "adjusted", "pooled", "reason"))


def test_a_whole_film_view_is_adjusted_for_sharpness_alone(make_table: TableMaker) -> None:
    table = confounded(make_table).with_columns(pl.lit(None, dtype=pl.Float64).alias("lung_area"))
    assert isinstance(figure_at(metrics_from_table(table, draws=50), "adjusted", "pooled"), Interval)
    metrics = metrics_from_table(table, adjustment=Adjustment(0, 3, -2), draws=50)
    assert "lung area, which some films lack" in str(entry_at(metrics, "adjusted", "pooled", "reason"))


def test_wrong_coefficients_are_refused(make_table: TableMaker) -> None:
    with pytest.raises(ValueError, match="intercept, log_sharpness, lung_area are expected"):
        Adjustment.from_dict({"slope": 1.0})
    with pytest.raises(ValueError, match="fitted on normals"):
        fit_adjustment(make_table(50))
    with pytest.raises(ValueError, match="needs 10 or more"):
        fit_adjustment(make_table(50).head(3))
