"""The lung finder: it learns phantoms' lungs, repeatably; and the cross-fitted pair has never seen what it is asked."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.anatomy.conftest import film_of
from unseen.anatomy.cross_fitted_lungs import CrossFittedLungs, cross_fitted
from unseen.anatomy.lung_finder import LungExamples, LungFinder, NoMasksError
from unseen.data import phantoms
from unseen.data.film import Film, NotRead


@pytest.fixture(scope="module")
def fitted(normals: list[Film]) -> CrossFittedLungs:
    """Train cross-fitted finders for two steps: the division of films between them does not depend on the training."""
    config = LungFinder.Config(size=32, features=4, depth=2, steps=2)
    return cross_fitted(normals, config=config, seed=3, device="cpu")


def dice(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """2·|A ∩ B| / (|A| + |B|) at the truth's resolution."""
    repeats = (truth.shape[0] // mask.shape[0], truth.shape[1] // mask.shape[1])
    full = np.kron(mask, np.ones(repeats, dtype=bool))
    return float(2 * (full & truth).sum() / (full.sum() + truth.sum()))


@pytest.mark.nightly
@pytest.mark.parametrize(("size", "depth"), [(32, 2), (64, 3)])
def test_it_finds_the_lungs_of_phantoms_that_it_has_not_seen(size: int, depth: int) -> None:
    torch.set_num_threads(1)
    learnt = phantoms.normals(40 if size == 32 else 64, seed=1, size=64)
    config = LungFinder.Config(size=size, features=8, depth=depth, steps=80 if size == 32 else 100)
    finder = LungFinder(config).fit(LungExamples.of(learnt, size=size), seed=0, device="cpu")
    scores = [dice(finder.find(film), film.lungs) for film in phantoms.twins(8, seed=99, size=64)]
    assert np.mean(scores) > 0.9 and min(scores) > 0.8, scores


def test_a_few_steps_already_find_lungs(finder: LungFinder) -> None:
    masks = [(finder.find(film), film.lungs) for film in phantoms.twins(4, seed=99, size=64)]
    scores = [dice(mask, truth) for mask, truth in masks]
    assert np.mean(scores) > 0.85 and min(scores) > 0.75, scores
    for mask, _ in masks:
        assert mask.shape == (32, 32) and mask.dtype == np.bool_


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(examples: LungExamples) -> None:
    config = LungFinder.Config(size=32, features=4, depth=2, steps=5)
    one, again, other = (LungFinder(config).fit(examples, seed=seed, device="cpu") for seed in (2, 2, 4))
    for (name, weights), same in zip(
        one.network.state_dict().items(), again.network.state_dict().values(), strict=True
    ):
        assert torch.equal(weights, same), name
    assert not torch.equal(one.network.head.weight, other.network.head.weight)


def test_fitting_leaves_the_callers_random_numbers_alone(examples: LungExamples) -> None:
    finder = LungFinder(LungFinder.Config(size=32, features=4, depth=2, steps=1))
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    finder.fit(examples, seed=2, device="cpu")
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(("gain", "offset"), [(0.5, 0.0), (0.7, 0.25), (2.0, -0.3)])
def test_what_is_found_does_not_depend_on_exposure(finder: LungFinder, gain: float, offset: float) -> None:
    for film in phantoms.normals(4, seed=21, size=64):
        other = dataclasses.replace(film, pixels=film.pixels * np.float32(gain) + np.float32(offset))
        assert (finder.find(film) != finder.find(other)).sum() <= 1  # one pixel: float32 at the threshold


def test_at_most_two_lungs_are_found_and_they_have_no_holes(finder: LungFinder) -> None:
    from scipy import ndimage

    for film in phantoms.normals(6, seed=31, size=64):
        mask = finder.find(film)
        assert ndimage.label(mask)[1] <= 2
        assert (ndimage.binary_fill_holes(mask) == mask).all()


def test_films_without_masks_cannot_teach_and_the_error_names_both_ways_out(normals: list[Film]) -> None:
    bare = [dataclasses.replace(film, lungs=None) for film in normals[:3]]
    broken = NotRead(name="x", reason="It is empty.", source="s", patient="p")
    with pytest.raises(NoMasksError, match=r"manifest column `mask`.*a trained model whose finder is taken"):
        LungExamples.of([*bare, broken])


def test_only_films_with_masks_are_learnt_from(normals: list[Film]) -> None:
    mixed = [normals[0], dataclasses.replace(normals[1], lungs=None), normals[2]]
    found = LungExamples.of(mixed, size=32)
    assert found.digests == (normals[0].pixel_sha256, normals[2].pixel_sha256)
    assert found.images.shape == found.masks.shape == (2, 1, 32, 32) and found.masks.dtype == torch.bool


def test_a_training_film_is_never_found_by_a_finder_that_saw_it(
    fitted: CrossFittedLungs, normals: list[Film], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[LungFinder] = []
    find = LungFinder.find

    def watched(self: LungFinder, film: Film) -> NDArray[np.bool_]:
        asked.append(self)
        return find(self, film)

    monkeypatch.setattr(LungFinder, "find", watched)
    for film in normals:
        fitted.find(film)
        assert film.pixel_sha256 not in asked[-1].training_films
    assert {id(finder) for finder in asked} == {id(half) for half in fitted.halves}
    fitted.find(film_of(np.zeros((64, 64), np.float32), digest="f" * 64))
    assert asked[-1] is fitted.full, "a new film is found by the finder that learnt from all"


def test_the_halves_share_no_film_and_miss_none(fitted: CrossFittedLungs, normals: list[Film]) -> None:
    one, other = (set(half.training_films) for half in fitted.halves)
    assert not one & other
    assert one | other == set(fitted.full.training_films) == {film.pixel_sha256 for film in normals}


def test_the_order_of_films_does_not_change_their_half(examples: LungExamples, normals: list[Film]) -> None:
    shuffled = LungExamples.of(normals[::-1], size=32)
    for which in (0, 1):
        assert set(examples.half(which).digests) == set(shuffled.half(which).digests)


def test_films_that_allow_no_halves_still_give_a_finder(normals: list[Film]) -> None:
    quick = LungFinder.Config(size=32, features=4, depth=2, steps=1)
    fitted = cross_fitted(normals[:1], config=quick, device="cpu")
    assert fitted.halves == () and fitted.find(normals[0]).shape == (32, 32)


def test_progress_names_each_finder(normals: list[Film]) -> None:
    quick = LungFinder.Config(size=32, features=4, depth=2, steps=1)
    seen: list[str] = []
    cross_fitted(normals, config=quick, device="cpu", progress=lambda name, _: seen.append(name))
    assert set(seen) == {"reading films for the lung finder", "lungs", "lungs-half-1", "lungs-half-2"}


def test_the_mask_of_a_film_does_not_depend_on_the_bits_that_it_is_stored_in() -> None:
    finder = LungFinder(LungFinder.Config(size=64, features=4, depth=2))  # untrained: many pixels near the threshold
    for film in phantoms.normals(6, size=160, seed=5):
        eight = np.rint(film.pixels * 255).astype(np.float32) / np.float32(255)
        twelve = np.rint(eight * 4095).astype(np.float32) / np.float32(4095)
        found = [
            finder.find(dataclasses.replace(film, pixels=pixels, bits=bits))
            for pixels, bits in ((eight, 8), (twelve, 12))
        ]
        assert np.array_equal(*found)
