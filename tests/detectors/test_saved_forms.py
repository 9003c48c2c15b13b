"""Bundles with float16 weights, and a lung finder alone as a bundle."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from unseen.anatomy.cross_fitted_lungs import CrossFittedLungs
from unseen.artifacts import bundle
from unseen.artifacts.bundle import BundleError
from unseen.data.film import Film
from unseen.detectors import METHODS
from unseen.detectors.detector import Detector
from unseen.detectors.finding import Finding
from unseen.detectors.lung_finder_bundles import finder_of, save_finder
from unseen.detectors.saved import load, save

# What half precision may cost: a product, a convolutional network, two of them, frozen features.
HALVED = {"pca", "dae", "ganomaly"}


@pytest.mark.parametrize(
    "key", [key if key in HALVED else pytest.param(key, marks=pytest.mark.nightly) for key in METHODS]
)
def test_half_the_bytes_nearly_the_same_scores(
    key: str, trained: dict[str, Detector], incoming: list[Film], tmp_path: Path
) -> None:
    save(trained[key], tmp_path / "single")
    card = save(trained[key], tmp_path / "half", half=True, data="phantoms", licence="any use")
    assert card.data == "phantoms" and card.licence == "any use"
    assert card.weights_bytes < 0.65 * bundle.load(tmp_path / "single").card.weights_bytes
    tensors = bundle.load(tmp_path / "half").tensors
    assert {t.dtype for t in tensors.values() if t.ndim > 1} == {torch.float16}
    assert not {torch.float16} & {t.dtype for t in tensors.values() if t.ndim < 2}
    loaded = load(tmp_path / "half")
    assert all(p.dtype == torch.float32 for m in loaded.modules().values() for p in m.parameters())
    for film in incoming:
        assert trained[key].finder is not None and loaded.finder is not None
        assert (trained[key].finder.find(film) != loaded.finder.find(film)).mean() < 0.01
    loaded.finder = trained[key].finder  # a pixel more or less moves the view of images that have 32 a side
    scores = [
        [found.score for found in detector.score(incoming) if isinstance(found, Finding)]
        for detector in (trained[key], loaded)
    ]
    spread = max(scores[0]) - min(scores[0])  # a score's zero means nothing, so errors count beside the films' spread
    assert scores[1] == pytest.approx(scores[0], rel=0.02, abs=0.05 * spread)


def test_a_finder_comes_back_from_either_kind_of_bundle(
    trained: dict[str, Detector], finder: CrossFittedLungs, incoming: list[Film], tmp_path: Path
) -> None:
    card = save_finder(finder.full, tmp_path / "lungs", data="phantoms", licence="any use")
    assert card.kind == "lungs" and card.training_films == list(finder.full.training_films)
    save(trained["pca"], tmp_path / "pca")
    for folder in ("lungs", "pca"):
        found = finder_of(tmp_path / folder)
        assert found is not None
        assert all((found.find(film) == finder.full.find(film)).all() for film in incoming)


def test_a_finders_bundle_is_no_detector(finder: CrossFittedLungs, tmp_path: Path) -> None:
    save_finder(finder.full, tmp_path / "lungs", data="", licence="")
    with pytest.raises(BundleError, match=r"holds a lungs model, not a detector.*`finder=`"):
        load(tmp_path / "lungs")


def test_a_reconstructor_is_neither_a_detector_nor_a_lung_finder() -> None:
    golden = Path(__file__).parents[1] / "artifacts" / "golden" / "reconstruction-1"
    for read, wanted in ((finder_of, "not a lung finder"), (load, "not a detector")):
        with pytest.raises(BundleError, match=f"holds a reconstruction model, {wanted}"):
            read(golden)
