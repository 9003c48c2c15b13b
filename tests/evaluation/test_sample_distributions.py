"""MMD against a closed form and its own promises; precision and recall against scikit-learn's neighbours."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from unseen.evaluation.intervals import Interval
from unseen.evaluation.mean_discrepancy import MeanDiscrepancy, median_distance, mmd, squared_distances
from unseen.evaluation.roc import Floats
from unseen.evaluation.sample_precision import precision_recall


def drawn(n: int, d: int = 2, *, seed: int, shift: float = 0.0) -> Floats:
    return np.random.default_rng(seed).normal(size=(n, d)) + shift / math.sqrt(d)


def true_squared(d: int, shift: float, h: float) -> float:
    """MMD² of N(0, I) and N(m, I), ‖m‖ = shift: E k(u, v) of Gaussians is a Gaussian integral."""
    scale = (h**2 / (h**2 + 2)) ** (d / 2)
    return 2 * scale * (1 - math.exp(-(shift**2) / (2 * (h**2 + 2))))


def value(found: MeanDiscrepancy) -> float:
    assert isinstance(found.squared, Interval)
    return found.squared.value


@pytest.mark.parametrize(
    ("d", "shift", "h"),
    [
        pytest.param(1, 1.0, 1.0, marks=pytest.mark.nightly),
        pytest.param(3, 2.0, 0.7, marks=pytest.mark.nightly),
        (2, 0.0, 1.5),
    ],
)
def test_the_estimate_is_unbiased(d: int, shift: float, h: float) -> None:
    found = [
        value(mmd(drawn(30, d, seed=s), drawn(20, d, seed=900 + s, shift=shift), bandwidth=h, permutations=1, draws=2))
        for s in range(300)
    ]
    error = np.std(found) / math.sqrt(len(found))
    assert np.mean(found) == pytest.approx(true_squared(d, shift, h), abs=3.5 * error)
    assert error < 0.01, "the V-statistic, which lets points meet themselves, is off by more than three such errors"


def test_the_p_value_keeps_its_level_and_finds_a_difference() -> None:
    same = [mmd(drawn(15, seed=s), drawn(15, seed=500 + s), permutations=99, draws=2, seed=s).p for s in range(150)]
    below = sum(p is not None and p <= 0.1 for p in same)
    assert 5 <= below <= 26, "15 are expected; 5 and 26 are beyond three standard deviations or at it"
    apart = mmd(drawn(60, seed=1), drawn(60, seed=2, shift=1.5), permutations=199, draws=2)
    assert apart.p == 1 / 200 and value(apart) > apart.chance


def test_the_interval_covers_the_truth() -> None:
    truth, covered = true_squared(2, 1.0, 1.0), 0
    for s in range(120):
        found = mmd(drawn(60, seed=s), drawn(60, seed=700 + s, shift=1.0), bandwidth=1.0, permutations=1, draws=300)
        assert isinstance(found.squared, Interval)
        covered += found.squared.low <= truth <= found.squared.high
    assert covered >= 105, f"{covered} of 120; 114 are promised"


def test_points_of_one_group_are_drawn_together() -> None:
    x, y = np.repeat(drawn(8, seed=3), 10, axis=0), drawn(80, seed=4)
    alone = mmd(x, y, permutations=20)
    grouped = mmd(x, y, units=np.repeat(np.arange(8), 10).tolist(), permutations=20)
    assert alone.p is not None and grouped.p is None, "eight subjects cannot be relabelled as 80 images"
    assert isinstance(alone.squared, Interval) and isinstance(grouped.squared, Interval)
    widths = [figure.high - figure.low for figure in (alone.squared, grouped.squared)]
    assert widths[1] > 1.5 * widths[0]


def test_the_bandwidth_is_the_median_distance() -> None:
    x, y = drawn(12, seed=5), drawn(9, seed=6)
    points = np.concatenate([x, y])
    apart = [np.linalg.norm(a - b) for i, a in enumerate(points) for b in points[:i]]
    assert mmd(x, y, permutations=1, draws=2).bandwidth == pytest.approx(np.median(apart))
    assert median_distance(squared_distances(points, points)) == pytest.approx(np.median(apart))


def test_points_that_are_all_alike_have_nothing_between_them() -> None:
    found = mmd(np.ones((5, 2)), np.ones((4, 2)), permutations=9)
    assert value(found) == pytest.approx(0) and found.p == 1


def test_the_same_seed_gives_the_same_figures() -> None:
    x, y = drawn(20, seed=7), drawn(20, seed=8)
    assert mmd(x, y, seed=1) == mmd(x, y, seed=1) != mmd(x, y, seed=2)


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (np.zeros((1, 2)), np.zeros((5, 2)), "two points or more"),
        (np.zeros((5, 2)), np.zeros((5, 3)), "(5, 3)"),
        (np.full((5, 2), np.nan), np.zeros((5, 2)), "NaN"),
    ],
)
def test_bad_samples_are_told(x: Floats, y: Floats, words: str) -> None:
    with pytest.raises(ValueError) as told:
        mmd(x, y)
    assert words in str(told.value)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_precision_and_recall_are_those_of_nearest_neighbours(k: int) -> None:
    real, made = drawn(40, 3, seed=1), drawn(30, 3, seed=2, shift=1.0)
    found = precision_recall(real, made, neighbours=k)

    def within(points: Floats, support: Floats) -> list[bool]:
        reach = NearestNeighbors(n_neighbors=k + 1).fit(support).kneighbors(support)[0][:, -1]
        return [bool((np.linalg.norm(support - point, axis=1) <= reach).any()) for point in points]

    assert found.precise.tolist() == within(made, real) and found.recalled.tolist() == within(real, made)
    assert 0 < found.precision < 1 and 0 < found.recall < 1


@given(st.integers(4, 25), st.integers(4, 25), st.integers(1, 3), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_precision_is_the_other_ones_recall(n: int, m: int, k: int, seed: int) -> None:
    x, y = drawn(n, seed=seed), drawn(m, seed=seed + 1000, shift=0.5)
    there, back = precision_recall(x, y, neighbours=k), precision_recall(y, x, neighbours=k)
    assert there.precise.tolist() == back.recalled.tolist() and there.recalled.tolist() == back.precise.tolist()
    own = precision_recall(x, x, neighbours=k)
    assert own.precision == own.recall == 1


def test_a_generator_that_makes_one_image_is_precise_and_recalls_nothing() -> None:
    real = drawn(100, seed=9)
    made = real.mean(0) + 1e-4 * drawn(100, seed=10)
    found = precision_recall(real, made)
    assert found.precision == 1 and found.recall < 0.05


def test_too_few_points_are_told() -> None:
    with pytest.raises(ValueError, match="each point needs 3 neighbours"):
        precision_recall(np.zeros((3, 2)), np.zeros((9, 2)))
    with pytest.raises(ValueError, match=r"\(9, 3\)"):
        precision_recall(np.zeros((9, 2)), np.zeros((9, 3)))
    with pytest.raises(ValueError, match="NaN"):
        precision_recall(np.full((9, 2), np.inf), np.zeros((9, 2)))
