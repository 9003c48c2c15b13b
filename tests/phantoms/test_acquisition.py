"""Acquisition statistics are independent of the lesion: they tell twins apart no better than a coin."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from scipy.ndimage import laplace

from unseen.data.film import Film
from unseen.data.phantoms.acquisition import expose
from unseen.data.phantoms.lesion_ranges import KINDS
from unseen.data.phantoms.sequences import _LESIONS, Case, draw_healthy, twins, visible

ACQUISITION = (
    "border mean", "border deviation", "background sharpness", "background noise", "exposure outside the thorax",
    "deviation outside the thorax", "file bytes",
)  # fmt: skip


def statistics(film: Film) -> dict[str, float]:
    pixels, lungs = film.pixels, film.lungs
    assert lungs is not None
    size = pixels.shape[0]
    rows, columns = np.flatnonzero(lungs.any(axis=1)), np.flatnonzero(lungs.any(axis=0))
    margin = size // 16
    outside = np.ones(pixels.shape, np.bool_)
    outside[max(rows[0] - margin, 0) : rows[-1] + 2 * margin, max(columns[0] - margin, 0) : columns[-1] + margin] = (
        False
    )
    band = max(2, size // 32)
    border = np.ones(pixels.shape, np.bool_)
    border[band:-band, band:-band] = False
    sharp = np.abs(laplace(pixels))
    rough = pixels - 0.5 * (np.roll(pixels, 1, axis=1) + np.roll(pixels, -1, axis=1))
    return {
        "border mean": float(pixels[border].mean()),
        "border deviation": float(pixels[border].std()),
        "background sharpness": float(sharp[outside].mean()),
        "background noise": float(np.median(np.abs(rough[outside]))),
        "exposure outside the thorax": float(pixels[outside].mean()),
        "deviation outside the thorax": float(pixels[outside].std()),
        "file bytes": float(film.file_bytes),
        "sharpness": float(sharp.mean()),
    }


def aurocs(films: Iterable[Film]) -> dict[str, float]:
    from sklearn.metrics import roc_auc_score

    found, truth = [], []
    for film in films:
        found.append(statistics(film))
        truth.append(film.label == "abnormal")
    return {name: float(roc_auc_score(truth, [row[name] for row in found])) for name in found[0]}


@pytest.mark.parametrize("pairs", [80, pytest.param(1000, marks=pytest.mark.nightly)])
def test_acquisition_says_nothing_of_the_lesion(pairs: int) -> None:
    """An AUROC of ½ has a standard error of 1 / √(6 · pairs), at most: 3.8 of them either way. A statistic that shows
    the lesion is found with a probability of 0.95 where its AUROC is 0.75 (80 pairs) or 0.57 (1,000 pairs)."""
    got = aurocs(twins(pairs, seed=7, size=64))
    wide = 3.8 / (6 * pairs) ** 0.5
    assert {name: value for name, value in got.items() if name in ACQUISITION and abs(value - 0.5) > wide} == {}


def test_planted_shortcut_is_seen_by_sharpness_alone() -> None:
    assert aurocs(twins(30, seed=8, size=64, shortcut=True))["sharpness"] > 0.9
    assert aurocs(twins(12, seed=8, size=192, shortcut=True))["sharpness"] > 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_a_lesion_changes_nothing_outside_the_body(kind: str) -> None:
    for index in range(6):
        case = Case(seed=11, stream="twin", index=index, size=128, kind=None)
        healthy = draw_healthy(case)
        lesion = _LESIONS[kind](healthy.patient, case.rng(2))  # type: ignore[index]
        changed = np.maximum(healthy.attenuation + lesion.change, 0.0)
        films = [
            expose(healthy.acquisition, healthy.processing, healthy.patient.grid, some, noise_seed=None)
            for some in (healthy.attenuation, changed)
        ]
        difference = np.abs(films[1] - films[0])
        assert difference[~healthy.patient.body].max(initial=0.0) < 1e-6
        assert np.array_equal(visible(healthy, changed), difference > min(0.01, 0.5 * difference.max()))


def test_noise_of_twins_is_independent() -> None:
    pair = [Case(seed=1, stream="twin", index=0, size=128, kind=kind) for kind in (None, "nodule")]  # type: ignore[arg-type]
    healthy = draw_healthy(pair[0])
    exact = expose(healthy.acquisition, healthy.processing, healthy.patient.grid, healthy.attenuation, noise_seed=None)
    noise = [
        expose(
            healthy.acquisition, healthy.processing, healthy.patient.grid, healthy.attenuation,
            noise_seed=case.noise_seed(),
        ) - exact
        for case in pair
    ]  # fmt: skip
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.05
    assert noise[0].std() == pytest.approx(noise[1].std(), rel=0.05)
