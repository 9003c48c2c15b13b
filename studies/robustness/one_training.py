"""One training of a robustness study: learn from films with noise of known σ added, score the test films at every σ.

The noise is drawn once a film, after the View, so σ is in network units, and the same draw is shown to both detectors.
The lungs are those found in the clean film. SURE gets the noise's σ and gain.

    gaussian   x + σ n
    poisson    counts of (x + 1) / 2 at the gain at which a middle grey, x = 0, gets the deviation σ
    mixed      counts and Gaussian read-out, each with half of that variance
"""

import functools
import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from unseen import __version__
from unseen.anatomy.network_view import Viewed
from unseen.artifacts.files import write_text
from unseen.artifacts.recipe import Recipe, RecipeError, digest, validated
from unseen.data.film import NotRead
from unseen.detectors import METHODS
from unseen.detectors.fitting import Fitting
from unseen.detectors.normals import Normals
from unseen.evaluation.bootstrap import LEAST
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.poisson_noise import PoissonGaussian
from unseen.runs.cohort import cohort_of
from unseen.runs.lung_finders import shared_lungs
from unseen.runs.training import detector_of, resolve
from unseen.training.settings import Training

Kind = Literal["gaussian", "poisson", "mixed"]


@dataclass(frozen=True)
class Study:
    """Settings that all trainings of a study share: small, hashable, and picklable for other processes.

    Args:
        recipes: Both recipes, resolved, as TOML.
    """

    recipes: tuple[str, str]
    fold: int
    sigmas: tuple[float, ...]
    data_digest: str
    root: Path
    noise: Kind = "gaussian"


@dataclass(frozen=True)
class Place:
    """Place of a training in a study: the recipe (0 or 1), the seed, the σ of the training films."""

    recipe: int
    seed: int
    sigma: float


@dataclass(frozen=True)
class Cell:
    """A finished training: its scores of all test films, by part of the score, then by the test films' σ."""

    scores: Mapping[str, Mapping[float, tuple[float, ...]]]
    converged: bool | None
    steps: int
    seconds: float
    date: str


@dataclass(frozen=True, eq=False)
class Films:
    """Training normals and test films of one fold, through the View, clean.

    Args:
        leaked: test films whose pixels are among the training films; they are left out.
    """

    normals: Normals
    tested: tuple[Viewed, ...]
    digests: tuple[str, ...]
    abnormal: NDArray[np.bool_]
    source: NDArray[np.str_]
    not_read: int
    leaked: int


def _seeded(study: Study, place: Place) -> Recipe:
    recipe = Recipe.from_toml(study.recipes[place.recipe])
    training = {**recipe.training, "seed": place.seed}
    return resolve(recipe.model_copy(update={"seed": place.seed, "training": training}))


def path_of(study: Study, place: Place) -> Path:
    """Return the path of a training's scores, whose name depends on everything that changes them."""
    recipe = _seeded(study, place)
    said = f"{study.data_digest} f{study.fold} sigma {place.sigma} tested at {sorted(study.sigmas)}"
    said += "" if study.noise == "gaussian" else f" {study.noise}"
    name = digest(recipe, data_digest=said, version=__version__)[:8]
    return study.root / "robustness" / f"{recipe.name}-f{study.fold}-{place.seed}-{name}.json"


def cell_at(path: Path) -> Cell:
    """Read a finished training back."""
    found = json.loads(path.read_text(encoding="utf-8"))
    scores = {
        part: {float(level): tuple(values) for level, values in levels.items()}
        for part, levels in found.pop("scores").items()
    }
    return Cell(scores, **found)


@functools.lru_cache(maxsize=1)  # a worker prepares the films once
def prepared(study: Study) -> Films:
    """Return the films of the study's fold, clean; the lung finders are trained, or found again.

    Raises RecipeError where too few test films could be read.
    """
    recipe = Recipe.from_toml(study.recipes[0])
    cohort = cohort_of(recipe)
    detector = detector_of(recipe)
    training = cohort.training(study.fold)
    detector.finder = shared_lungs(training, recipe, fold=study.fold, data_digest=study.data_digest, root=study.root)
    normals = detector.prepare(training)
    tested, kept = [], []  # film by film: at full size they would not all fit into memory
    not_read, leaked = len(detector.not_read), 0
    for film in cohort.testing(study.fold):
        if isinstance(film, NotRead):
            not_read += 1
        elif film.pixel_sha256 in normals.digests:
            leaked += 1
        else:
            tested.append(detector.look(film))
            kept.append((film.pixel_sha256, film.label == "abnormal", film.source))
    check_classes([abnormal for _, abnormal, _ in kept], study.fold)
    digests, abnormal, source = zip(*kept, strict=True)
    return Films(normals, tuple(tested), digests, np.array(abnormal), np.array(source), not_read, leaked)


