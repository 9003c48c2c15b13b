"""AUROC of `pca` on fold 0 by blur and number of components: the grid from which `models/pca` was chosen."""

from __future__ import annotations

from pathlib import Path

from studies.rows import Row
from unseen.anatomy.network_view import View
from unseen.artifacts.recipe import Recipe, validated
from unseen.artifacts.run_folder import runs_root
from unseen.data.film import Film
from unseen.detectors.fitting import Fitting
from unseen.detectors.pca import Pca
from unseen.evaluation.intervals import Json
from unseen.evaluation.roc import auroc
from unseen.runs.cohort import cohort_of
from unseen.runs.lung_finders import shared_lungs
from unseen.training.settings import Training


def choice_row(recipe: Recipe, *, root: Path | None = None) -> Row:
    """Return the row of the grid: `pca` trained on the normal films of folds 1 to 4, tested on fold 0."""
    root = runs_root() if root is None else root
    cohort = cohort_of(recipe)
    training = cohort.training(0)
    view = validated(recipe.view, View, where="view")
    finder = shared_lungs(training, recipe, fold=0, data_digest=cohort.digest, root=root)
    first = Pca(view=view)
    first.finder = finder
    normals = first.prepare(training)
    tested = [film for film in cohort.testing(0) if isinstance(film, Film)]
    abnormal = [film.label == "abnormal" for film in tested]
    viewed = [first.look(film) for film in tested]
    found: list[dict[str, Json]] = []
    for blur in (None, 1.0, 1.5, 2.0, 3.0):
        for components in (10, 20, 30, 50, 80):
            detector = Pca(Pca.Config(components=components, blur=blur), view=view)
            detector.learn(normals, Fitting(Training()))
            area = auroc(abnormal, [detector.judge(one).score for one in viewed])
            found.append({"blur": blur, "components": components, "auroc": round(area, 4)})
    return {
        "recipe": "shipped/pca-choice",
        "seed": recipe.seed,
        "fold": 0,
        "n": {"normal": abnormal.count(False), "abnormal": abnormal.count(True)},
        "auroc": found,
    }
