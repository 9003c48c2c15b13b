"""Laterality: it follows the map's side, mirrors with the film, and asks nothing of the whole film."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from unseen.evaluation.intervals import Interval, Missing
from unseen.evaluation.laterality_auroc import Laterality, laterality
from unseen.evaluation.lung_mask_halves import split_lungs
from unseen.evaluation.lung_sides import lung_shortcuts, side_ratio


def lungs(size: int = 64) -> NDArray[np.bool_]:
    """Return two ellipses of different size with a gap that is not in the middle."""
    y, x = np.mgrid[0:size, 0:size] / size
    right = ((x - 0.27) / 0.17) ** 2 + ((y - 0.5) / 0.38) ** 2 < 1
    left = ((x - 0.70) / 0.14) ** 2 + ((y - 0.5) / 0.36) ** 2 < 1
    mask: NDArray[np.bool_] = right | left
    return mask


def figure(found: Laterality) -> Interval:
    assert isinstance(found.figure, Interval), found.figure
    return found.figure


def test_a_mirrored_film_has_the_negative_ratio() -> None:
    mask = lungs()
    for seed in range(20):
        rng = np.random.default_rng(seed)
        film, found = rng.random((64, 64)), rng.random((64, 64)) ** 4
        plain, mirrored = split_lungs(mask), split_lungs(mask[:, ::-1])
        assert np.array_equal(plain[0], mirrored[1][:, ::-1]) and np.array_equal(plain[1], mirrored[0][:, ::-1])
        ratio = side_ratio(found, *plain)
        assert -1 < ratio < 1
        assert side_ratio(found[:, ::-1], *mirrored) == pytest.approx(-ratio, abs=1e-12)
        here, there = lung_shortcuts(film, *plain), lung_shortcuts(film[:, ::-1], *mirrored)
        assert there == pytest.approx({name: -value for name, value in here.items()}, abs=1e-6)


def test_lungs_that_touch_are_split_at_the_narrowest_column() -> None:
    mask = lungs()
    mask[30, 20:50] = True  # a bridge
    right, left = split_lungs(mask)
    assert right[:, :27].sum() > 0 and not right[:, 36:].any() and not left[:, :28].any()


def test_the_ratio_is_the_log_ratio_in_another_unit() -> None:
    right, left = split_lungs(lungs())
    rng = np.random.default_rng(1)
    for _ in range(20):
        found = rng.random((64, 64)) * np.where(right, rng.random(), rng.random())
        means = [np.sort(found[lung])[-round(0.1 * lung.sum()) :].mean() for lung in (right, left)]
        assert side_ratio(found, right, left) == pytest.approx(math.tanh(0.5 * math.log(means[0] / means[1])))
    assert side_ratio(np.zeros((64, 64)), right, left) == 0.0


def sided(effect: float, n: int = 160, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    ill = rng.random(n) < 0.6
    return np.tanh(0.3 * rng.normal(size=n) + effect * (ill - 0.5)), ill


def test_increasing_transforms_change_nothing() -> None:
    ratio, ill = sided(0.4)
    plain = figure(laterality(ratio, ill, draws=200))
    transforms: tuple[Callable[[NDArray[np.float64]], NDArray[np.float64]], ...] = (np.arctanh, np.exp, lambda r: r**3)
    for transform in transforms:
        assert figure(laterality(transform(ratio), ill, draws=200)) == plain


def test_mirrored_films_of_mirrored_disease_have_the_same_figure() -> None:
    ratio, ill = sided(0.4)
    plain, mirrored = laterality(ratio, ill, draws=50), laterality(-ratio, ~ill, draws=50)
    assert figure(plain).value == pytest.approx(figure(mirrored).value, abs=1e-12)
    assert figure(laterality(-ratio, ill, draws=50)).value == pytest.approx(1 - figure(plain).value, abs=1e-12)
    assert (plain.right, plain.left) == (mirrored.left, mirrored.right)


def test_whole_film_statistics_and_permuted_sides_give_one_half() -> None:
    ratio, ill = sided(0.8, n=400)
    assert figure(laterality(ratio, ill, draws=50)).low > 0.7
    rng = np.random.default_rng(3)
    whole_film = rng.random(400)  # one number per film: the same for the film and its mirror image
    found = figure(laterality(whole_film, ill, draws=500))
    assert found.low <= 0.5 <= found.high
    values = [figure(laterality(ratio, rng.permutation(ill), draws=5)).value for _ in range(40)]
    assert np.mean(values) == pytest.approx(0.5, abs=3 * float(np.std(values)) / math.sqrt(len(values)))


def test_a_detector_is_above_its_shortcuts_only_with_an_interval_above_zero() -> None:
    ratio, ill = sided(0.8, n=300)
    rng = np.random.default_rng(4)
    near = np.tanh(np.arctanh(ratio) + 0.05 * rng.normal(size=300))
    found = laterality(ratio, ill, shortcuts={"near": -near, "chance": rng.normal(size=300)}, draws=500)
    assert found.best_shortcut == "near" and not found.above_shortcuts
    near_figure = found.shortcuts["near"]
    assert isinstance(near_figure, Interval) and near_figure.value > 0.8  # its direction does not count
    assert laterality(ratio, ill, shortcuts={"chance": rng.normal(size=300)}, draws=500).above_shortcuts
    assert not laterality(ratio, ill, draws=20).above_shortcuts
    assert found.to_json()["best_shortcut"] == "near"


def test_maps_of_different_models_are_not_compared() -> None:
    ratio, ill = sided(0.4)
    fold = np.arange(len(ill)) % 4
    plain = figure(laterality(ratio, ill, fold=fold, draws=50))
    assert figure(laterality(ratio + 10 * fold, ill, fold=fold, draws=50)) == plain


def test_wrong_input_is_refused() -> None:
    mask = lungs()
    right, left = split_lungs(mask)
    with pytest.raises(ValueError, match="empty"):
        split_lungs(np.zeros((8, 8)))
    with pytest.raises(ValueError, match="shape"):
        split_lungs(np.ones(8))
    with pytest.raises(ValueError, match="one side only"):
        split_lungs(np.ones((8, 1)))
    with pytest.raises(ValueError, match="onto the map's grid"):
        side_ratio(np.ones((32, 32)), right, left)
    with pytest.raises(ValueError, match="negative"):
        side_ratio(-np.ones((64, 64)), right, left)
    with pytest.raises(ValueError, match="no cell"):
        side_ratio(np.ones((64, 64)), right, np.zeros((64, 64)))
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        side_ratio(np.ones((64, 64)), right, left, top=0)
    with pytest.raises(ValueError, match="one value per film"):
        laterality([0.1, 0.2], [True, False, True])
    with pytest.raises(ValueError, match="not finite"):
        laterality([0.1, math.nan], [True, False])
    few = laterality([0.1, 0.2, 0.3], [True, False, False]).figure
    assert isinstance(few, Missing) and "at least 2 of each" in few.reason
