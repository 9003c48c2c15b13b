"""Two recipes trained and tested under added noise, over several seeds.

An AUROC over several trainings: its interval covers the films, which are resampled, and the trainings.

Robustness to noise: AUROC against added noise of known σ, for two detectors that differ in one term only.

Each is trained at every σ and tested at every σ, on one fold, with several seeds. At σ = 0 SURE is the squared error:
`roi-sure` and `roi-oracle` are one and the same training there.

The difference is paired: the same films, the same noise, the same seed. Its interval is a bootstrap over films
(stratified by source and label) and over seeds.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import as_completed
from pathlib import Path
from typing import Any

import numpy as np
import torch

from studies.robustness import one_training
from unseen import __version__
from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.artifacts.run_folder import runs_root
from unseen.evaluation.bootstrap import DRAWS, BootstrapCohort, Drawn, draw_all
from unseen.evaluation.intervals import Json
from unseen.evaluation.roc import Auroc, Floats, Ints, folds_of
from unseen.physics.gaussian_noise import Gaussian
from unseen.runs.cohort import cohort_of
from unseen.runs.process_pool import worker_processes
from unseen.runs.training import check_normals_alone, resolve


def aurocs(scores: Sequence[Floats], cohort: BootstrapCohort) -> Callable[[Floats], Floats]:
    """Return the statistic (draws, trainings): one AUROC for each training's scores (films,)."""
    trainings = [Auroc(folds_of(score, cohort.abnormal, cohort.fold)) for score in scores]
    return lambda weights: np.stack([auroc(weights) for auroc in trainings], axis=1)


def picks_of(trainings: int) -> Ints:
    """Return the trainings of each draw, as many as there are, with replacement: (draws, trainings)."""
    return np.random.default_rng(1).integers(0, trainings, (DRAWS, trainings))


def mean_over(drawn: Drawn, picks: Ints) -> Drawn:
    """Return the mean of the trainings' AUROCs; in each draw, that of the trainings which `picks` names."""
    return Drawn(np.asarray(drawn.value.mean()), np.take_along_axis(drawn.draws, picks, axis=1).mean(axis=1))


Row = dict[str, Any]  # Any: JSON

SIGMAS = (0.0, 0.02, 0.05, 0.1, 0.2)
SEEDS = (0, 1, 2, 3, 4)


def robustness(
    recipes: Sequence[Recipe],
    *,
    fold: int = 0,
    sigmas: Sequence[float] = SIGMAS,
    seeds: Sequence[int] = SEEDS,
    noise: one_training.Kind = "gaussian",
    root: Path | None = None,
    workers: int = 2,
    say: Callable[[str], None] = print,
) -> Row:
    """Train and test two recipes at every σ and seed, `workers` trainings at a time; finished ones are found again.
    Returns the row; `say` is called for each training.

    Raises RecipeError for other than two recipes, two that do not see the same films in the same way, or a fold
    without both classes.
    """
    recipes = [resolve(recipe) for recipe in recipes]
    sigmas = tuple(float(sigma) for sigma in sigmas)
    _check(recipes, sigmas=sigmas, seeds=seeds, noise=noise)
    cohort = cohort_of(recipes[0])
    if cohort.held_out not in (None, fold):
        raise RecipeError(f"fold: seen {fold}, but data.column fixes what is tested: fold {cohort.held_out}")
    one_training.check_classes([entry.label == "abnormal" for entry in cohort.testing(fold).entries], fold)
    first, second = (recipe.to_toml() for recipe in recipes)
    study = one_training.Study(
        (first, second), fold, sigmas, cohort.digest, runs_root() if root is None else root, noise
    )
    places = [one_training.Place(which, seed, sigma) for seed in seeds for sigma in sigmas for which in (0, 1)]
    missing = [place for place in places if not one_training.path_of(study, place).is_file()]
    found = len(places) - len(missing)
    say(f"{len(places)} trainings, {found} of them found again; looking at the films")
    films = one_training.prepared(study)  # before any worker does: the lung finders are trained by one process alone
    if missing:
        with worker_processes(min(workers, len(missing))) as pool:
            futures = {pool.submit(one_training.train_cell, study, place): place for place in missing}
            for done, future in enumerate(as_completed(futures), start=found + 1):
                place, seconds = futures[future], future.result()
                name = recipes[place.recipe].name
                say(f"{done}/{len(places)}  {name}, seed {place.seed}, σ {place.sigma:g}: {seconds:.0f} s of training")
    return _row(study, films, {place: one_training.cell_at(one_training.path_of(study, place)) for place in places})


