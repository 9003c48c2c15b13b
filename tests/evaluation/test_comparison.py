"""Comparison: films aligned by their pixels, differences with intervals, disagreements named."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from unseen.evaluation.comparison import compare
from unseen.evaluation.intervals import Interval, Missing

TableMaker = Callable[..., pl.DataFrame]


def worse(table: pl.DataFrame, noise: float) -> pl.DataFrame:
    score = table["score"].to_numpy() + noise * np.random.default_rng(8).normal(size=len(table))
    return table.with_columns(pl.Series("score", score))


@pytest.mark.parametrize("folds", [0, 4])
def test_a_better_detector_is_found_better(make_table: TableMaker, folds: int) -> None:
    good = make_table(400, shift=2.0, folds=folds)
    found = compare({"good": good, "noisy": worse(good, 3.0), "same": good}, draws=300)
    by_names = {(p.first, p.second): p for p in found.pairs}
    pair = by_names["good", "noisy"]
    assert isinstance(pair.difference, Interval) and pair.difference.low > 0
    assert pair.delong.p is not None and pair.delong.p < 0.001
    assert isinstance(pair.delong.difference, Interval)
    assert pair.delong.difference.value == pytest.approx(pair.difference.value, abs=1e-9)
    assert by_names["good", "same"].delong.p == 1.0
    json.dumps(found.to_json(), allow_nan=False)


def test_films_are_matched_by_their_pixels_not_by_their_order_or_name(make_table: TableMaker) -> None:
    first = make_table(100)
    second = first.with_columns(pl.lit("renamed").alias("file")).sample(fraction=1.0, shuffle=True, seed=1).head(80)
    found = compare({"a": first, "b": second}, draws=50)
    assert found.films == 80 and found.left_out == 20
    assert found.pairs[0].delong.p == 1.0


def test_training_films_of_any_are_left_out(make_table: TableMaker) -> None:
    table = make_table(100)
    found = compare({"a": table, "b": table}, exclude=frozenset(table["pixel_sha256"].to_list()[:15]), draws=20)
    assert found.films == 85


def test_other_films_of_training_patients_of_any_are_left_out(make_table: TableMaker) -> None:
    table = make_table(100).with_columns(patient=pl.Series([f"p{i % 50}" for i in range(100)]))
    found = compare({"a": table, "b": table}, exclude=frozenset(table["pixel_sha256"].to_list()[:15]), draws=20)
    assert found.films == 70


def test_twins_have_an_interval_and_no_delong(make_table: TableMaker) -> None:
    table = make_table(200).with_columns(twin=pl.Series([f"t{i // 2}" for i in range(200)]))
    (pair,) = compare({"a": table, "b": worse(table, 1.0)}, draws=20).pairs
    assert pair.delong.p is None and "not independent" in str(pair.delong.difference)


def test_disagreement_and_emptiness_are_said(make_table: TableMaker) -> None:
    table = make_table(100)
    with pytest.raises(ValueError, match="disagree on the label of 100 films"):
        flipped = pl.when(pl.col("label") == "normal").then(pl.lit("abnormal")).otherwise(pl.lit("normal"))
        compare({"a": table, "b": table.with_columns(flipped.alias("label"))})
    with pytest.raises(ValueError, match="1 table given"):
        compare({"a": table})
    nothing = compare({"a": table, "b": table.head(0)}, draws=20)
    assert nothing.films == 0 and isinstance(nothing.pairs[0].difference, Missing)
