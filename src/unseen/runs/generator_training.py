"""Training of a generator by its recipe: its training images, and its run.

`load_images` divides images into training, validation and test; no test image is ever learnt from.

digits  MNIST padded to 32 × 32: its training part but for the last 1,000, which validate; its test part
shapes  a square and a disc on black, drawn: 20,000 to train on, 1,000 to validate, 1,000 tested
brain   axial T1 slices, eight a subject, in [0, 1]; subjects sorted by name: the last five are tested, the three before
        validate. With `copies`, further images of the training slices: mirrored, and turned, scaled and shifted a
        little

`train_generator` trains a recipe's generator, resumes its run, or finds it trained; its bundle is in the run's
folder.
"""

import csv
import hashlib
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn import functional

from unseen import __version__
from unseen.artifacts import bundle
from unseen.artifacts.recipe import Recipe, RecipeError, digest, validated
from unseen.artifacts.registry import did_you_mean
from unseen.artifacts.run_folder import Run
from unseen.data.digits import read_digits
from unseen.data.drawn_shapes import squares_and_circles
from unseen.evaluation.psnr_ssim import psnr
from unseen.priors import GENERATORS
from unseen.priors.autoencoders import AutoencoderGenerator
from unseen.priors.saved import load as load_generator
from unseen.priors.saved import save
from unseen.priors.trained import TrainedGenerator
from unseen.training.progress import Progress
from unseen.training.settings import Training

_DIGITS_VALIDATING = 1000
_SHAPES, _SHAPES_VALIDATING, _SHAPES_TESTED = 20_000, 1000, 1000
_SUBJECTS_TESTED, _SUBJECTS_VALIDATING = 5, 3
_TURN, _SCALE, _SHIFT = math.radians(6), 0.06, 0.05  # at most; a shift in shares of the side


@dataclass(frozen=True, eq=False)
class Images:
    """Images (n, channels, size, size) in [0, 1], float32.

    Args:
        units: for each test image, the number of the patient it shows: what a bootstrap may resample.
    """

    training: Tensor
    validation: Tensor
    testing: Tensor
    units: tuple[int, ...]
    split: str

    @property
    def digest(self) -> str:
        """SHA-256 over all of them: 64 hexadecimal digits."""
        parts = (self.training, self.validation, self.testing)
        return hashlib.sha256(b"".join(part.contiguous().numpy().tobytes() for part in parts)).hexdigest()


class PictureSettings(BaseModel):
    """The section ``[view]``: which images, and how many."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    pictures: Literal["digits", "shapes", "brain"]
    size: int = Field(ge=16, le=1024)
    """Pixels a side, a power of two; slices are averaged down from 128 by area."""
    limit: int | None = Field(default=None, ge=2)
    """So many training images at most; none: all."""
    copies: int = Field(default=1, ge=1, le=100)
    """So many of each training image: itself, and moved ones."""


def load_images(settings: PictureSettings, *, data: Path | None = None) -> Images:
    """Return the images that a recipe names, from the folder `data` (None: `$UNSEEN_DATA`).

    Raises:
        RecipeError: they are not there, or have no such size.
    """
    return _loaded(settings, _folder(data))


@lru_cache(maxsize=1)  # the generators of a problem learn from the same images
def _loaded(settings: PictureSettings, data: Path) -> Images:
    found = _SOURCES[settings.pictures](settings, data)
    training = found.training if settings.limit is None else found.training[: settings.limit]
    if settings.copies > 1:
        generator = torch.Generator().manual_seed(0)
        moved = [_moved(training, generator) for _ in range(settings.copies - 1)]
        training = torch.cat([training, *moved])
    return replace(found, training=training)


def _digits(settings: PictureSettings, data: Path) -> Images:
    if settings.size != 32:
        raise RecipeError(f"view.size: seen {settings.size}; digits are 28 × 28, padded to 32")
    known, testing = (read_digits(_at(data, f"mnist/{part}-images-idx3-ubyte.gz")) for part in ("train", "t10k"))
    split = f"{_DIGITS_VALIDATING} of the training part validate, the others are trained on; the test part is tested"
    cut = len(known) - _DIGITS_VALIDATING
    return Images(known[:cut], known[cut:], testing, tuple(range(len(testing))), split)


def _shapes(settings: PictureSettings, data: Path) -> Images:
    del data
    numbers = (_SHAPES, _SHAPES_VALIDATING, _SHAPES_TESTED)
    training, validation, testing = (
        squares_and_circles(number, settings.size, torch.Generator().manual_seed(seed))
        for seed, number in enumerate(numbers)
    )
    split = f"drawn: {_SHAPES} to train on, {_SHAPES_VALIDATING} to validate, {_SHAPES_TESTED} tested"
    return Images(training, validation, testing, tuple(range(_SHAPES_TESTED)), split)


def _brain(settings: PictureSettings, data: Path) -> Images:
    from PIL import Image

    with _at(data, "brain_t1/manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (row["subject"], row["file"]))
    subjects = sorted({row["subject"] for row in rows})
    files = [_at(data, f"brain_t1/{row['file']}") for row in rows]
    grey = np.stack([np.asarray(Image.open(path).convert("L"), dtype=np.float32) for path in files]) / 255
    if grey.shape[-1] % settings.size:
        raise RecipeError(f"view.size: seen {settings.size}; should divide {grey.shape[-1]}, the slices' pixels a side")
    pictures = functional.avg_pool2d(torch.from_numpy(grey)[:, None], grey.shape[-1] // settings.size)
    subject = torch.tensor([subjects.index(row["subject"]) for row in rows])
    first_tested = len(subjects) - _SUBJECTS_TESTED
    first_validating = first_tested - _SUBJECTS_VALIDATING
    tested, trained_on = subject >= first_tested, subject < first_validating
    return Images(
        pictures[trained_on],
        pictures[~trained_on & ~tested],
        pictures[tested],
        tuple((subject[tested] - first_tested).tolist()),
        f"by subject: trained on {', '.join(subjects[:first_validating])}; "
        f"{', '.join(subjects[first_validating:first_tested])} validate; {', '.join(subjects[first_tested:])} tested",
    )


_SOURCES: dict[str, Callable[[PictureSettings, Path], Images]] = {
    "digits": _digits,
    "shapes": _shapes,
    "brain": _brain,
}


def _moved(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Return each image mirrored or not, turned by at most 6°, scaled by at most 6 % and shifted by at most 5 % of
    its side; 0 where nothing is known.
    """
    n = len(pictures)
    mirrored, turn, scale, down, across = 2 * torch.rand(5, n, generator=generator) - 1  # (n,) each, from −1 to 1
    angle, zoom = _TURN * turn, 1 + _SCALE * scale
    cosine, sine, mirror = zoom * angle.cos(), zoom * angle.sin(), torch.where(mirrored < 0, -1.0, 1.0)
    first = torch.stack([mirror * cosine, -sine, 2 * _SHIFT * across], dim=1)
    second = torch.stack([mirror * sine, cosine, 2 * _SHIFT * down], dim=1)
    grid = functional.affine_grid(torch.stack([first, second], dim=1), list(pictures.shape), align_corners=False)
    return functional.grid_sample(pictures, grid, align_corners=False).clamp(0, 1)


