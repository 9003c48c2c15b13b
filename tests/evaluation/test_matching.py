"""Like pairs: no increasing transform of a score and no whole-film statistic moves the figure from where it belongs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from unseen.data.film import Film
from unseen.data.reading import films
from unseen.evaluation.bootstrap import numbers
from unseen.evaluation.intervals import Interval, Missing
from unseen.evaluation.matching import LEAST_PAIRS, LikePairs, balance, like_pairs
from unseen.evaluation.roc import auroc
from unseen.evaluation.simple_statistics import STATISTIC_NAMES, trivial_statistics

TableMaker = Callable[..., pl.DataFrame]

TRANSFORMS: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "exponential": lambda s: (s * 3).exp(),
    "logarithm": lambda s: (s - s.min() + 1e-3).log(),
    "cube": lambda s: s**3,
    "rank": lambda s: s.rank("average"),
}


def figure(found: LikePairs) -> Interval:
    assert isinstance(found.figure, Interval), found.figure
    return found.figure


def confounded(make_table: TableMaker, *, effect: float = 0.0, n: int = 800, folds: int = 0) -> pl.DataFrame:
    """Abnormal films are far sharper, and the score is their sharpness with noise and an effect of disease."""
    table = make_table(n, planted=2.0, folds=folds, seed=5)
    noise = np.random.default_rng(6).normal(size=n) + effect * (table["label"] == "abnormal").to_numpy()
    return table.with_columns(score=3 * pl.col("sharpness").log() + 0.2 * pl.Series(noise))


@pytest.fixture
def real(shared_data: Path) -> pl.DataFrame:
    """Trivial statistics of every second film of the Montgomery County and Shenzhen sets."""
    rows: list[dict[str, object]] = []
    listed = films(shared_data / "ms_cxr" / "manifest.csv")
    for film in replace(listed, entries=listed.entries[::2]):
        assert isinstance(film, Film)
        rows.append({"label": film.label, "source": film.source, **trivial_statistics(film)})
    return pl.DataFrame(rows).with_columns(score=0.0)


def test_increasing_transforms_of_a_score_change_nothing(make_table: TableMaker) -> None:
    table = confounded(make_table, effect=1.0, n=300)
    for covariates in (("sharpness",), ("sharpness", "mean", "std")):
        plain = like_pairs(table, covariates, draws=100)
        for name, transform in TRANSFORMS.items():
            moved = like_pairs(table.with_columns(transform(pl.col("score"))), covariates, draws=100)
            assert moved.to_json() == plain.to_json(), name


def test_the_covariate_as_the_score_gives_exactly_one_half(make_table: TableMaker) -> None:
    table = make_table(400, planted=2.0)
    truth = (table["label"] == "abnormal").to_list()
    assert auroc(truth, table["sharpness"].to_list()) > 0.85
    for score in (pl.col("sharpness"), -pl.col("sharpness"), pl.col("sharpness") ** 5):
        assert figure(like_pairs(table.with_columns(score=score), draws=200)) == Interval(0.5, 0.5, 0.5)


def test_a_caliper_without_equal_signs_would_leave_the_shortcut(make_table: TableMaker) -> None:
    """The counter-example: all pairs within the caliper, unweighted, as in the figure that this one replaces."""
    table = make_table(2000, planted=2.0)
    x, ill = np.log(table["sharpness"].to_numpy()), (table["label"] == "abnormal").to_numpy()
    source = table["source"].to_numpy()
    difference = (x[ill][:, None] - x[~ill])[source[ill][:, None] == source[~ill]]
    near = difference[np.abs(difference) < 0.04]
    assert (near > 0).mean() > 0.51
    assert like_pairs(table.with_columns(score=pl.col("sharpness")), draws=20).figure == Interval(0.5, 0.5, 0.5)


def test_a_score_that_follows_the_covariate_loosely_gives_one_half(make_table: TableMaker) -> None:
    for seed in range(3):
        table = make_table(1500, planted=2.0, seed=seed)
        rng = np.random.default_rng(seed)
        for score in (
            pl.col("sharpness").log() + pl.Series(0.05 * rng.normal(size=len(table))),
            (pl.col("sharpness").log() - 0.2).abs(),
        ):
            found = figure(like_pairs(table.with_columns(score=score), draws=300))
            assert found.low <= 0.5 <= found.high and abs(found.value - 0.5) < 0.05


def test_a_planted_shortcut_vanishes_and_an_effect_stays(make_table: TableMaker) -> None:
    without, with_effect = (
        figure(like_pairs(confounded(make_table, effect=effect), draws=200)) for effect in (0.0, 2.0)
    )
    assert without.low <= 0.5 <= without.high
    assert with_effect.low > 0.8
    assert with_effect.value == pytest.approx(0.92, abs=0.04)  # Φ(2 / √2)


def test_permuted_labels_give_one_half(make_table: TableMaker) -> None:
    table = confounded(make_table, effect=2.0, n=400)
    values = []
    for seed in range(30):
        labels = np.random.default_rng(seed).permutation(table["label"].to_numpy())
        values.append(figure(like_pairs(table.with_columns(label=pl.Series(labels)), draws=2)).value)
    assert np.mean(values) == pytest.approx(0.5, abs=3 * float(np.std(values)) / math.sqrt(len(values)))


def test_films_of_two_sources_or_folds_make_no_pair(make_table: TableMaker) -> None:
    """Scores of another model, or of another hospital, are 100 higher: nothing is compared across."""
    table = confounded(make_table, effect=1.0, folds=4)
    plain = figure(like_pairs(table, draws=50))
    for column in ("fold", "source"):
        moved = table.with_columns(score=pl.col("score") + 100 * (pl.col(column).rank("dense")))
        assert figure(like_pairs(moved, draws=50)) == plain


def test_each_statistic_of_real_films_gives_one_half_on_pairs_alike_in_all(real: pl.DataFrame) -> None:
    names = [name for name in STATISTIC_NAMES if name not in {"lung_area", "rows", "columns", "bits"}]
    truth = (real["label"] == "abnormal").to_numpy()
    assert auroc(truth, numbers(real, "sharpness")) > 0.75
    for name, found in balance(real, names, names, draws=500).items():
        assert isinstance(found, Interval) and found.low <= 0.5 <= found.high, (name, found)
    assert figure(like_pairs(real.with_columns(score="sharpness"), draws=100)) == Interval(0.5, 0.5, 0.5)


def test_missing_covariates_and_too_few_pairs_are_given_as_reasons(make_table: TableMaker) -> None:
    table = make_table(300)
    assert "lung_area is not known" in str(
        like_pairs(table.with_columns(lung_area=pl.lit(None, pl.Float64)), ["lung_area"]).figure
    )
    assert "one value for all films" in str(like_pairs(table, ["bits"]).figure)
    few = like_pairs(table.head(12), draws=10).figure
    assert isinstance(few, Missing) and "at least 20 are needed" in few.reason
    assert isinstance(like_pairs(table.filter(pl.col("label") == "normal")).figure, Missing)
    with pytest.raises(ValueError, match="no covariate"):
        like_pairs(table, [])
    with pytest.raises(ValueError, match="above 0"):
        like_pairs(table, caliper=0.0)


def test_many_films_are_thinned_to_a_bounded_number_of_pairs(
    make_table: TableMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unseen.evaluation import matching as module

    table = confounded(make_table, effect=1.0, n=3000)
    whole = like_pairs(table, draws=10)
    monkeypatch.setattr(module, "MOST_PAIRS", 20_000)
    thinned = like_pairs(table, draws=10)
    assert whole.pairs > 40_000 and thinned.pairs == pytest.approx(20_000, rel=0.05)
    assert figure(thinned).value == pytest.approx(figure(whole).value, abs=0.02)


def test_a_score_that_is_not_finite_is_an_error(make_table: TableMaker) -> None:
    table = make_table(60).with_columns(score=pl.lit(float("nan")))
    with pytest.raises(ValueError, match="60 of 60 scores are not finite"):
        like_pairs(table)


def test_more_pairs_than_the_limit_are_drawn_and_the_covariate_still_gives_one_half(
    make_table: TableMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = make_table(400)
    whole = like_pairs(table, draws=20)
    monkeypatch.setattr("unseen.evaluation.matching.MOST_PAIRS", whole.pairs // 4)
    drawn = like_pairs(table, draws=20)
    assert LEAST_PAIRS <= drawn.pairs <= whole.pairs // 4
    assert drawn == like_pairs(table, draws=20)
    assert like_pairs(table.with_columns(score=pl.col("sharpness")), draws=20).figure == Interval(0.5, 0.5, 0.5)


def test_a_table_without_scores_is_refused(make_table: TableMaker) -> None:
    """Before, films without scores counted as ties: 0.5 with an interval of no width."""
    with pytest.raises(ValueError, match="no column score"):
        like_pairs(make_table(100).drop("score"))
