"""The bootstrap: what is drawn, that it repeats, that its intervals cover, that it is quick."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from unseen.evaluation.bootstrap import BootstrapCohort, Drawn, bootstrap_cohort, codes, draw_all, multiplicities
from unseen.evaluation.comparison import compare
from unseen.evaluation.intervals import Interval, Missing
from unseen.evaluation.laterality_auroc import laterality
from unseen.evaluation.roc import Auroc, folds_of

TableMaker = Callable[..., pl.DataFrame]


def plain(score: np.ndarray, abnormal: np.ndarray) -> BootstrapCohort:
    n = len(score)
    zeros = np.zeros(n, dtype=np.int64)
    return BootstrapCohort(score, abnormal, zeros, np.full(n, "s"), np.arange(n), abnormal.astype(np.int64))


def test_every_stratum_keeps_its_size(make_table: TableMaker) -> None:
    cohort = bootstrap_cohort(make_table(200, folds=3))
    weights = np.concatenate(list(multiplicities(cohort, draws=50, rng=np.random.default_rng(0))))
    assert weights.shape == (50, 200)
    for stratum in np.unique(cohort.stratum):
        inside = cohort.stratum == stratum
        assert (weights[:, inside].sum(axis=1) == inside.sum()).all()
    assert len(np.unique(cohort.stratum)) == 3 * 2 * 2  # folds, sources, labels


def test_twins_are_drawn_together(make_table: TableMaker) -> None:
    table = make_table(100, sources=("phantom",)).with_columns(
        pl.Series("twin", [f"t{i // 2}" for i in range(100)]),
        pl.Series("label", ["normal", "abnormal"] * 50),
    )
    weights = next(multiplicities(bootstrap_cohort(table), draws=40, rng=np.random.default_rng(0)))
    assert (weights[:, ::2] == weights[:, 1::2]).all()
    assert (weights.sum(axis=1) == 100).all()


def test_the_same_seed_draws_the_same_films(make_table: TableMaker) -> None:
    cohort = bootstrap_cohort(make_table(100))
    first, second = (next(multiplicities(cohort, draws=5, rng=np.random.default_rng(7))) for _ in range(2))
    assert np.array_equal(first, second)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """300 samples of 60 + 60 films whose true AUROC is Φ(1/√2): binomial standard error of the coverage 1.3 %."""
    rng, truth, covered, runs = np.random.default_rng(11), norm.cdf(1 / np.sqrt(2)), 0, 300
    abnormal = np.arange(120) >= 60
    for _ in range(runs):
        score = rng.normal(size=120) + abnormal
        cohort = plain(score, abnormal)
        statistic = Auroc(folds_of(score, abnormal, cohort.fold))
        figure = draw_all({"a": statistic}, cohort, draws=400, rng=rng)["a"].interval()
        assert isinstance(figure, Interval)
        covered += figure.low <= truth <= figure.high
    assert 0.91 <= covered / runs <= 0.985


def test_a_paired_difference_is_narrower_than_an_unpaired_one() -> None:
    rng = np.random.default_rng(3)
    abnormal = np.arange(200) >= 100
    shared = rng.normal(size=200) + abnormal
    scores = [shared + 0.3 * rng.normal(size=200) for _ in range(2)]
    cohort = plain(scores[0], abnormal)
    statistics = {str(i): Auroc(folds_of(s, abnormal, cohort.fold)) for i, s in enumerate(scores)}
    drawn = draw_all(statistics, cohort, draws=500, rng=rng)
    paired = (drawn["0"] - drawn["1"]).draws.std()
    assert paired < 0.6 * np.hypot(drawn["0"].draws.std(), drawn["1"].draws.std())


def test_strength_keeps_the_direction_of_the_point() -> None:
    strength = Drawn(np.array(0.4), np.array([0.35, 0.55])).strength()
    assert float(strength.value) == pytest.approx(0.6)
    assert strength.draws.tolist() == pytest.approx([0.65, 0.45])


def test_two_thousand_draws_of_seven_hundred_films_are_one_call_of_a_statistic() -> None:
    """One call covers all draws and takes a fraction of a second; one call per draw took a minute."""
    rng = np.random.default_rng(0)
    abnormal = rng.random(700) < 0.5
    cohort = plain(rng.normal(size=700), abnormal)
    statistic, shapes = Auroc(folds_of(cohort.score, abnormal, cohort.fold)), []

    def counted(weights: np.ndarray) -> np.ndarray:
        shapes.append(weights.shape)
        return statistic(weights)

    draw_all({"a": counted}, cohort, rng=rng)
    assert shapes == [(1, 700), (2000, 700)]


def test_films_count_only_in_folds_that_hold_both_classes() -> None:
    """Two films of one fold rank right by chance; ten of each class in folds of their own compare with nothing."""
    label = np.array(["normal", "abnormal"] + ["normal"] * 10 + ["abnormal"] * 10)
    fold = np.array([0, 0] + [1] * 10 + [2] * 10)
    table = pl.DataFrame({"label": label, "fold": fold, "score": np.arange(22.0), "source": "a"})
    expected = "1 normal and 1 abnormal films in the folds that hold both classes; at least 2 of each are needed"
    assert bootstrap_cohort(table).shortfall() == expected
    assert "no fold holds both classes" in bootstrap_cohort(table[2:]).shortfall()
    assert bootstrap_cohort(table.with_columns(fold=pl.lit(0))).shortfall() == ""
    sides = laterality(table["score"], label == "abnormal", fold=fold, draws=10)
    assert isinstance(sides.figure, Missing) and "in the folds that have both" in sides.figure.reason


def test_films_of_a_patient_are_drawn_as_one_also_under_another_name() -> None:
    rows = {"label": ["normal", "abnormal"] * 40, "source": ["ward"] * 80, "score": [0.1 * (n % 7) for n in range(80)]}
    alone = {"file": [f"{n}.png" for n in range(80)], **rows}
    several = pl.DataFrame(alone | {"patient": [f"p{n // 8}" for n in range(80)]})
    copies = pl.DataFrame(
        alone
        | {"patient": [f"p{n // 8}-{n % 8 // 4}" for n in range(80)], "pixel_sha256": [f"{n // 8}" for n in range(80)]}
    )
    single = pl.DataFrame(alone | {"patient": [f"p{n}" for n in range(80)]})
    unknown = pl.DataFrame(alone)
    assert len(np.unique(bootstrap_cohort(several).unit)) == 20, "ten patients, normal and abnormal"
    assert np.array_equal(codes(bootstrap_cohort(copies).unit), codes(bootstrap_cohort(several).unit))
    for table in (single, unknown):
        assert len(np.unique(bootstrap_cohort(table).unit)) == 80
    assert np.array_equal(bootstrap_cohort(single).unit, bootstrap_cohort(unknown).unit), (
        "the same draws as without patients"
    )
    assert "of one patient" in bootstrap_cohort(several.with_columns(patient=pl.lit("p"))).shortfall()


def table_of(abnormal: list[tuple[str, str, int]]) -> pl.DataFrame:
    """Return a table of 24 normal films of as many patients, and of these abnormal ones: patient, source, fold."""
    normal = [(f"n{n}", "east" if n % 2 else "west", n // 2 % 4) for n in range(24)]
    rows = [("normal", *one) for one in normal] + [("abnormal", *one) for one in abnormal]
    label, patient, source, fold = (list(column) for column in zip(*rows, strict=True))
    columns = {"label": label, "patient": patient, "source": source, "fold": fold}
    return pl.DataFrame({"file": [f"{n}.png" for n in range(len(rows))], "score": [0.5] * len(rows), **columns})


def test_the_films_of_the_only_patient_of_a_source_are_not_in_every_draw() -> None:
    cohort = bootstrap_cohort(table_of([("a", "east", 0)] * 5 + [(f"b{n}", "west", 0) for n in range(4)]))
    drawn = np.concatenate(list(multiplicities(cohort, draws=50, rng=np.random.default_rng(0))))
    assert np.unique(drawn[:, 24]).size > 1 and np.array_equal(drawn[:, 24:29], drawn[:, 24:25].repeat(5, 1))


@pytest.mark.parametrize(
    ("abnormal", "reason"),
    [
        ([("a", "east", 0)] * 3 + [("a", "west", 0)] * 3, "all abnormal films are of one patient"),
        ([(f"a{n % 4}", "east", n % 4) for n in range(12)], "all abnormal films in each fold are of one patient"),
        ([(f"a{n % 3}", "east", 0) for n in range(12)], ""),
    ],
)
def test_a_patient_in_two_sources_is_one_and_one_patient_a_fold_has_no_spread(
    abnormal: list[tuple[str, str, int]], reason: str
) -> None:
    found = bootstrap_cohort(table_of(abnormal)).shortfall()
    assert found.startswith(reason) and bool(found) == bool(reason)


def test_intervals_of_patients_with_several_films_are_wider_and_delong_is_not_given() -> None:
    rng = np.random.default_rng(3)
    level = np.repeat(rng.normal(size=40), 5) + np.repeat(np.arange(40) % 2, 5)
    rows = {
        "file": [f"{n}.png" for n in range(200)],
        "label": ["abnormal" if n // 5 % 2 else "normal" for n in range(200)],
        "source": ["ward"] * 200,
        "status": ["scored"] * 200,
    }
    first, second = (
        pl.DataFrame(
            rows | {"score": level + 0.1 * rng.normal(size=200), "patient": [f"p{n // 5}" for n in range(200)]}
        )
        for _ in range(2)
    )
    apart = {name: table.drop("patient") for name, table in (("one", first), ("two", second))}
    by_patient, by_film = compare({"one": first, "two": second}), compare(apart)
    wide, narrow = by_patient.auroc["one"], by_film.auroc["one"]
    assert isinstance(wide, Interval) and isinstance(narrow, Interval)
    assert wide.high - wide.low > 1.6 * (narrow.high - narrow.low)
    assert isinstance(by_patient.pairs[0].delong.difference, Missing) and by_patient.pairs[0].delong.p is None
    assert isinstance(by_film.pairs[0].delong.difference, Interval)
