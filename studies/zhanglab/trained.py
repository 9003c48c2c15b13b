"""Recipes that are trained for each fold: the entry and `ensemble-five`.

A training takes a quarter of an hour or more. An interrupted one is resumed, and the scores of a finished fold are kept
in the folder of the runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from studies import recipe_files as recipes
from studies.crossfit import TEST_FOLDS
from studies.detectors.generalisation import learnt_from
from studies.detectors.preparations.comparing import carrying, moved
from studies.zhanglab.figures_on_films import DRAWS, figures_on_films
from studies.zhanglab.films import LESIONS, SELECTION_FOLD, FilmsOfSplit
from unseen import __version__
from unseen.anatomy.lung_finder import LungFinder
from unseen.artifacts import card_of, replacing
from unseen.artifacts.recipe import digest
from unseen.detectors.lung_finder_bundles import finder_of
from unseen.evaluation.roc import auroc
from unseen.evaluation.table import score_table
from unseen.runs.cohort import cohort_of
from unseen.runs.process_pool import worker_processes
from unseen.runs.training import resolve, with_changes

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from studies.rows import Row
    from unseen.artifacts.recipe import Recipe
    from unseen.data.film import Film
    from unseen.detectors.detector import Detector


@dataclass(frozen=True)
class TrainedRecipe:
    """Recipe that is trained for each fold.

    Args:
        recipe: name of the recipe.
        finder: installed model whose lung finder is used; the finder has seen none of these films.
        is_candidate: whether its figures on the synthetic lesions are computed.
    """

    recipe: str
    finder: str
    is_candidate: bool


TRAINED: Mapping[str, TrainedRecipe] = {
    "entry": TrainedRecipe("zhanglab/entry", "models/lungs", is_candidate=True),
    "ensemble-five": TrainedRecipe("detectors/ensemble-five", "models/ensemble-five", is_candidate=False),
}
"""The finder of the entry is the one that `unseen train zhanglab/entry --data FOLDER` uses."""


def trained_row(name: str, root: Path, *, seed: int, looks: int, synthetic: Mapping[str, float] | None = None) -> Row:
    """Return the row of a recipe of `TRAINED`; two folds are trained at a time.

    Args:
        name: name in `TRAINED`.
        root: folder of the runs.
        seed: seed of the recipe.
        looks: number of times that its figures on real films were computed with this seed, this one included.
        synthetic: figures on the synthetic lesions that are known; None: they are computed if the recipe is a
            candidate.

    Returns:
        The row.
    """
    import polars as pl

    trained = TRAINED[name]
    recipe = _recipe(trained, seed)
    if trained.is_candidate and synthetic is None:
        synthetic = lesion_figures(name, root, seed=seed)
    with worker_processes(2) as pool:
        number = len(TEST_FOLDS)
        found = list(pool.map(scores_of_fold, [name] * number, TEST_FOLDS, [seed] * number, [str(root)] * number))
    tables, dropped = [table for table, _ in found], found[0][1]
    return {
        "recipe": f"zhanglab/{name}",
        "seed": seed,
        "recipe_digest": digest(recipe, data_digest=cohort_of(recipe).digest, version=__version__),
        "px": recipe.view["size"],
        "finder": trained.finder,
        "folds": list(TEST_FOLDS),
        "draws": DRAWS,
        "date": datetime.now(UTC).date().isoformat(),
        "version": __version__,
        "looks": looks,
        **({} if synthetic is None else {"synthetic": dict(synthetic)}),
        **figures_on_films(pl.concat(tables), dropped),
    }


def lesion_figures(name: str, root: Path, *, seed: int) -> dict[str, float]:
    """Return the AUROC of the selection fold's normal films with a synthetic lesion against the same films without.

    Args:
        name: name in `TRAINED`.
        root: folder of the runs.
        seed: seed of the recipe.

    Returns:
        AUROC by the lesion's type.
    """
    films = _TrainingFilms.of(name, seed)
    detector = films.trained(SELECTION_FOLD, root)
    plain = films.split.normals_of(SELECTION_FOLD)
    normal = _scores(detector, films.with_lungs(plain))
    truth = np.repeat([False, True], len(plain))
    found = {}
    for lesion in LESIONS:
        painted = (lesion.paint(film, films.finder.find(film)) for film in plain)
        scores = np.concatenate([normal, _scores(detector, films.with_lungs(painted))])
        found[lesion.name] = round(auroc(truth, scores), 6)
    return found


def scores_of_fold(name: str, fold: int, seed: int, root: str) -> tuple[pl.DataFrame, int]:
    """Score the films of a fold by the detector that learns from the normal films of the other folds.

    Args:
        name: name in `TRAINED`.
        fold: fold whose films are scored.
        seed: seed of the recipe.
        root: folder of the runs, where the scores are kept.

    Returns:
        The table of scores, and the number of exact duplicates that are left out.
    """
    import polars as pl

    films = _TrainingFilms.of(name, seed)
    known = " ".join([films.data_digest, str(films.split.dropped), card_of(TRAINED[name].finder).digest])
    identity = digest(films.recipe, data_digest=known, version=__version__)
    kept = Path(root) / "zhanglab" / f"{name}-{seed}-f{fold}-{identity[:12]}.arrow"
    if kept.is_file():
        return pl.read_ipc(kept), films.split.dropped
    detector = films.trained(fold, Path(root))
    tested = films.with_lungs(films.split.of_fold(fold))
    table = score_table(detector, tested, keep=0).table.with_columns(fold=pl.lit(fold, pl.Int64))
    kept.parent.mkdir(parents=True, exist_ok=True)
    with replacing(kept) as path:
        table.write_ipc(path)
    return table, films.split.dropped


@dataclass(frozen=True, eq=False)
class _TrainingFilms:
    """Recipe, the films of the split, and the lung finder."""

    recipe: Recipe
    split: FilmsOfSplit
    data_digest: str
    finder: LungFinder

    @classmethod
    def of(cls, name: str, seed: int) -> _TrainingFilms:
        recipe = _recipe(TRAINED[name], seed)
        cohort = cohort_of(recipe)
        finder = finder_of(TRAINED[name].finder)
        assert isinstance(finder, LungFinder), name
        return cls(recipe, FilmsOfSplit.of(cohort), cohort.digest, finder)

    def with_lungs(self, films: Iterable[Film]) -> list[Film]:
        """Return films with the lungs that the finder finds in them."""
        return carrying(films, self.finder)

    def trained(self, fold: int, root: Path) -> Detector:
        """Train on the normal films of all folds but one, on one thread."""
        torch.set_num_threads(1)
        films = self.with_lungs(self.split.normals_without(fold))
        return learnt_from(films, self.recipe, source="zhanglab", fold=fold, root=root)


def _recipe(trained: TrainedRecipe, seed: int) -> Recipe:
    return moved(resolve(with_changes(recipes.load(trained.recipe), seed=seed)), "zhanglab")


def _scores(detector: Detector, films: Sequence[Film]) -> NDArray[np.float64]:
    table = score_table(detector, films, keep=0).table
    assert table["status"].to_list() == ["scored"] * len(films)
    return table["score"].to_numpy().astype(np.float64)