def _check(
    recipes: Sequence[Recipe], *, sigmas: Sequence[float], seeds: Sequence[int], noise: one_training.Kind
) -> None:
    if len(recipes) != 2:
        raise RecipeError(f"robustness: compares two recipes, and {len(recipes)} are given")
    first, second = recipes
    for recipe in recipes:
        check_normals_alone(recipe, "robustness")
        if recipe.data.manifest is None:
            raise RecipeError(
                f"data.manifest: missing in {recipe.name}; robustness needs labelled films in folds. Give recipes that "
                "name a manifest, such as ms_cxr/roi-sure-64-lungs and ms_cxr/roi-oracle-64-lungs"
            )
    if first.method.key == second.method.key:
        raise RecipeError(f"robustness: both recipes are {first.method.key}; give two methods")
    if first.name == second.name:
        raise RecipeError(f"robustness: both recipes are named {first.name}; give one another name")
    differs = f"differs between {first.name} and {second.name}; the two recipes may differ in method alone"
    for section in ("data", "view", "training"):
        if getattr(first, section) != getattr(second, section):
            raise RecipeError(f"{section}: {differs}")
    for name, value in first.method.settings.items():
        if name not in ("sigma", "noise", "gain") and second.method.settings.get(name, value) != value:
            raise RecipeError(f"method.{name}: {differs}")
    if not sigmas or not all(0 <= s < math.inf for s in sigmas) or len(set(sigmas)) < len(sigmas):
        raise RecipeError(f"robustness: noise levels are different numbers from 0 up; seen {list(sigmas)}")
    if noise != "gaussian" and max(sigmas) > 1:
        raise RecipeError(f"robustness: of counts σ is at most 1, half of the range; seen {max(sigmas):g}")
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise RecipeError(f"robustness: seeds are different whole numbers from 0 up; seen {list(seeds)}")


def _row(
    study: one_training.Study, films: one_training.Films, cells: Mapping[one_training.Place, one_training.Cell]
) -> Row:
    recipes = [resolve(Recipe.from_toml(text)) for text in study.recipes]
    seeds = sorted({place.seed for place in cells})
    cohort = BootstrapCohort.of_one_fold(films.abnormal, films.source)
    picks = picks_of(len(seeds))  # the same for both recipes and every figure

    def entry(part: str, trained: float, tested: float) -> Json:
        statistics = {
            recipe.name: aurocs(
                [np.array(cells[one_training.Place(which, seed, trained)].scores[part][tested]) for seed in seeds],
                cohort,
            )
            for which, recipe in enumerate(recipes)
        }
        drawn = draw_all(statistics, cohort, rng=np.random.default_rng(0))  # the same films for every figure
        first, second = (mean_over(drawn[recipe.name], picks) for recipe in recipes)
        return {
            "trained": trained,
            "tested": tested,
            recipes[0].name: first.interval().to_json(),
            recipes[1].name: second.interval().to_json(),
            "difference": (first - second).interval().to_json(),
        }

    some = next(iter(cells.values())).scores  # "latent" is the score itself
    parts = [part for part in some if part != "latent" and all(part in cell.scores for cell in cells.values())]
    own = Gaussian.estimate(torch.stack([viewed.image for viewed in films.tested]))
    return {
        "recipe": f"robustness/{recipes[0].name}{'' if study.noise == 'gaussian' else '-' + study.noise}",  # its place
        "seed": recipes[0].seed,
        "recipes": [recipe.name for recipe in recipes],
        "fold": study.fold,
        "noise": study.noise,
        "sigmas": list(study.sigmas),
        "seeds": seeds,
        "n": {
            "normal": int((~films.abnormal).sum()),
            "abnormal": int(films.abnormal.sum()),
            "not_read": films.not_read,
            "excluded_training_films": films.leaked,
        },
        "own_sigma": {str(quantile): round(float(own.quantile(quantile)), 4) for quantile in (0.25, 0.5, 0.75)},
        "px": recipes[0].view["size"],
        "view": recipes[0].view,
        "features": recipes[0].method.settings.get("features"),
        "training": recipes[0].training,
        "draws": DRAWS,
        "steps": max(cell.steps for cell in cells.values()),
        "seconds": round(sum(cell.seconds for cell in cells.values()), 1),
        "trainings": len(cells),
        "not_converged": sum(cell.converged is False for cell in cells.values()),
        "version": __version__,
        "date": max(cell.date for cell in cells.values()),
        "auroc": {
            part: [entry(part, trained, tested) for trained in study.sigmas for tested in study.sigmas]
            for part in parts
        },
    }
