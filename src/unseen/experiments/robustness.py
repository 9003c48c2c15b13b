"""Robustness to noise: AUROC against added Gaussian noise of known σ, for two detectors that are twins but in one term.

Each is trained at every σ and tested at every σ, on one fold, with several seeds; the noise is drawn once a film, after
the View, so σ is in network units, and the same draw is shown to both detectors. The lungs are those found in the clean
film. SURE is told the added σ. At σ = 0 it is then the squared error: `roi-sure` and `roi-oracle` are one and the same
training there.

The difference is paired: the same films, the same noise, the same seed. Its interval is a bootstrap over films
(stratified by source and label) and over seeds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from unseen import __version__
from unseen.anatomy.view import View, Viewed
from unseen.artifacts.files import write_text
from unseen.artifacts.recipe import Recipe, RecipeError, digest, validated
from unseen.artifacts.run import runs_root
from unseen.data.film import Film
from unseen.detectors import METHODS
from unseen.detectors.detector import Detector, Fitting, Normals
from unseen.evaluation.bootstrap import DRAWS, Drawn, Statistic, draw_all
from unseen.evaluation.cohort import Cohort, codes
from unseen.evaluation.interval import Json
from unseen.evaluation.roc import Auroc, Floats, folds_of
from unseen.experiments.cohort import cohort_of
from unseen.experiments.rows import Row
from unseen.experiments.running import resolve, shared_lungs
from unseen.physics.gaussian import Gaussian
from unseen.training.settings import Training

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIGMAS = (0.0, 0.02, 0.05, 0.1, 0.2)
SEEDS = (0, 1, 2, 3, 4)


@dataclass(frozen=True, eq=False)
class Films:
    """Training normals and test films of one fold, through the View, clean."""

    normals: Normals
    tested: tuple[Viewed, ...]
    digests: tuple[str, ...]
    abnormal: NDArray[np.bool_]
    source: NDArray[np.str_]


@dataclass(frozen=True)
class Cell:
    """One training: a recipe, a seed, the σ of its training films; and its scores of all test films, by part of the
    score, then by the test films' σ."""

    recipe: str
    seed: int
    sigma: float
    scores: Mapping[str, Mapping[float, tuple[float, ...]]]
    converged: bool | None
    steps: int
    seconds: float
    date: str


def robustness(
    recipes: Sequence[Recipe],
    *,
    fold: int = 0,
    sigmas: Sequence[float] = SIGMAS,
    seeds: Sequence[int] = SEEDS,
    root: Path | None = None,
    workers: int = 2,
    say: Callable[[str], None] = print,
) -> Row:
    """Train and test two recipes at every σ and seed; finished trainings are found again. Returns the row.

    Raises RecipeError for other than two recipes, or two that do not see the same films in the same way.
    """
    recipes = [resolve(recipe) for recipe in recipes]
    _check(recipes, sigmas=sigmas, seeds=seeds)
    root = runs_root() if root is None else root
    cells: list[Cell] = []
    # seeds are dealt to the workers, so that each prepares the films once
    parts = [part for part in (list(seeds[i::workers]) for i in range(workers)) if part]
    with ProcessPoolExecutor(len(parts), mp_context=get_context("spawn")) as pool:
        texts = [recipe.to_toml() for recipe in recipes]
        futures = [pool.submit(_cells, texts, fold, tuple(sigmas), tuple(part), str(root)) for part in parts]
        for future, part in zip(futures, parts, strict=True):
            cells += future.result()
            say(f"seeds {part}: {len(recipes)} recipes at {len(sigmas)} noise levels")
    films = _films(recipes[0], fold, root)
    return _row(recipes, films, cells, fold=fold, sigmas=sigmas, seeds=seeds)


def _check(recipes: Sequence[Recipe], *, sigmas: Sequence[float], seeds: Sequence[int]) -> None:
    if len(recipes) != 2:
        raise RecipeError(f"robustness: compares two recipes, and {len(recipes)} are given")
    first, second = recipes
    if first.method.key == second.method.key:
        raise RecipeError(f"robustness: both recipes are {first.method.key}; give two methods")
    for section in ("data", "view", "training"):
        if getattr(first, section) != getattr(second, section):
            raise RecipeError(
                f"{section}: differs between {first.name} and {second.name}; twins differ in method alone"
            )
    if not sigmas or min(sigmas) < 0 or len(set(sigmas)) < len(sigmas):
        raise RecipeError(f"robustness: noise levels are different numbers from 0 up; seen {list(sigmas)}")
    if not seeds or len(set(seeds)) < len(seeds):
        raise RecipeError(f"robustness: seeds are different whole numbers; seen {list(seeds)}")


