"""The law of detectors, for every registered one: a finite score per film, that depends on its film alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import unseen as un
from tests.detectors.conftest import KINDS, QUICK, Given, Make
from unseen.data.film import Film
from unseen.detectors import METHODS
from unseen.detectors.detector import Detector
from unseen.detectors.errors import FitError
from unseen.detectors.finding import Finding
from unseen.testing import DETECTOR_LAWS
from unseen.training.progress import Progress

FROZEN = ("feature-lda", "feature-pca", "mahalanobis", "padim", "patchcore")
GIVES_NO_IMAGE = ("anatpaste", "deep-svdd", "lesion-segmentation", "patch-memory", "student-teacher", *FROZEN)
LEARNING = {"dae", "ensemble", "f-anogan", "ganomaly", "patchcore"}
"""A loss, a game, two trainings one after the other, members, and what is computed at once."""


def those_of(names: set[str]) -> pytest.MarkDecorator:
    """A test for each method, those of `names` in `make test`; all tests of one method together: it is trained once."""
    keys = [key if key in names else pytest.param(key, marks=pytest.mark.nightly) for key in METHODS]
    return pytest.mark.parametrize("key", keys, scope="module")


every_method = those_of(set(METHODS.keys()))
each_kind = those_of(KINDS)
each_way_of_learning = those_of(LEARNING)


def test_the_kinds_are_registered() -> None:
    assert LEARNING <= KINDS <= set(METHODS.keys())


def scores(detector: Detector, films: list[Film]) -> list[float]:
    return [found.score for found in detector.score(films) if isinstance(found, Finding)]


def same_weights(one: Detector, other: Detector) -> bool:
    states = ({name: module.state_dict() for name, module in detector.modules().items()} for detector in (one, other))
    return all(
        torch.equal(a, b)
        for mine, others in zip(*(list(state.values()) for state in states), strict=True)
        for a, b in zip(mine.values(), others.values(), strict=True)
    )


@each_kind
def test_one_finite_score_and_two_images_per_film_in_order(
    key: str, trained: dict[str, Detector], incoming: list[Film]
) -> None:
    films = incoming[:3]
    findings = list(trained[key].score(films))
    assert [found.film.name for found in findings if isinstance(found, Finding)] == [film.name for film in films]
    for found in findings:
        assert isinstance(found, Finding)
        assert np.isfinite(found.score) and all(np.isfinite(value) for value in found.parts.values())
        images = [found.anomaly_map] if found.reconstruction is None else [found.anomaly_map, found.reconstruction]
        assert len(images) == (1 if key in GIVES_NO_IMAGE else 2)
        for image in images:
            assert image.shape == (32, 32) and image.dtype == np.float32 and np.isfinite(image).all()
        assert (found.anomaly_map >= 0).all() and found.anomaly_map.max() > 0
        outside = ~found.viewed.inside[0].numpy()
        assert (found.anomaly_map[outside] == 0).all(), "what is not judged is not marked"


# The tests of this file ask the same of every kind.
ASKED_TWICE = ("one_finding_a_film", "saved_and_loaded", "refuses_what_it_cannot_learn_from")


@each_kind
@pytest.mark.parametrize(
    "law", [law if law not in ASKED_TWICE else pytest.param(law, marks=pytest.mark.nightly) for law in DETECTOR_LAWS]
)
def test_every_law_holds(key: str, law: str, trained: dict[str, Detector], incoming: list[Film]) -> None:
    DETECTOR_LAWS[law](trained[key], incoming[:2])


@pytest.mark.parametrize("law", ASKED_TWICE)
def test_the_other_laws_hold_of_one(law: str, trained: dict[str, Detector], incoming: list[Film]) -> None:
    DETECTOR_LAWS[law](trained["pca"], incoming[:2])


@each_kind
def test_a_saved_detector_gives_the_same_scores(
    key: str, trained: dict[str, Detector], incoming: list[Film], tmp_path: Path
) -> None:
    card = un.detectors.save(trained[key], tmp_path / "model", adjustment={"intercept": 1.0}, licence="test")
    again = un.detectors.load(tmp_path / "model")
    assert again.key == key and again.view == trained[key].view and again.config == trained[key].config
    assert scores(again, incoming[:1]) == scores(trained[key], incoming[:1])
    assert again.training_films == trained[key].training_films and len(again.training_films) >= 24
    assert card.weights_sha256 and card.limits.startswith("Research use only.")
    assert {path.name for path in (tmp_path / "model").iterdir()} == {"card.json", "weights.safetensors"}


@each_kind
def test_what_learns_by_epochs_has_their_history(key: str, trained: dict[str, Detector]) -> None:
    history = trained[key].history
    assert (history is not None) == trained[key].learns_by_epochs
    if history is not None:  # what the score's network descends goes by this name, in rows and pages
        assert np.isfinite(history.by_epoch("generator")).all() and history.by_epoch("generator")


@each_kind
@pytest.mark.nightly  # the interrupted fit below would not come to the same weights otherwise
def test_the_same_seed_gives_the_same_weights(
    key: str, make: Make, trained: dict[str, Detector], normals: list[Film], given: Given
) -> None:
    assert same_weights(make(key).fit(normals, **given(key)), trained[key])


@each_way_of_learning
@pytest.mark.parametrize("at", [4, pytest.param(8, marks=pytest.mark.nightly)])
def test_an_interrupted_fit_goes_on_to_the_same_weights(
    key: str, at: int, make: Make, trained: dict[str, Detector], normals: list[Film], given: Given, tmp_path: Path
) -> None:
    """Six steps, or more where there are two trainings or several members, one after the other."""

    def stop(name: str, state: Progress) -> None:
        seen.append(name)
        if len(seen) == at:
            raise KeyboardInterrupt

    seen: list[str] = []
    words = {**given(key), "training": QUICK.model_copy(update={"checkpoint_every_steps": 1}), "folder": tmp_path}
    detector = make(key)
    try:
        detector.fit(normals, **words, progress=stop)
        assert len(seen) < at
    except KeyboardInterrupt:
        detector = make(key).fit(normals, **words)
    assert same_weights(detector, trained[key])


@each_kind
@pytest.mark.parametrize("what", ["black", "noise"])
def test_films_of_nothing_get_a_score_or_a_reason(
    key: str, what: str, trained: dict[str, Detector], incoming: list[Film]
) -> None:
    pixels = np.zeros((64, 64), dtype=np.float32)
    if what == "noise":
        pixels = np.random.default_rng(0).random((64, 64), dtype=np.float32)
    (found,) = trained[key].score([replace(incoming[0], pixels=pixels)])
    if isinstance(found, Finding):
        assert np.isfinite(found.score) and np.isfinite(found.anomaly_map).all()
    else:
        assert "score" in found.reason


@those_of({"dae", "patchcore"})  # by epochs, and at once
def test_it_sees_whole_films_too(key: str, make: Make, normals: list[Film], incoming: list[Film], given: Given) -> None:
    words = {**given(key), "training": QUICK.model_copy(update={"epochs": 1, "batch_size": 4})}
    detector = make(key, frame="whole").fit(normals[:20], **words)  # five steps: a critic has five turns
    assert np.isfinite(scores(detector, incoming[:2])).all()


@each_way_of_learning
def test_abnormal_films_are_not_learnt_from(
    key: str, make: Make, normals: list[Film], incoming: list[Film], given: Given
) -> None:
    with pytest.raises(FitError, match="labelled abnormal"):
        make(key).fit([*normals, incoming[1]], **given(key))


@every_method
def test_no_readable_film_is_an_error(key: str, make: Make, given: Given) -> None:
    with pytest.raises(FitError, match="no training film"):
        make(key).fit([], **given(key))


@every_method
def test_an_untrained_detector_says_so(key: str, make: Make, incoming: list[Film]) -> None:
    with pytest.raises(ValueError, match="has not been trained"):
        next(make(key).score(incoming))


@every_method
def test_unknown_settings_are_refused(key: str) -> None:
    with pytest.raises(ValueError, match=f"{key}.no_such_setting: unknown"):
        METHODS.load(key)(no_such_setting=1)


@each_kind
def test_pixels_are_left_out_before_a_1x1_convolution(key: str, trained: dict[str, Detector]) -> None:
    """`nn.Conv2d(…, 1, stride)` in its place has wrong gradients on some processors (`PointwiseConv2d`)."""
    for module in (module for network in trained[key].modules().values() for module in network.modules()):
        if isinstance(module, torch.nn.Conv2d) and set(module.kernel_size) == {1}:
            assert set(module.stride) == {1}, module
