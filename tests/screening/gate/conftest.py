"""A gate learnt from phantoms, and a finder that takes a second."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from tests.once import made_once, shared_folder
from unseen.anatomy.crossfit import CrossFittedLungs, cross_fitted
from unseen.anatomy.lungs import LungFinder
from unseen.data import phantoms
from unseen.data.film import Film
from unseen.screening.gate import Gate


@pytest.fixture(scope="session")
def normals() -> list[Film]:
    return list(phantoms.normals(36, seed=31, size=128))


@pytest.fixture(scope="session")
def learnt(tmp_path_factory: pytest.TempPathFactory, normals: list[Film]) -> tuple[Gate, CrossFittedLungs]:
    def make(folder: Path) -> None:
        torch.set_num_threads(1)
        config = LungFinder.Config(size=32, features=8, depth=2, steps=60)
        finder = cross_fitted(normals, config=config, seed=3, device="cpu")
        (folder / "gate.pickle").write_bytes(pickle.dumps((Gate.fit(normals, finder=finder), finder)))

    folder = made_once(shared_folder(tmp_path_factory) / "gate", make)
    learnt: tuple[Gate, CrossFittedLungs] = pickle.loads((folder / "gate.pickle").read_bytes())
    return learnt


@pytest.fixture(scope="session")
def gate(learnt: tuple[Gate, CrossFittedLungs]) -> Gate:
    return learnt[0]


@pytest.fixture(scope="session")
def finder(learnt: tuple[Gate, CrossFittedLungs]) -> CrossFittedLungs:
    torch.set_num_threads(1)
    return learnt[1]


@pytest.fixture(scope="session")
def incoming() -> list[Film]:
    """Other patients, with and without a lesion."""
    return list(phantoms.twins(8, seed=32, size=128))


@pytest.fixture(scope="session")
def many(incoming: list[Film]) -> list[Film]:
    """Enough of them to count."""
    return [*incoming, *phantoms.twins(24, seed=33, size=128)]
