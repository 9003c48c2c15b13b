"""What `fit` does with the films that it is given, whatever the method."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from tests.detectors.conftest import QUICK, Make
from unseen.anatomy.crossfit import CrossFittedLungs
from unseen.anatomy.lungs import LungFinder
from unseen.data.film import Film


def test_with_a_finder_one_whole_film_is_in_memory(make: Make, normals: list[Film], finder: CrossFittedLungs) -> None:
    alive: list[weakref.ref[object]] = []
    most = 0

    def read() -> Iterator[Film]:
        nonlocal most
        for film in normals:
            pixels = film.pixels.copy()
            alive.append(weakref.ref(pixels))
            yield replace(film, pixels=pixels)
            del pixels
            most = max(most, sum(one() is not None for one in alive))

    detector = make("pca").fit(read(), finder=finder)
    assert len(alive) == len(normals) == len(detector.training_films)
    assert most <= 2, "the one that was read and the one before"


def test_films_that_can_be_gone_through_once_are_kept_where_lungs_are_learnt_from_them(
    make: Make, normals: list[Film], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Small(LungFinder.Config):
        size: int = 32
        features: int = 4
        depth: int = 2
        steps: int = 5

    monkeypatch.setattr(LungFinder, "Config", Small)
    of_a_list, of_an_iterator = (make("pca").fit(given, training=QUICK) for given in (normals, iter(normals)))
    states = [detector.modules()["subspace"].state_dict() for detector in (of_a_list, of_an_iterator)]
    assert all(torch.equal(states[0][name], tensor) for name, tensor in states[1].items())
