"""Abnormal films hidden among the training normals: their effect on each detector, and whether they are found.

Abnormal films of the training folds, a share of the normals in number, are put among them with their labels taken away.
The detector is scored on fold 0, against the same detector of clean normals on the same films. And `suspects` lists the
dirty training films: of as many films as were hidden, taken from the top of the list, so many are hidden ones.

Several draws of which films are hidden; intervals are over films and draws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from studies.detectors.development import FOLD
from studies.robustness.study import aurocs, mean_over, picks_of
from studies.rows import Row, study_of_folds
from unseen.artifacts.recipe import Recipe, validated
from unseen.artifacts.run_folder import runs_root
from unseen.detectors.fitting import Fitting
from unseen.detectors.normals import Normals
from unseen.evaluation.bootstrap import BootstrapCohort, draw_all
from unseen.evaluation.roc import Bools, Floats, auroc
from unseen.runs.cohort import cohort_of
from unseen.runs.lung_finders import finder_for
from unseen.runs.patient_folds import seen
from unseen.runs.suspects import deviations
from unseen.runs.training import check_normals_alone, detector_of, resolve
from unseen.training.settings import Training

SHARES = (0.0, 0.02, 0.05, 0.1)
SEEDS = (0, 1, 2, 3, 4)
ROWS = "detectors/contamination/"
"""Prefix of the rows' names."""
QUICK = ("pca", "dct")
"""Recipes that learn in seconds: 95 trainings each."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """Normals and abnormal films to learn from, with their patients, and films to test on, on the network's grid."""

    normals: Normals
    patients: list[str]
    abnormals: Normals
    ill: list[str]
    tested: Normals
    abnormal: Bools
    source: list[str]


def contamination_row(
    recipe: Recipe,
    *,
    shares: Sequence[float] = SHARES,
    seeds: Sequence[int] = SEEDS,
    root: Path | None = None,
    say: Callable[[str], None] = print,
) -> Row:
    """Train at every share and seed, score fold 0, list the suspects; the row says how all that went."""
    recipe = resolve(recipe)
    check_normals_alone(recipe, "contamination")
    films = prepared(recipe, runs_root() if root is None else root)
    cohort = BootstrapCohort.of_one_fold(films.abnormal, np.array(films.source))
    scores: dict[float, list[Floats]] = {share: [] for share in shares}
    listed: dict[float, list[tuple[float, float]]] = {share: [] for share in shares}
    number: dict[float, int] = {}
    device = ""
    for share in shares:
        for seed in seeds:
            dirty, patients, hidden = dirtied(films, share, seed)
            number[share] = int(hidden.sum())
            scored, device = _scored(recipe, films, dirty, seed)
            scores[share].append(scored)
            if share > 0:
                found, _ = deviations(recipe, dirty, patients)
                first = np.argsort(-found, kind="stable")[: int(hidden.sum())]
                listed[share].append((auroc(hidden, found), float(hidden[first].mean())))
            say(f"{recipe.name}: {share:.0%} hidden, draw {seed}")
    drawn = draw_all(
        {str(share): aurocs(found, cohort) for share, found in scores.items()}, cohort, rng=np.random.default_rng(0)
    )
    picks = picks_of(len(seeds))
    means = {share: mean_over(drawn[str(share)], picks) for share in shares}
    return {
        **study_of_folds(ROWS + recipe.short, recipe, (FOLD,)),
        "seeds": list(seeds),
        "n": {"normal": int((~films.abnormal).sum()), "abnormal": int(films.abnormal.sum())},
        "training_normals": len(films.normals.digests),
        "device": device,
        "shares": [
            {
                "share": share,
                "hidden": number[share],
                "auroc": means[share].interval().to_json(),
                "difference": (means[share] - means[shares[0]]).interval().to_json(),
                "suspects_auroc": _mean([area for area, _ in listed[share]]),
                "found": _mean([hit for _, hit in listed[share]]),
            }
            for share in shares
        ],
    }


def _mean(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 4) if values else None


def prepared(recipe: Recipe, root: Path) -> Prepared:
    """Return the films of the recipe, looked at by one detector with the lungs of fold 0."""
    cohort, detector = cohort_of(recipe), detector_of(recipe)
    training = cohort.training(FOLD)
    detector.finder = finder_for(
        detector, training, recipe, fold=FOLD, data_digest=cohort.digest, given=None, root=root
    )
    normals, known = seen(detector, training)
    others = cohort.films.select(lambda entry: entry.label == "abnormal" and cohort.fold_of[entry.name] != FOLD)
    abnormals, ill = seen(detector, others)
    tested, told = seen(detector, cohort.testing(FOLD))
    return Prepared(
        normals,
        [one.patient for one in known],
        abnormals,
        [one.patient for one in ill],
        tested,
        np.array([one.abnormal for one in told]),
        [one.source for one in told],
    )


def dirtied(films: Prepared, share: float, seed: int) -> tuple[Normals, list[str], Bools]:
    """The normals and, of the abnormal films, a share of their number, drawn; the patients; which films are hidden."""
    number = min(round(share * len(films.patients)), len(films.ill))
    order = torch.randperm(len(films.ill), generator=torch.Generator().manual_seed(seed))[:number].sort().values
    chosen = torch.zeros(len(films.ill), dtype=torch.bool)
    chosen[order] = True
    hidden = films.abnormals.part(chosen)
    mixed = Normals(
        torch.cat([films.normals.images, hidden.images]),
        torch.cat([films.normals.inside, hidden.inside]),
        torch.cat([films.normals.lungs, hidden.lungs]),
        films.normals.digests + hidden.digests,
    )
    patients = films.patients + [films.ill[int(row)] for row in order]
    return mixed, patients, np.arange(len(patients)) >= len(films.patients)


def _scored(recipe: Recipe, films: Prepared, normals: Normals, seed: int) -> tuple[Floats, str]:
    """Return the tested films' scores, and the device that it learnt on."""
    detector = detector_of(recipe)
    training = validated(recipe.training, Training, where="training").model_copy(update={"seed": seed})
    detector.learn(normals, Fitting(training))
    _, device = detector.clock(0.0)
    return np.array([detector.judge(view).score for view in films.tested.views()]), device