def _cells(texts: Sequence[str], fold: int, sigmas: Sequence[float], seeds: Sequence[int], root: str) -> list[Cell]:
    """A worker's share: every recipe and σ, for some seeds."""
    torch.set_num_threads(1)
    recipes = [Recipe.from_toml(text) for text in texts]
    films: list[Films] = []  # read when the first training is asked for

    def prepared() -> Films:
        if not films:
            films.append(_films(recipes[0], fold, Path(root)))
        return films[0]

    return [
        _cell(recipe, seed, sigma, fold=fold, sigmas=sigmas, films=prepared, root=Path(root))
        for seed in seeds
        for sigma in sigmas
        for recipe in recipes
    ]


def _films(recipe: Recipe, fold: int, root: Path) -> Films:
    cohort = cohort_of(recipe)
    detector = _detector(recipe, {})
    training = cohort.training(fold)
    detector.finder = shared_lungs(training, recipe, fold=fold, data_digest=cohort.digest, root=root)
    normals = detector.prepare(training)
    tested = [film for film in cohort.testing(fold) if isinstance(film, Film)]
    fresh = [film for film in tested if film.pixel_sha256 not in normals.digests]
    return Films(
        normals,
        tuple(detector.look(film) for film in fresh),
        tuple(film.pixel_sha256 for film in fresh),
        np.array([film.label == "abnormal" for film in fresh]),
        np.array([film.source for film in fresh]),
    )


def _cell(
    recipe: Recipe,
    seed: int,
    sigma: float,
    *,
    fold: int,
    sigmas: Sequence[float],
    films: Callable[[], Films],
    root: Path,
) -> Cell:
    recipe = resolve(recipe.model_copy(update={"seed": seed, "training": {**recipe.training, "seed": seed}}))
    said = f"{cohort_of(recipe).digest} f{fold} sigma {sigma} tested at {sorted(sigmas)}"
    name = f"{recipe.name}-f{fold}-{seed}-{digest(recipe, data_digest=said, version=__version__)[:8]}"
    path = root / "robustness" / f"{name}.json"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(_trained(recipe, sigma, sigmas=sigmas, films=films()), allow_nan=False) + "\n")
    found = json.loads(path.read_text(encoding="utf-8"))
    scores = {
        part: {float(level): tuple(values) for level, values in levels.items()}
        for part, levels in found.pop("scores").items()
    }
    return Cell(recipe=recipe.name, seed=seed, sigma=sigma, scores=scores, **found)


def _trained(recipe: Recipe, sigma: float, *, sigmas: Sequence[float], films: Films) -> dict[str, object]:
    """Train at σ, score at every σ."""
    from datetime import UTC, datetime

    told = {"sigma": sigma} if "sigma" in METHODS.load(recipe.method.key).Config.model_fields else {}
    detector = _detector(recipe, told)
    normals = replace(films.normals, images=_noisy(films.normals.images, films.normals.digests, sigma, recipe.seed))
    training = validated(recipe.training, Training, where="training")
    detector.learn(normals, Fitting(training))
    history = detector.history
    scores: dict[str, dict[str, list[float]]] = {}
    clean = torch.stack([viewed.image for viewed in films.tested])
    for level in sigmas:
        noisy = _noisy(clean, films.digests, level, recipe.seed)
        pairs = zip(films.tested, noisy, strict=True)
        for viewed, image in pairs:
            said = detector.judge(replace(viewed, image=image))
            for part, value in {"score": said.score, **said.parts}.items():
                scores.setdefault(part, {}).setdefault(str(level), []).append(value)
    return {
        "scores": scores,
        "converged": None if history is None else history.converged("generator"),
        "steps": 0 if history is None else history.steps,
        "seconds": 0.0 if history is None else round(history.seconds, 1),
        "date": datetime.now(UTC).date().isoformat(),
    }


def _detector(recipe: Recipe, told: Mapping[str, float]) -> Detector:
    method: type[Detector] = METHODS.load(recipe.method.key)
    config = validated({**recipe.method.settings, **told}, method.Config, where="method")
    return method(config, view=validated(recipe.view, View, where="view"))