def _folder(data: Path | None) -> Path:
    return Path(os.environ.get("UNSEEN_DATA") or "data") if data is None else data


def _at(data: Path, name: str) -> Path:
    path = data / name
    if not path.is_file():
        raise RecipeError(f"{path}: not there. Set $UNSEEN_DATA to the folder that holds {name}")
    return path


Report = Callable[[str, Progress], None]

_BATCH = 128  # images encoded and decoded at a time


@dataclass(frozen=True)
class TrainedRun:
    """A finished run: its generator, the resolved recipe, and where its bundle lies.

    Args:
        metrics: `validation_psnr`: the mean PSNR of G(E(x)) on validation images, in dB, where G has an encoder.
        found: whether the run had finished before, so that nothing was trained now.
    """

    G: TrainedGenerator
    recipe: Recipe
    run: Run
    metrics: Mapping[str, object]
    found: bool


def resolve(recipe: Recipe) -> Recipe:
    """Return the recipe with every default written out and every section checked.

    Raises RecipeError, one sentence a mistake.
    """
    if recipe.method.key not in GENERATORS:
        raise RecipeError(
            f"method.key: {recipe.method.key} is no generator: {did_you_mean(recipe.method.key, GENERATORS)}. "
            "Detectors are trained by `unseen train`."
        )
    kind: type[TrainedGenerator] = GENERATORS.load(recipe.method.key)
    return recipe.resolved(method=kind.Config, view=PictureSettings, training=Training)


def train_generator(
    recipe: Recipe,
    *,
    data: Path | None = None,
    out: Path | None = None,
    licence: str = "",
    root: Path | None = None,
    progress: Report | None = None,
) -> TrainedRun:
    """Train `recipe`, or go on with it where it was stopped, or find it trained.

    Args:
        data: the folder of public images; None: `$UNSEEN_DATA`.
        out: a further copy of the bundle.
        licence: what the weights may be used for, for its card.
        root: where runs are kept; None is `$UNSEEN_RUNS`.
    """
    if out is not None:
        bundle.check_free(out)
    recipe = resolve(recipe)
    view = validated(recipe.view, PictureSettings, where="view")
    pictures = load_images(view, data=data)
    name = digest(recipe, data_digest=pictures.digest, version=__version__)
    run = Run.named(recipe.name, fold=None, seed=recipe.seed, digest=name, root=root)
    run.write_recipe(recipe)
    about = f"{view.pictures}, {pictures.split}"
    found = run.bundle.is_dir()
    if found:
        G = load_generator(run.bundle)
        metrics: Mapping[str, object] = {} if G.card is None else G.card.metrics
        licence = licence or ("" if G.card is None else G.card.licence)
    else:
        kind: type[TrainedGenerator] = GENERATORS.load(recipe.method.key)
        G = kind(validated(recipe.method.settings, kind.Config, where="method"))
        training = validated(recipe.training, Training, where="training")

        def after_step(done: Progress) -> None:
            if progress is not None:
                progress(f"{recipe.name}-{recipe.seed}", done)

        def measure(G: TrainedGenerator, epochs: int) -> Mapping[str, float]:
            return {"psnr": reconstruction_psnr(G, pictures.validation)} if isinstance(G, AutoencoderGenerator) else {}

        G.fit(pictures.training, training=training, folder=run.folder, validate=measure, progress=after_step)
        measured = measure(G, training.epochs)
        metrics = {f"validation_{key}": round(value, 3) for key, value in measured.items()}
        save(G, run.bundle, recipe_digest=name, metrics=metrics, data=about, licence=licence)
        run.write_metrics(metrics)
    if out is not None:
        save(G, out, recipe_digest=name, metrics=metrics, data=about, licence=licence)
    return TrainedRun(G, recipe, run, metrics, found)


@torch.no_grad()
def reconstruction_psnr(G: AutoencoderGenerator, pictures: Tensor) -> float:
    """Return the mean over images of the PSNR of G(E(x)), in dB."""
    device = next(G.parameters()).device
    found = torch.cat([G(G.encode(part.to(device))).cpu() for part in torch.split(pictures, _BATCH)])
    return float(psnr(found, pictures).mean())
