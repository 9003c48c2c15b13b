"""f-AnoGAN under added noise: its encoder held to the noisy film, and to the film without noise by SURE.

Both arms have the same GAN, films, noise and seed. Trained at a σ, an arm is tested at every σ. Without noise SURE is
the squared error, so at σ = 0 there is one arm.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from studies.adversarial.arms import NOISE, NOISE_WIDE, PLAIN, SIGMAS, SURE, Arm
from studies.adversarial.training import Prepared, described_training, prepared, run_of, scores_of, trained
from studies.pages.budgets import FEATURES
from studies.robustness.one_training import with_noise
from studies.rows import Row
from studies.thesis_training import keep_scores
from unseen.detectors.normals import Normals
from unseen.evaluation.bootstrap import Statistic, draw_all
from unseen.evaluation.roc import Auroc, Floats, folds_of
from unseen.runs.cohort import cohort_of
from unseen.training.tensorboard_log import Report

CELLS = tuple((arm, sigma) for sigma in SIGMAS for arm in (PLAIN, SURE) if arm == PLAIN or sigma > 0)
_SCORES = "scores.npy"
_SETTINGS = {"latent": 100, "network": "dcgan"}
_FRAME: Literal["whole", "lungs"] = "lungs"
_BUDGETS = {NOISE: (16, 32, (60, 32)), NOISE_WIDE: (FEATURES, 64, (2949, 32))}
"""Features, pixels, and epochs with films of a batch; the second has the steps of the thesis's f-AnoGAN on NIH."""


def cell(arm: str, sigma: float, question: str = NOISE) -> Arm:
    """Return the training of an arm at a σ, by the budget of `NOISE` or `NOISE_WIDE`."""
    features, px, budget = _BUDGETS[question]
    settings = {"features": features, **_SETTINGS, **({"encoding": "sure_f", "sigma": sigma} if arm == SURE else {})}
    return Arm(question, f"{arm}-{sigma:g}", "fold-0", "f-anogan", settings, budget, px, _FRAME)


def noise_row(arm: str, sigma: float, seed: int, *, question: str = NOISE, progress: Report | None = None) -> Row:
    """Train an arm at a σ, or resume it; test it at every σ; return its row.

    The row of `SURE` has the difference from `PLAIN`, whose training must be finished.
    """
    asked = cell(arm, sigma, question)
    recipe = asked.recipe(seed)
    given = prepared(recipe)
    given = replace(given, normals=_noisy(given.normals, sigma, seed))
    seconds = trained(given, recipe, None, progress=progress)
    history = given.detector.history
    assert history is not None
    scores = np.stack(
        [scores_of(given.detector, _noisy(given.tested, level, seed)) for level in SIGMAS]
    )  # (levels, films)
    keep_scores(given.run.folder / _SCORES, scores)
    other = _scores_of_plain(sigma, seed, question) if arm == SURE else None
    return {
        **described_training(recipe, given, history, seconds),
        "question": asked.question,
        "arm": arm,
        "trained_at": sigma,
        "curve": [float(f"{value:.6g}") for value in history.by_epoch("generator")],
        "auroc": [
            _entry(given, level, scores[i], None if other is None else other[i]) for i, level in enumerate(SIGMAS)
        ],
    }


def _noisy(films: Normals, sigma: float, seed: int) -> Normals:
    return replace(films, images=with_noise(films.images, films.digests, sigma, seed))


def _scores_of_plain(sigma: float, seed: int, question: str) -> Floats:
    recipe = cell(PLAIN, sigma, question).recipe(seed)
    found: Floats = np.load(run_of(recipe, cohort_of(recipe))[0].folder / _SCORES)
    return found


def _entry(given: Prepared, level: float, score: Floats, other: Floats | None) -> Row:
    cohort = given.cohort
    statistics: dict[str, Statistic] = {"own": Auroc(folds_of(score, given.abnormal, cohort.fold))}
    if other is not None:
        statistics["other"] = Auroc(folds_of(other, given.abnormal, cohort.fold))
    drawn = draw_all(statistics, cohort, rng=np.random.default_rng(0))
    entry: Row = {"tested": level, "auroc": drawn["own"].interval().to_json()}
    if other is not None:
        entry["minus_plain"] = (drawn["own"] - drawn["other"]).interval().to_json()
    return entry