def _noisy(images: torch.Tensor, digests: Iterable[str], sigma: float, seed: int) -> torch.Tensor:
    """(n, 1, size, size) with noise of σ added: a film's draw depends on its pixels and the seed alone, so that at
    another σ it is the same draw, scaled."""
    drawn = []
    for image, film in zip(images, digests, strict=True):
        place = hashlib.sha256(f"{film}/{seed}/added noise".encode()).digest()[:7]
        rng = torch.Generator().manual_seed(int.from_bytes(place, "big"))
        drawn.append(Gaussian(sigma).sample(image, generator=rng))
    return torch.stack(drawn)


def _row(
    recipes: Sequence[Recipe],
    films: Films,
    cells: Sequence[Cell],
    *,
    fold: int,
    sigmas: Sequence[float],
    seeds: Sequence[int],
) -> Row:
    first, second = (recipe.name for recipe in recipes)
    strata = codes(films.source, films.abnormal)
    n = len(films.abnormal)
    cohort = Cohort(np.zeros(n), films.abnormal, np.zeros(n, np.int64), films.source, np.arange(n), strata)
    by_place = {(cell.recipe, cell.seed, cell.sigma): cell for cell in cells}

    def drawn(recipe: str, part: str, trained: float, tested: float) -> Drawn:
        scores = [np.array(by_place[recipe, seed, trained].scores[part][tested]) for seed in seeds]
        return draw_all(
            {"auroc": _MeanOverSeeds.of(scores, films.abnormal)}, cohort, draws=DRAWS, rng=np.random.default_rng(0)
        )["auroc"]

    def table(part: str) -> list[Json]:
        entries: list[Json] = []
        for trained in sigmas:
            for tested in sigmas:
                one, two = drawn(first, part, trained, tested), drawn(second, part, trained, tested)
                entries.append(
                    {
                        "trained": trained,
                        "tested": tested,
                        first: one.interval().to_json(),
                        second: two.interval().to_json(),
                        "difference": (one - two).interval().to_json(),
                    }
                )
        return entries

    # "latent" is the score itself
    parts = [part for part in cells[0].scores if part != "latent" and all(part in cell.scores for cell in cells)]
    own = Gaussian.estimate(torch.stack([viewed.image for viewed in films.tested]))
    return {
        "recipes": [first, second],
        "fold": fold,
        "sigmas": list(sigmas),
        "seeds": list(seeds),
        "n": {"normal": int((~films.abnormal).sum()), "abnormal": int(films.abnormal.sum())},
        "own_sigma": {str(quantile): round(float(own.quantile(quantile)), 4) for quantile in (0.25, 0.5, 0.75)},
        "px": recipes[0].view["size"],
        "view": recipes[0].view,
        "features": recipes[0].method.settings.get("features"),
        "training": recipes[0].training,
        "draws": DRAWS,
        "steps": max(cell.steps for cell in cells),
        "seconds": round(sum(cell.seconds for cell in cells), 1),
        "trainings": len(cells),
        "not_converged": sum(cell.converged is False for cell in cells),
        "version": __version__,
        "date": max(cell.date for cell in cells),
        "auroc": {part: table(part) for part in parts},
    }


@dataclass(frozen=True)
class _MeanOverSeeds:
    """The mean of the seeds' AUROCs; each bootstrap draw also draws the seeds, as many as there are, with
    replacement, the same ones for every statistic of that draw."""

    parts: tuple[Statistic, ...]

    @classmethod
    def of(cls, scores: Sequence[Floats], abnormal: NDArray[np.bool_]) -> _MeanOverSeeds:
        fold = np.zeros(len(abnormal), np.int64)
        return cls(tuple(Auroc(folds_of(score, abnormal, fold)) for score in scores))

    def __call__(self, weights: Floats) -> Floats:
        values: Floats = np.stack([part(weights) for part in self.parts], axis=1)  # (draws, seeds)
        if len(weights) == 1:  # the point value
            return np.asarray(values.mean(axis=1))
        rng = np.random.default_rng(1)
        picks = rng.integers(0, values.shape[1], values.shape)  # (draws, seeds)
        return np.asarray(np.take_along_axis(values, picks, axis=1).mean(axis=1))
