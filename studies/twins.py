"""Paired phantoms that differ in the lesion alone: AUROC of each detector on them.

Trains a phantom recipe, scores 1,000 twin pairs, and asks whether the detector is above each single trivial statistic
(95 % lower bound of the difference, bootstrap over pairs), and whether acquisition carries anything (it must not).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from studies.rows import Row, convergence_of, described
from unseen.artifacts.bundle import load
from unseen.artifacts.recipe import Recipe
from unseen.runs.training import train_recipe

if TYPE_CHECKING:
    from unseen.data.manifest import Source

PAIRS = 1000
_SEED = 7  # of the tested twins; training phantoms have other seeds (`cohort.phantom_normals`)


def twin_row(
    recipe: Recipe,
    *,
    pairs: int = PAIRS,
    unlabelled: Source | None = None,
    root: Path | None = None,
) -> Row:
    """Train (or find) the recipe's run, score the twins, and return the row.

    `unlabelled` are films for a method that learns from such, too.
    """
    from unseen.data import phantoms
    from unseen.evaluation.assessment import evaluate

    trained = train_recipe(recipe, unlabelled=unlabelled, root=root)
    print(f"{recipe.name}: trained; scoring {pairs} twin pairs")
    result = evaluate(
        trained.detector,
        phantoms.twins(pairs, seed=_SEED),
        recipe=trained.digest,
        protocol=f"{pairs} phantom twin pairs (seed {_SEED}); trained on other phantoms",
    )
    history = trained.history
    return {
        **described(
            trained.recipe,
            digest=trained.digest,
            device=trained.detector.trained_on,
            date=load(trained.run.bundle).card.created[:10],
        ),
        "steps": 0 if history is None else history.steps,
        "seconds": trained.detector.facts["training_seconds"],
        "convergence": convergence_of(
            trained.recipe,
            history is not None,
            [] if history is None else [history.converged(trained.detector.converges_by)],
        ),
        "facts": trained.detector.facts,
        "curve": [] if history is None else [round(v, 6) for v in history.by_epoch("generator")],
        "pairs": pairs,
        "metrics": result.metrics,
    }
