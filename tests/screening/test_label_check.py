"""Check of labels: heads that have not seen a pair, statistics in any scale, and films unlike all normal ones."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from unseen.detectors.adapted import normals_discriminant
from unseen.screening.label_check import LeftOut, beyond_statistics, left_out

SOLVE = partial(normals_discriminant, shrinkage=0.1)
ABNORMAL = np.arange(80) < 12


def site(rng: np.random.Generator, *, disease: float, scanner: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return inner products, statistics and labels of 10 abnormal and 120 normal films; two of three statistics differ
    between the labels, and features follow the first by a curve."""
    abnormal = np.arange(130) < 10
    statistics = rng.normal(size=(130, 3))
    statistics[:, :2] += scanner * abnormal[:, None]
    x = rng.normal(size=(130, 50))
    x[:, :5] += disease * abnormal[:, None]
    x[:, 5:9] += 2 * statistics[:, :1] + 0.5 * statistics[:, :1] ** 2
    x -= x[~abnormal].mean(axis=0)
    return x @ x.T / 50, statistics, abnormal


def used(number: int, *, disease: float, scanner: float) -> int:
    """Return in how many sites the labels add more than one standard error."""
    found = 0
    for seed in range(number):
        gram, statistics, abnormal = site(np.random.default_rng(seed), disease=disease, scanner=scanner)
        pairs = left_out(gram, abnormal, [str(i) for i in range(len(abnormal))], SOLVE)
        assert pairs is not None
        difference, error = beyond_statistics(pairs, statistics, abnormal)
        found += difference > error
    return found


@pytest.mark.parametrize(("sites", "most"), [(30, 11), pytest.param(60, 18, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("scanner", [0.0, pytest.param(1.0, marks=pytest.mark.nightly), 2.5])
def test_a_head_that_knows_a_statistic_alone_is_used_in_few_sites(scanner: float, sites: int, most: int) -> None:
    """Without a true difference, one in six sites exceeds one standard error; 12 or more of 30, or 19 or more of 60, do
    with 0.2 %."""
    assert used(sites, disease=0.0, scanner=scanner) <= most


@pytest.mark.parametrize(
    ("sites", "least", "beside"), [(15, 14, 12), pytest.param(30, 28, 25, marks=pytest.mark.nightly)]
)
def test_a_head_that_knows_the_disease_is_used(sites: int, least: int, beside: int) -> None:
    assert used(sites, disease=1.0, scanner=0.0) >= least
    assert used(sites, disease=1.0, scanner=1.0) >= beside


def test_films_of_one_patient_are_no_further_evidence() -> None:
    """Five copies of each abnormal film have the difference and the error of one of each."""
    rng = np.random.default_rng(0)
    normal, ill = rng.normal(size=(1, 100)), rng.normal(size=12) + 1
    statistics = rng.normal(size=(112, 2))
    once = beyond_statistics(LeftOut(ill, normal, np.zeros(12, int)), statistics, np.arange(112) < 12)
    rows = np.concatenate([np.arange(12).repeat(5), np.arange(12, 112)])
    copies = LeftOut(ill.repeat(5), normal, np.zeros(60, int), np.arange(12).repeat(5))
    found = beyond_statistics(copies, statistics[rows], np.arange(160) < 60)
    assert found == pytest.approx(once, rel=1e-12)
    gram = rng.normal(size=(40, 30))
    pairs = left_out(gram @ gram.T, np.arange(40) < 10, [str(i // 2) for i in range(40)], SOLVE)
    assert pairs is not None and pairs.patient is not None
    assert len(np.unique(pairs.patient)) == 5 and (pairs.patient[::2] == pairs.patient[1::2]).all()


@pytest.mark.parametrize("films", [1, 2])
@pytest.mark.parametrize("sick", [5, 13, 61])
def test_no_head_has_seen_a_patient_whose_films_it_scores(films: int, sick: int) -> None:
    """The score here is the number of training films of the film's patient. With two films a patient, one patient has
    films of both labels, since the number of abnormal films is odd."""
    names = np.arange(160) // films
    abnormal = np.arange(160) < sick
    found = left_out(
        (names[:, None] == names).astype(float),
        abnormal,
        names.astype(str).tolist(),
        lambda gram, _: np.ones(len(gram)),
    )
    assert found is not None and not found.abnormal.any() and not found.normal.any()
    assert found.normal.shape == (found.part.max() + 1, (~abnormal).sum())


def test_abnormal_films_of_one_patient_show_nothing() -> None:
    names = ["ill" if one else str(i) for i, one in enumerate(ABNORMAL)]
    assert left_out(np.eye(80), ABNORMAL, names, SOLVE) is None


def test_an_increasing_transform_of_a_statistic_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    statistic = rng.normal(size=(80, 2))
    statistic[ABNORMAL] = statistic[~ABNORMAL][:12] + 1e-6  # none is beyond all normal films
    scores = LeftOut(rng.normal(size=12) + 1, rng.normal(size=(1, 68)), np.zeros(12, int))
    statistic[ABNORMAL] = np.clip(statistic[ABNORMAL], statistic[~ABNORMAL].min(0), statistic[~ABNORMAL].max(0))
    first = beyond_statistics(scores, statistic, ABNORMAL)
    assert beyond_statistics(scores, np.exp(3 * statistic), ABNORMAL) == pytest.approx(first, rel=1e-9)
    assert beyond_statistics(scores, statistic**3, ABNORMAL) == pytest.approx(first, rel=1e-9)


def test_films_whose_statistics_no_normal_film_has_cannot_show_a_difference() -> None:
    """One such film of twelve changes the error little."""
    rng = np.random.default_rng(4)
    scores = LeftOut(rng.normal(size=12) + 2, rng.normal(size=(1, 68)), np.zeros(12, int))
    bits = np.where(ABNORMAL, 16.0, 8.0)[:, None]
    difference, error = beyond_statistics(scores, bits, ABNORMAL)
    assert difference < error
    one = np.where(np.arange(80) == 0, 16.0, 8.0)[:, None]
    difference, error = beyond_statistics(scores, one, ABNORMAL)
    assert difference > 3 * error
