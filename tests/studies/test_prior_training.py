"""A recipe of a generator: its images and their split, and a training that is found again."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
import torch

from conftest import FILMS
from studies import recipe_files as recipes
from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.priors import GENERATORS
from unseen.priors import load as load_generator
from unseen.priors.trained import digest_of
from unseen.runs.generator_training import (
    PictureSettings,
    _moved,
    load_images,
    reconstruction_psnr,
    resolve,
    train_generator,
)

SHIPPED = [name for name in recipes.names() if name.startswith("priors/")]
SMALL = """
name = "small"
[view]
pictures = "shapes"
size = 16
limit = 48
[method]
key = "{key}"
latent = 3
features = 4
[training]
epochs = 2
batch_size = 8
threads = 1
device = "cpu"
"""


def small(key: str = "vae") -> Recipe:
    return Recipe.from_toml(SMALL.format(key=key))


def test_each_generator_has_a_recipe_for_each_kind_of_images() -> None:
    assert sorted(SHIPPED) == sorted(
        f"priors/{kind}-{key}" for kind in ("mnist", "shapes", "mri") for key in GENERATORS
    )
    latents = {"mnist": 8, "shapes": 12, "mri": 64}
    for name in SHIPPED:
        recipe = resolve(recipes.load(name))
        kind, _, key = name.removeprefix("priors/").partition("-")
        assert recipe.method.key == key and recipe.method.settings["latent"] == latents[kind]
        assert recipe.view["size"] == (128 if kind == "mri" else 32)


@pytest.mark.parametrize(
    "key", ["ae", *(pytest.param(key, marks=pytest.mark.nightly) for key in GENERATORS if key != "ae")]
)
def test_a_training_is_found_again_and_another_seed_is_another_run(tmp_path: Path, key: str) -> None:
    first = train_generator(small(key), root=tmp_path / "runs", out=tmp_path / "model", licence="CC0-1.0")
    assert not first.found and first.run.bundle.is_dir() and first.run.checkpoint.is_file()
    again = train_generator(small(key), root=tmp_path / "runs")
    assert again.found and again.run == first.run and again.metrics == first.metrics
    z = first.G.latents(4, generator=torch.Generator().manual_seed(0))
    for found in (again.G, load_generator(tmp_path / "model")):
        assert torch.equal(found(z), first.G(z))
        assert found.card is not None and found.card.licence == "CC0-1.0" and "shapes, drawn" in found.card.data
    assert set(first.metrics) == (set() if key == "wgan-gp" else {"validation_psnr"})
    other = train_generator(small(key).model_copy(update={"seed": 1}), root=tmp_path / "runs")
    assert other.run != first.run and not torch.equal(other.G(z), first.G(z))


def test_what_is_measured_is_on_images_that_were_not_learnt_from(tmp_path: Path) -> None:
    done = train_generator(small("ae"), root=tmp_path)
    pictures = load_images(PictureSettings(pictures="shapes", size=16, limit=48))
    assert done.G.training_digests == tuple(map(digest_of, pictures.training))
    held_out = {digest_of(image) for image in torch.cat([pictures.validation, pictures.testing])}
    assert not held_out & set(done.G.training_digests)
    assert done.metrics["validation_psnr"] == round(reconstruction_psnr(done.G, pictures.validation), 3)  # type: ignore[arg-type]


def test_a_detectors_recipe_is_sent_to_its_own_command() -> None:
    with pytest.raises(
        RecipeError, match=r"method.key: pca is no generator: .*Detectors are trained by `unseen train`"
    ):
        resolve(recipes.load("phantoms/pca-64-lungs"))
    with pytest.raises(RecipeError, match="vea is no generator: unknown; did you mean vae"):
        resolve(small("vea"))


@pytest.mark.skipif(not FILMS.is_dir(), reason="no public data")
@pytest.mark.parametrize(
    ("pictures", "size", "numbers"),
    [pytest.param("digits", 32, (59_000, 1000, 10_000), marks=pytest.mark.nightly), ("brain", 32, (112, 24, 40))],
)
def test_the_splits_of_the_real_images(
    pictures: Literal["digits", "brain"], size: int, numbers: tuple[int, int, int]
) -> None:
    found = load_images(PictureSettings(pictures=pictures, size=size), data=FILMS)
    parts = (found.training, found.validation, found.testing)
    assert tuple(map(len, parts)) == numbers and len(found.units) == numbers[2]
    assert all(part.shape[1:] == (1, size, size) and part.min() >= 0 and part.max() <= 1 for part in parts)
    digests = [{digest_of(image) for image in part} for part in parts]
    assert not digests[0] & digests[1] and not digests[1] & digests[2] and not digests[0] & digests[2]
    if pictures == "brain":
        trained_on, validating, tested = (part.split(": ")[-1].split(", ") for part in _subjects(found.split))
        assert (len(trained_on), len(validating), len(tested)) == (14, 3, 5)
        assert not set(trained_on) & set(tested) and len(set(found.units)) == 5


def _subjects(split: str) -> list[str]:
    first, second, third = split.removeprefix("by subject: trained on ").split("; ")
    return [first, second.removesuffix(" validate"), third.removesuffix(" tested")]


def test_images_that_are_not_there_or_have_no_such_size_are_told(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"train-images-idx3-ubyte.gz: not there. Set \$UNSEEN_DATA"):
        load_images(PictureSettings(pictures="digits", size=32), data=tmp_path)
    with pytest.raises(RecipeError, match=r"view.size: seen 64; digits are 28 × 28, padded to 32"):
        load_images(PictureSettings(pictures="digits", size=64), data=tmp_path)


def test_copies_are_of_training_images_alone_and_moved_a_little() -> None:
    plain = load_images(PictureSettings(pictures="shapes", size=16, limit=10))
    more = load_images(PictureSettings(pictures="shapes", size=16, limit=10, copies=3))
    assert len(more.training) == 30 and torch.equal(more.training[:10], plain.training)
    assert torch.equal(more.validation, plain.validation) and torch.equal(more.testing, plain.testing)
    assert len({digest_of(image) for image in more.training}) == 30


def test_a_moved_image_is_mirrored_turned_scaled_and_shifted_within_its_bounds() -> None:
    n, size = 400, 64
    spots = torch.zeros(n, 1, size, size)
    spots[:, 0, 30:34, 50:54] = 1.0  # 20 pixels right of the middle
    moved = _moved(spots, torch.Generator().manual_seed(0))[:, 0]
    weight = moved / moved.sum(dim=(1, 2), keepdim=True)
    side = torch.arange(size) + 0.5 - size / 2
    down, across = (weight.sum(dim=2) @ side), (weight.sum(dim=1) @ side)
    assert 0.4 < (across < 0).float().mean() < 0.6, "every other one is mirrored"
    far = 20 * 1.07 + 0.05 * size * 1.5
    assert across.abs().max() < far and across.abs().min() > 20 / 1.07 - 0.05 * size * 1.5 - 1
    assert 2 < down.abs().max() < 20 * 0.12 + 0.05 * size * 1.5
