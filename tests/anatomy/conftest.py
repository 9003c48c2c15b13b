"""Films that are drawn by rule, for the view; phantoms, for the finder."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from unseen.anatomy.lung_finder import LungExamples, LungFinder
from unseen.data import phantoms
from unseen.data.film import Film

SMALL = LungFinder.Config(size=32, features=8, depth=2, steps=40)  # the least that finds phantoms' lungs: Dice 0.9


def film_of(pixels: NDArray[np.float32], *, digest: str = "0" * 64, lungs: NDArray[np.bool_] | None = None) -> Film:
    """Return a film of these pixels."""
    return Film(
        name="drawn.png",
        pixels=pixels.astype(np.float32),
        source="test",
        patient="p",
        study="p",
        bits=8,
        file_sha256=digest,
        pixel_sha256=digest,
        file_bytes=1,
        file_format="png",
        lungs=lungs,
    )


def noise(height: int, width: int, *, seed: int = 0) -> Film:
    """Uniform noise, in which no value lies three standard deviations off, so that nothing is clipped."""
    return film_of(np.random.default_rng(seed).random((height, width), dtype=np.float32))


def rectangle(shape: tuple[int, int], top: int, left: int, bottom: int, right: int) -> NDArray[np.bool_]:
    mask = np.zeros(shape, dtype=bool)
    mask[top:bottom, left:right] = True
    return mask


@pytest.fixture(scope="session")
def normals() -> list[Film]:
    return list(phantoms.normals(30, seed=11, size=64))


@pytest.fixture(scope="session")
def examples(normals: list[Film]) -> LungExamples:
    return LungExamples.of(normals, size=SMALL.size)


@pytest.fixture(scope="session")
def finder(examples: LungExamples) -> LungFinder:
    torch.set_num_threads(1)
    return LungFinder(SMALL).fit(examples, seed=2, device="cpu")
