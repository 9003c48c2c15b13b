"""A gate learnt from phantoms, and a finder that takes a second."""

from __future__ import annotations

import pytest
import torch

from unseen.anatomy.crossfit import CrossFittedLungs, cross_fitted
from unseen.anatomy.lungs import LungFinder
from unseen.data import phantoms
from unseen.data.film import Film
from unseen.screening.gate import Gate


@pytest.fixture(scope="session")
def normals() -> list[Film]:
    return list(phantoms.normals(36, seed=31, size=128))


@pytest.fixture(scope="session")
def finder(normals: list[Film]) -> CrossFittedLungs:
    torch.set_num_threads(1)
    return cross_fitted(normals, config=LungFinder.Config(size=32, features=8, depth=2, steps=60), seed=3, device="cpu")


@pytest.fixture(scope="session")
def gate(normals: list[Film], finder: CrossFittedLungs) -> Gate:
    return Gate.fit(normals, finder=finder)


@pytest.fixture(scope="session")
def incoming() -> list[Film]:
    """Other patients, with and without a lesion."""
    return list(phantoms.twins(8, seed=32, size=128))


@pytest.fixture(scope="session")
def many(incoming: list[Film]) -> list[Film]:
    """Enough of them to count."""
    return [*incoming, *phantoms.twins(24, seed=33, size=128)]
