"""metrics.json: the agreed shape, no NaN, training films out by their pixels, and no table that crashes it."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from unseen.evaluation.epoch_peak import best_epoch
from unseen.evaluation.intervals import Interval, Missing
from unseen.evaluation.metrics import count_at, entry_at, figure_at, judged_rows, metrics_from_table, text_at
from unseen.evaluation.simple_statistics import STATISTIC_NAMES
from unseen.evaluation.table import score_schema

TableMaker = Callable[..., pl.DataFrame]
FIGURE = {"value", "low", "high"}


def test_the_shape_is_the_contracts(make_table: TableMaker) -> None:
    metrics = metrics_from_table(make_table(300, folds=4), draws=100, recipe="abc")
    json.dumps(metrics, allow_nan=False)
    entry = metrics["auroc"]
    assert isinstance(entry, dict) and set(entry) == {"pooled", "montgomery", "shenzhen"}
    for figure in entry.values():
        assert isinstance(figure, dict) and set(figure) == FIGURE
    pairs = metrics["like_pairs"]
    assert isinstance(pairs, dict) and list(pairs) == ["sharpness", "all statistics"]
    for figure in pairs.values():
        assert isinstance(figure, dict) and set(figure) > FIGURE | {"pairs", "covariates"}
    site = metrics["site"]
    assert isinstance(site, dict) and list(site) == ["montgomery|shenzhen"]
    assert entry_at(metrics, "n", "pooled", "normal") == make_table(300, folds=4)["label"].to_list().count("normal")
    assert {"shortcuts", "n", "excluded_training_films", "recipe", "protocol"} <= set(metrics)
    assert metrics["recipe"] == "abc" and metrics["excluded_training_films"] == 0
    assert "mean of 4 folds" in text_at(metrics, "protocol")
    pooled = entry_at(metrics, "shortcuts", "pooled")
    assert isinstance(pooled, dict) and set(pooled) == set(STATISTIC_NAMES)
    assert set(pooled["sharpness"] if isinstance(pooled["sharpness"], dict) else ()) >= FIGURE


def test_the_same_table_and_seed_give_the_same_bytes(make_table: TableMaker) -> None:
    first, second = (json.dumps(metrics_from_table(make_table(150), draws=100, seed=3)) for _ in range(2))
    assert first == second
    assert first != json.dumps(metrics_from_table(make_table(150), draws=100, seed=4))


def test_training_films_are_left_out_by_their_pixels_and_counted(make_table: TableMaker) -> None:
    table = make_table(200)
    trained = frozenset(table["pixel_sha256"].to_list()[:30])
    metrics = metrics_from_table(table, exclude=trained, draws=50)
    assert metrics["excluded_training_films"] == 30
    rest = table.tail(170)
    expected = roc_auc_score(rest["label"] == "abnormal", rest["score"])
    found = figure_at(metrics, "auroc", "pooled")
    assert isinstance(found, Interval) and found.value == pytest.approx(expected, abs=1e-6)


def test_other_films_of_training_patients_are_left_out_and_counted(make_table: TableMaker) -> None:
    table, later = make_table(200), make_table(60, seed=1)
    digests = table["pixel_sha256"].to_list()
    later = later.with_columns(  # follow-up films, on which the model is perfect
        score=pl.when(pl.col("label") == "abnormal").then(9.0).otherwise(-9.0),
        pixel_sha256=pl.Series([f"later-{i}" for i in range(60)]),
    )
    copy = later[:1].with_columns(patient=pl.lit("p0 (copy)"))
    unread = later[:1].with_columns(status=pl.lit("not_read"), score=pl.lit(None, pl.Float64))
    metrics = metrics_from_table(pl.concat([later, table, copy, unread]), exclude=frozenset(digests[:60]), draws=50)
    assert metrics["excluded_training_films"] == 60 and metrics["excluded_films_of_training_patients"] == 61
    alone = metrics_from_table(table.tail(140), draws=50)
    assert metrics["auroc"] == alone["auroc"] and alone["excluded_films_of_training_patients"] == 0


@pytest.mark.parametrize("patient", [None, ""])
def test_films_without_a_patient_are_not_of_one_patient(make_table: TableMaker, patient: str | None) -> None:
    table = make_table(200).with_columns(patient=pl.lit(patient, pl.String))
    rows, trained_on, of_training_patients = judged_rows(table, frozenset(table["pixel_sha256"].to_list()[:30]))
    assert (len(rows), trained_on, of_training_patients) == (170, 30, 0)


def test_site_is_between_normals_and_mirrored(make_table: TableMaker) -> None:
    table = make_table(300)
    shifted = table.with_columns(
        pl.when(pl.col("source") == "shenzhen").then(pl.col("score") - 2).otherwise(pl.col("score")).alias("score")
    )
    normal = shifted.filter(pl.col("label") == "normal")
    expected = 1 - roc_auc_score(normal["source"] == "shenzhen", normal["score"])
    found = figure_at(metrics_from_table(shifted, draws=50), "site", "montgomery|shenzhen")
    assert isinstance(found, Interval) and found.value == pytest.approx(expected, abs=1e-6)


def test_kinds_are_set_against_all_normals(make_table: TableMaker) -> None:
    table = make_table(300)
    kind = ["" if x == "normal" else ("nodule" if i % 2 else "effusion") for i, x in enumerate(table["label"])]
    table = table.with_columns(pl.Series("kind", kind), pl.Series("contrast", [str(i / 300) for i in range(300)]))
    metrics = metrics_from_table(table, draws=50)
    some = table.filter((pl.col("label") == "normal") | (pl.col("kind") == "nodule"))
    found = figure_at(metrics, "by_kind", "nodule")
    assert isinstance(found, Interval)
    assert found.value == pytest.approx(roc_auc_score(some["label"] == "abnormal", some["score"]), abs=1e-6)
    thirds = metrics["by_contrast"]
    assert isinstance(thirds, dict) and len(thirds) == 3


def test_one_class_is_a_sentence(make_table: TableMaker) -> None:
    table = make_table(60).filter(pl.col("label") == "normal")
    metrics = metrics_from_table(table, draws=20)
    figure = figure_at(metrics, "auroc", "pooled")
    assert isinstance(figure, Missing) and "0 abnormal films" in figure.reason
    assert text_at(metrics, "headline").startswith("No AUROC: ")
    assert text_at(metrics, "shortcuts", "verdict", "pooled").startswith("No verdict: ")


def test_an_empty_table_is_a_sentence() -> None:
    metrics = metrics_from_table(pl.DataFrame(schema=score_schema()), draws=20)
    assert isinstance(figure_at(metrics, "auroc", "pooled"), Missing)


def test_a_source_called_pooled_does_not_overwrite_the_pooled_figure(make_table: TableMaker) -> None:
    metrics = metrics_from_table(make_table(120, sources=("pooled", "other")), draws=20)
    assert list(metrics["auroc"] if isinstance(metrics["auroc"], dict) else ()) == ["pooled", "other", "source pooled"]


def test_a_source_with_the_name_of_a_fixed_key_does_not_overwrite_it(make_table: TableMaker) -> None:
    reserved = "inputs", "not_read", "unlabelled", "folds", "mix", "strongest", "above_all", "verdict", "supervised"
    for name in reserved:
        metrics = metrics_from_table(make_table(60, sources=(name, "ward")), draws=5)
        plain = metrics_from_table(make_table(60, sources=("other", "ward")), draws=5)
        for part in ("auroc", "n", "shortcuts"):
            keys, expected = (list(found) if isinstance(found := one[part], dict) else [] for one in (metrics, plain))
            assert sorted(keys) == sorted(f"source {name}" if key == "other" else key for key in expected), name
        assert count_at(metrics, "inputs") == 60 and count_at(metrics, "folds") == 1
        assert entry_at(metrics, "shortcuts", "mix", "supervised") is True
        assert text_at(metrics, "shortcuts", "verdict", "pooled")


def test_a_kind_of_lesion_called_pooled_does_not_overwrite_the_pooled_localisation(make_table: TableMaker) -> None:
    table = make_table(40)
    values = {"lesion_average_precision": 0.5, "lesion_hit": 1.0, "lesion_share": 0.1}
    table = table.with_columns(
        *(pl.lit(value).alias(name) for name, value in values.items()),
        pl.Series("kind", ["pooled"] * 10 + ["nodule"] * 30),
    )
    found = metrics_from_table(table, draws=5)["localisation"]
    assert isinstance(found, dict)
    assert {name: entry_at(found, name, "n") for name in found} == {"pooled": 40, "nodule": 30, "kind pooled": 10}


row = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["scored", "scored", "scored", "not_read"]),
        "score": st.sampled_from([0.0, 1.0, 1.0, 2.5, -1e300, 1e300, float("nan"), float("inf"), None]),
        "label": st.sampled_from(["normal", "abnormal", "abnormal", None, "empty"]),
        "source": st.sampled_from(["a", "b", "", None]),
        "patient": st.sampled_from(["p", "q", "r", "", None]),
        "fold": st.sampled_from([None, 0, 1]),
        "sharpness": st.sampled_from([0.0, 0.1, None]),
        "lung_area": st.sampled_from([0.2, None]),
        "twin": st.sampled_from([None, "t", "u"]),
        "kind": st.sampled_from([None, "nodule"]),
        "lesion_hit": st.sampled_from([None, True]),
    }
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(row, max_size=14))
def test_no_table_crashes_or_yields_a_nan(rows: list[dict[str, object]]) -> None:
    filled = [{**dict.fromkeys(score_schema()), "file": f"{i}", **r} for i, r in enumerate(rows)]
    with np.errstate(all="raise", under="ignore", over="ignore"):
        metrics = metrics_from_table(pl.DataFrame(filled, schema=score_schema()), draws=10)
    json.dumps(metrics, allow_nan=False)


def test_the_best_epoch_keeps_its_name_and_its_warning() -> None:
    found = best_epoch({1: 0.6, 2: 0.9, 3: 0.7}).to_json()
    assert found["epoch"] == 2 and found["best_epoch_auroc"] == 0.9 and found["last_epoch_auroc"] == 0.7
    assert "auroc" not in found and "not the headline" in str(found["note"])
    with pytest.raises(ValueError, match="no finite value"):
        best_epoch([float("nan")])
