"""Treatment of films by `fit`, for every method."""

from __future__ import annotations

import pytest
import torch

from tests.detectors.conftest import QUICK, Make
from tests.read_once import ReadOnce
from unseen.anatomy.cross_fitted_lungs import CrossFittedLungs
from unseen.data.film import Film


def test_with_a_finder_one_whole_film_is_in_memory(make: Make, normals: list[Film], finder: CrossFittedLungs) -> None:
    read = ReadOnce(normals)
    assert len(make("pca").fit(read, finder=finder).training_films) == len(normals)
    assert read.most <= 2


@pytest.mark.usefixtures("quick_lungs")
def test_films_that_can_be_gone_through_once_are_kept_where_lungs_are_learnt_from_them(
    make: Make, normals: list[Film]
) -> None:
    of_a_list, of_an_iterator = (make("pca").fit(given, training=QUICK) for given in (normals, iter(normals)))
    states = [detector.modules()["subspace"].state_dict() for detector in (of_a_list, of_an_iterator)]
    assert all(torch.equal(states[0][name], tensor) for name, tensor in states[1].items())
