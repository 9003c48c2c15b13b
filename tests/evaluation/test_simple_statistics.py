"""Trivial statistics by direct computation, the mix, and that a planted shortcut is caught in words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from scipy.ndimage import laplace

from unseen.data.film import Film
from unseen.evaluation.intervals import Interval
from unseen.evaluation.metrics import entry_at, figure_at, metrics_from_table, text_at
from unseen.evaluation.simple_statistics import (
    STATISTIC_NAMES,
    TRIVIAL_STATISTICS,
    border_mask,
    image_statistics,
    trivial_statistics,
)
from unseen.evaluation.statistics_mix import mix_scores, patient_folds

TableMaker = Callable[..., pl.DataFrame]
FilmMaker = Callable[..., Film]


def test_statistics_are_what_they_say() -> None:
    pixels = np.random.default_rng(0).random((100, 80)).astype(np.float32)
    pixels[:10], pixels[-5:] = 0.0, 1.0
    found = image_statistics(pixels)
    assert found["mean"] == pytest.approx(pixels.mean(), rel=1e-6)
    assert found["near_black"] == pytest.approx((pixels <= 5 / 255).mean())
    assert found["near_white"] == pytest.approx((pixels >= 250 / 255).mean())
    assert found["sharpness"] == pytest.approx(np.abs(laplace(pixels)[1:-1, 1:-1]).mean(), rel=1e-5)
    assert border_mask(100, 80).sum() == 100 * 80 - 90 * 72
    assert found["outside_exposure"] == 0.0


def test_border_noise_is_the_noise() -> None:
    """MAD of the Laplacian over √20: 5 % of σ on a flat border, blind to the image inside."""
    rng = np.random.default_rng(1)
    pixels = np.full((256, 256), 0.3)
    pixels[40:-40, 40:-40] = rng.random((176, 176))
    noisy = (pixels + 0.02 * rng.normal(size=pixels.shape)).astype(np.float32)
    assert image_statistics(noisy)["border_noise"] == pytest.approx(0.02, rel=0.05)


def test_a_film_has_every_statistic_at_a_long_side_of_256(make_film: FilmMaker) -> None:
    film = make_film(0, abnormal=False, size=600)
    found = trivial_statistics(film, lung_area=0.3)
    assert set(found) == set(STATISTIC_NAMES)
    assert found["lung_area"] == 0.3 and found["rows"] == 600.0 and found["bytes_per_pixel"] == 1.0
    assert found["mean"] == pytest.approx(film.pixels.mean(), abs=1e-3)
    noise = trivial_statistics(make_film(0, abnormal=False, size=600, sharp=True))["border_noise"]
    assert noise is not None and noise == pytest.approx(0.05 / (600 / 256), rel=0.25)  # averaged by area


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 300), (5, 2)])
def test_a_tiny_image_has_finite_statistics(shape: tuple[int, int]) -> None:
    assert all(np.isfinite(v) for v in image_statistics(np.full(shape, 0.5, dtype=np.float32)).values())


def test_the_mix_keeps_patients_together_and_finds_a_plant(make_table: TableMaker) -> None:
    table = make_table(300, planted=2.0)
    same = table.with_columns(pl.lit("one patient").alias("patient"))
    assert len(set(patient_folds(same).tolist())) == 1
    abnormal = (table["label"] == "abnormal").to_numpy()
    mixed = mix_scores(table, abnormal)
    assert mixed is not None
    assert mixed[0][abnormal].mean() > mixed[0][~abnormal].mean() + 1
    assert mix_scores(same, abnormal) is None


def test_the_mix_of_nothing_reaches_nothing(make_table: TableMaker) -> None:
    found = figure_at(metrics_from_table(make_table(400), draws=300), "shortcuts", "mix", "pooled")
    assert isinstance(found, Interval) and 0.4 < found.value < 0.6


def test_a_planted_shortcut_is_caught_in_words(make_table: TableMaker) -> None:
    metrics = metrics_from_table(make_table(400, shift=1.0, planted=3.0), draws=300)
    verdict = text_at(metrics, "shortcuts", "verdict", "pooled")
    assert verdict.startswith("shortcut: abnormal films are sharper: mean |Laplacian| alone reaches AUROC 0.9")
    assert "is below it" in verdict
    assert entry_at(metrics, "shortcuts", "above_all", "pooled") is False


def test_a_detector_that_orders_films_the_wrong_way_round_is_called_worse_than_chance(make_table: TableMaker) -> None:
    verdict = text_at(metrics_from_table(make_table(400, shift=-1.0), draws=300), "shortcuts", "verdict", "pooled")
    assert verdict.startswith("Worse than chance: the detector reaches AUROC 0.2"), verdict


def test_a_shortcut_of_the_normals_is_caught_too(make_table: TableMaker) -> None:
    metrics = metrics_from_table(make_table(400, shift=3.0, planted=-2.0), draws=300)
    verdict = text_at(metrics, "shortcuts", "verdict", "pooled")
    assert verdict.startswith("shortcut: abnormal films are less sharp: mean |Laplacian| alone reaches AUROC 0.9")
    assert "is above every single statistic" in verdict
    strength = entry_at(metrics, "shortcuts", "pooled", "sharpness", "strength")
    value = figure_at(metrics, "shortcuts", "pooled", "sharpness")
    assert isinstance(value, Interval) and strength == pytest.approx(1 - value.value)


def test_a_clean_set_is_said_to_be_clean(make_table: TableMaker) -> None:
    verdict = text_at(metrics_from_table(make_table(400, shift=2.0), draws=300), "shortcuts", "verdict", "pooled")
    assert verdict.startswith("No strong shortcut") and "is above every single statistic" in verdict


def test_acquisition_statistics_are_named() -> None:
    named = {statistic.name for statistic in TRIVIAL_STATISTICS if statistic.acquisition}
    assert {"border_mean", "border_std", "border_sharpness", "border_noise", "outside_exposure"} <= named
    assert {"bytes_per_pixel", "rows", "columns", "bits"} <= named
    assert "sharpness" not in named and "lung_area" not in named
