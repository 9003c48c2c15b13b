"""Cross-fitted scores of the training normals, for the cards of the models that ship: python -m studies.normal_scores

Each model's recipe is trained again on parts of the normals of folds 0 to 3, whose patients are dealt into `--folds`
parts; the lung masks come from finders that did not learn from the film. The card's digest is another one afterwards.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from studies.shipping import FOLD
from unseen.artifacts.bundle import add_normal_scores as write
from unseen.artifacts.installed_models import located
from unseen.artifacts.recipe import load as recipe_named
from unseen.artifacts.run_folder import runs_root
from unseen.detectors.saved import load
from unseen.runs.cohort import cohort_of
from unseen.runs.lung_finders import shared_lungs
from unseen.runs.normal_scores import add_normal_scores, default_folds
from unseen.runs.training import resolve


def main() -> None:
    """Write the scores of one model into its card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="a model of unseen-models, such as models/pca")
    parser.add_argument("recipe", help="its recipe: a name or a file")
    parser.add_argument("--folds", type=int, help="parts; by default 5, or 2 for a method that is trained by epochs")
    given = parser.parse_args()
    recipe = resolve(recipe_named(given.recipe))
    cohort = cohort_of(recipe)
    normals = cohort.training(FOLD)
    detector = load(given.model)
    detector.finder = shared_lungs(normals, recipe, fold=FOLD, data_digest=cohort.digest, root=runs_root())
    folds = given.folds or default_folds(detector)
    folder = runs_root() / f"normals-{Path(given.model).name}-{folds}"
    add_normal_scores(detector, recipe, normals, folds=folds, folder=folder, say=lambda said: print(said, flush=True))
    card = write(located(given.model), detector.normal_scores, folds=folds)
    print(f"{given.model}: {len(card.normal_scores)} scores, {folds} folds, digest {card.digest[:16]}")


if __name__ == "__main__":
    main()
