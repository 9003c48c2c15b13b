"""Conventions of scikit-learn, PyOD and PyTorch that every detector follows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.base import clone as sklearn_clone

from unseen.anatomy.lung_finder import NoMasksError
from unseen.anatomy.network_view import View
from unseen.artifacts.recipe import RecipeError
from unseen.data import phantoms
from unseen.data.film import NotRead
from unseen.data.reading import NotReadError
from unseen.data.source_errors import SourceError
from unseen.detectors import METHODS
from unseen.detectors.dct import Dct
from unseen.detectors.errors import FitError
from unseen.detectors.estimator import DEFAULT_PERCENTILE
from unseen.detectors.finding import Finding
from unseen.detectors.pca import Pca
from unseen.detectors.roi_sure import RoiSure


@pytest.fixture(scope="module")
def images() -> NDArray[np.float32]:
    return np.stack([film.pixels for film in phantoms.normals(30, size=64, seed=3)])


@pytest.fixture(scope="module")
def trained(images: NDArray[np.float32]) -> Pca:
    return Pca(components=8).fit(images)


@pytest.mark.parametrize("key", sorted(METHODS.own))
def test_parameters_make_an_equal_detector(key: str) -> None:
    kind = METHODS.load(key)
    detector = kind()
    again = kind(**detector.get_params())
    assert again.config == detector.config and again.view == detector.view
    cloned = sklearn_clone(detector)
    assert type(cloned) is kind and cloned.get_params() == detector.get_params() and not cloned.training_films


def test_set_params_changes_one_setting_and_forgets_the_training(trained: Pca, images: NDArray[np.float32]) -> None:
    detector = Pca(components=8).fit(images[:20])
    assert detector.set_params(blur=1.0) is detector
    assert (detector.config.components, detector.config.blur) == (8, 1.0)
    with pytest.raises(ValueError, match="has not been trained"):
        detector.score(images)


def test_arrays_are_looked_at_whole_after_set_params_too(images: NDArray[np.float32]) -> None:
    detector = Pca(size=64).set_params(components=5).fit(images[:20])
    assert (detector.view.frame, detector.view.size) == ("whole", 64)
    with pytest.raises(NoMasksError):
        Pca().set_params(view=View(size=64), components=5).fit(images[:20])


def test_a_wrong_parameter_changes_nothing(images: NDArray[np.float32]) -> None:
    detector = Pca(components=8).fit(images[:20])
    with pytest.raises(RecipeError, match="did you mean components"):
        detector.set_params(component=5)
    assert detector.config.components == 8 and len(detector.decision_function(images[:2])) == 2


def test_arrays_of_any_layout_have_the_same_scores(trained: Pca, images: NDArray[np.float32]) -> None:
    expected = trained.decision_function(images)
    assert trained.view.frame == "whole"
    for given in (images[:, None], torch.from_numpy(images), list(images), iter(images)):
        assert np.array_equal(trained.decision_function(given), expected)
    (single,) = trained.score(images[0])
    assert isinstance(single, Finding) and single.score == expected[0]
    assert trained.decision_function(single.film).tolist() == [expected[0]]


def test_integers_are_divided_by_the_largest_value_of_their_type(trained: Pca, images: NDArray[np.float32]) -> None:
    eight = np.rint(images[:3] * 255).astype(np.uint8)
    as_floats = eight / np.float32(255)
    assert np.array_equal(trained.decision_function(eight), trained.decision_function(as_floats))


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (3, TypeError, "no film"),
        ([1, 2], TypeError, "at place 0"),
        (b"film.png", TypeError, "bytes"),
        ({"a": 1}, TypeError, "dict"),
        ("no-such-folder/", SourceError, "no such file or folder"),
        ("no-such-file.png", SourceError, "no such file or folder"),
        (np.full((2, 64, 64), 2.0), ValueError, r"\[0, 1\]"),
        (np.full((2, 64, 64), np.nan), ValueError, "array 0"),
        (np.zeros((64, 64), np.int64), TypeError, "int64"),
        (np.zeros((64, 64, 3), np.uint8), ValueError, "one channel"),
        (np.zeros(64, np.uint8), ValueError, "no image"),
        (np.zeros((64, 64), np.uint32), TypeError, "too wide"),
    ],
)
def test_score_raises_at_once_for_what_is_no_film(
    trained: Pca, given: object, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        trained.score(given)  # type: ignore[arg-type]


def test_predict_uses_the_threshold_or_the_training_normals(trained: Pca, images: NDArray[np.float32]) -> None:
    scores = trained.decision_function(images)
    middle = float(np.median(scores))
    assert np.array_equal(trained.predict(images, threshold=middle), scores >= middle)
    with pytest.raises(ValueError, match="threshold="):
        trained.predict(images)
    with_normals = Pca(components=8).fit(images)
    with_normals.normal_scores = tuple(scores)
    limit = np.percentile(scores, DEFAULT_PERCENTILE)
    assert np.array_equal(with_normals.predict(images), scores >= limit)


def test_a_film_that_was_not_read_is_an_error_of_decision_function(trained: Pca) -> None:
    refused = NotRead(name="a.png", reason="It is empty.", source="ward", patient="a")
    assert list(trained.score([refused])) == [refused]
    with pytest.raises(NotReadError, match=r"a\.png: It is empty"):
        trained.decision_function([refused])


def test_state_and_device_are_those_of_the_networks(trained: Pca) -> None:
    assert trained.to("cpu") is trained
    assert set(trained.state_dict()) == {
        f"{name}.{key}" for name, module in trained.modules().items() for key in module.state_dict()
    }
    with pytest.raises(FitError, match="Take 'cpu'"):
        trained.to("nonsense")
    with pytest.raises(ValueError, match="has not been trained"):
        Dct().state_dict()


def test_a_view_that_was_asked_for_is_kept(images: NDArray[np.float32]) -> None:
    with pytest.raises(NoMasksError, match="look at whole films"):
        Pca(view=View(size=64), components=8).fit(images)
    with pytest.raises(NoMasksError):
        RoiSure().fit(images)
