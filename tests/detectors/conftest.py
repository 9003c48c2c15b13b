"""A small world for detectors: phantoms of 64 pixels, lungs found by a finder that has had a few steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from tests.kept_lungs import kept_lungs
from tests.once import kept_once
from unseen.anatomy.cross_fitted_lungs import CrossFittedLungs, cross_fitted
from unseen.anatomy.lung_finder import LungFinder
from unseen.anatomy.network_view import View
from unseen.data import phantoms
from unseen.data.film import Film
from unseen.detectors import METHODS
from unseen.detectors.detector import Detector
from unseen.training.settings import Training

QUICK = Training(epochs=2, batch_size=8, seed=3, device="cpu", threads=1)


@pytest.fixture(scope="module", autouse=True)
def _kept_lungs() -> Iterator[None]:
    """The same few films are looked at by the same finders in hundreds of tests."""
    with kept_lungs():
        yield


@pytest.fixture(scope="session")
def normals() -> list[Film]:
    return list(phantoms.normals(24, seed=5, size=64))


@pytest.fixture(scope="session")
def incoming() -> list[Film]:
    return list(phantoms.twins(3, seed=6, size=64))


@pytest.fixture(scope="session")
def finder(tmp_path_factory: pytest.TempPathFactory, normals: list[Film]) -> CrossFittedLungs:
    torch.set_num_threads(1)
    config = LungFinder.Config(size=32, features=8, depth=2, steps=25)
    return kept_once(
        tmp_path_factory, "detectors-finder", lambda: cross_fitted(normals, config=config, seed=3, device="cpu")
    )


# One method of each kind, which `make test` asks; `make nightly` asks every registered one.
KINDS = {
    "anatpaste",
    "dae",
    "ddad",
    "deep-svdd",
    "ensemble",
    "f-anogan",
    "ganomaly",
    "lesion-segmentation",
    "patchcore",
    "pca",
    "roi-sure",
    "student-teacher",
}
Make = Callable[..., Detector]
Given = Callable[[str], dict[str, Any]]  # Any: the words that `fit` takes
MEMBERS = (
    {"key": "pca", "settings": {"components": 8}},
    {"key": "dct", "settings": {"coefficients": 6}},
    {"key": "dae", "settings": {"features": 4}, "epochs": 1},
)


@pytest.fixture(scope="session")
def make() -> Make:
    """An untrained detector of few parameters, by its key."""

    def build(key: str, *, frame: str = "lungs", **settings: object) -> Detector:
        method: type[Detector] = METHODS.load(key)
        sizes = {
            "components": 8,
            "features": 4,
            "latent": 8,
            "memory": 64,
            "support": 64,
            "iterations": 5,
            "members": MEMBERS,
        }
        small = {name: size for name, size in sizes.items() if name in method.Config.model_fields}
        return method(view=View(frame=frame, size=32), **{**small, **settings})

    return build


@pytest.fixture(scope="session")
def given(finder: CrossFittedLungs, incoming: list[Film]) -> Given:
    """Return a function from a method's key to the arguments of `fit` besides the normals.

    They include unlabelled films for a method that learns from them.
    """

    def words(key: str) -> dict[str, Any]:
        method: type[Detector] = METHODS.load(key)
        plain = {"finder": finder, "training": QUICK}
        return {**plain, "unlabelled": incoming} if method.learns_from_unlabelled else plain

    return words


class Trained(dict[str, Detector]):
    """Every registered detector, trained for two epochs when it is first asked for."""

    def __init__(self, train: Callable[[str], Detector]) -> None:
        super().__init__()
        self._train = train

    def __missing__(self, key: str) -> Detector:
        self[key] = self._train(key)
        return self[key]


@pytest.fixture(scope="session")
def trained(make: Make, normals: list[Film], given: Given) -> dict[str, Detector]:
    return Trained(lambda key: make(key).fit(normals, **given(key)))
