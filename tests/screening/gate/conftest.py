"""A gate learnt from phantoms, and a finder that has seen none of its films."""

from __future__ import annotations

import pytest
import torch

from tests.once import kept_once
from unseen.anatomy.lung_finder import LungExamples, LungFinder
from unseen.data import phantoms
from unseen.data.film import Film
from unseen.screening.gate import Gate, learnt_rules

Learnt = tuple[Gate, LungFinder, list[Film]]


def learn() -> Learnt:
    """Return a gate, the finder by which it has learnt, and the first 36 of its 64 films: enough for its limits to lie
    where others would put them. By 36, every fifth film is refused that was let pass before it was made a little
    smaller."""
    films = list(phantoms.normals(64, seed=31, size=128))
    config = LungFinder.Config(size=32, features=8, depth=2, steps=40)
    others = LungExamples.of(phantoms.normals(32, seed=30, size=64), size=32)
    finder = LungFinder(config).fit(others, seed=3, device="cpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learnt_rules, "DISTURBANCES", 1)
        return Gate.fit(films, finder=finder), finder, films[:36]


@pytest.fixture(scope="session")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Learnt:
    torch.set_num_threads(1)
    return kept_once(tmp_path_factory, "gate", learn)


@pytest.fixture(scope="session")
def gate(learnt: Learnt) -> Gate:
    return learnt[0]


@pytest.fixture(scope="session")
def finder(learnt: Learnt) -> LungFinder:
    return learnt[1]


@pytest.fixture(scope="session")
def normals(learnt: Learnt) -> list[Film]:
    return learnt[2]


@pytest.fixture(scope="session")
def incoming() -> list[Film]:
    """Other patients, with and without a lesion."""
    return list(phantoms.twins(8, seed=32, size=128))


@pytest.fixture(scope="session")
def many(incoming: list[Film]) -> list[Film]:
    """Enough of them to count."""
    return [*incoming, *phantoms.twins(24, seed=33, size=128)]