def train_cell(study: Study, place: Place) -> float:
    """Train at the place's σ, score at every σ, keep the scores; returns the seconds of training."""
    torch.set_num_threads(1)  # `workers` processes share the machine
    films, recipe = prepared(study), _seeded(study, place)
    known = METHODS.load(recipe.method.key).Config.model_fields
    chosen = {name: value for name, value in settings_of(study.noise, place.sigma).items() if name in known}
    detector = detector_of(recipe, **chosen)
    images = with_noise(films.normals.images, films.normals.digests, place.sigma, place.seed, noise=study.noise)
    training = validated(recipe.training, Training, where="training")
    detector.learn(replace(films.normals, images=images), Fitting(training))
    clean = torch.stack([viewed.image for viewed in films.tested])  # (n, 1, size, size)
    scores: dict[str, dict[str, list[float]]] = {}
    for sigma in study.sigmas:
        noisy = with_noise(clean, films.digests, sigma, place.seed, noise=study.noise)
        for viewed, image in zip(films.tested, noisy, strict=True):
            judgement = detector.judge(replace(viewed, image=image))
            for part, value in {"score": judgement.score, **judgement.parts}.items():
                scores.setdefault(part, {}).setdefault(str(sigma), []).append(value)
    history = detector.history
    seconds = 0.0 if history is None else round(history.seconds, 1)
    kept = {
        "scores": scores,
        "converged": None if history is None else history.converged(detector.converges_by),
        "steps": 0 if history is None else history.steps,
        "seconds": seconds,
        "date": datetime.now(UTC).date().isoformat(),
    }
    path = path_of(study, place)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(kept, allow_nan=False) + "\n")
    return seconds


def settings_of(noise: Kind, sigma: float) -> dict[str, float | str]:
    """Settings for a method that uses the noise: `noise`, `sigma`, and the `gain` of counts; without noise, σ is
    0."""
    if noise == "gaussian" or sigma == 0:
        return {"noise": "gaussian", "sigma": sigma}
    counts = sigma**2 if noise == "poisson" else sigma**2 / 2  # their share of the variance at x = 0, where u = ½
    read_out = 0.0 if noise == "poisson" else sigma / math.sqrt(2)
    return {"noise": noise, "gain": counts / 2, "sigma": read_out}  # Var x = 4 gain u


def with_noise(
    images: torch.Tensor, digests: Iterable[str], sigma: float, seed: int, *, noise: Kind = "gaussian"
) -> torch.Tensor:
    """(n, 1, size, size) with noise of σ added: a film's draw depends on its pixels and the seed alone, so that at
    another σ it is the same draw, scaled, where the noise is Gaussian."""
    chosen, noisy = settings_of(noise, sigma), []
    for image, film in zip(images, digests, strict=True):
        drawn_from = hashlib.sha256(f"{film}/{seed}/added noise".encode()).digest()[:7]
        rng = torch.Generator().manual_seed(int.from_bytes(drawn_from, "big"))
        if "gain" in chosen:
            counts = PoissonGaussian(float(chosen["gain"]), float(chosen["sigma"]) / 2)
            noisy.append(2 * counts.sample(((image + 1) / 2).clamp(min=0), generator=rng) - 1)
        else:
            noisy.append(Gaussian(sigma).sample(image, generator=rng))
    return torch.stack(noisy)


def check_classes(abnormal: Sequence[bool], fold: int) -> None:
    """Raises RecipeError where a fold's test films, abnormal or not, allow no AUROC."""
    normals, abnormals = abnormal.count(False), abnormal.count(True)
    if min(normals, abnormals) < LEAST:
        raise RecipeError(
            f"fold {fold}: {normals} normal and {abnormals} abnormal films to test on; {LEAST} of each are needed. "
            "Give another fold"
        )
