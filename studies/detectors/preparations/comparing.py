"""A detector on films prepared in each way, beside the same detector on the films as they came, on fold 0.

Lungs are found on the film as it came, by the finder of the Montgomery and Shenzhen normals, and go with the film
through its preparation. The shortcuts are measured on the pixels that the detector is given; what no preparation can
change, the file's bytes and size, is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from studies.detectors.development import FOLD
from studies.detectors.preparations.border import without_border
from studies.detectors.preparations.local_contrast import contrast_normalised
from studies.detectors.preparations.resolution import MatchedResolution
from studies.rows import Row
from unseen import __version__
from unseen.artifacts.recipe import Recipe, RecipeData, validated
from unseen.artifacts.run_folder import runs_root
from unseen.data.film import Film, NotRead, area
from unseen.evaluation.comparison import compare
from unseen.evaluation.metrics import POOLED, metrics_from_table
from unseen.evaluation.simple_statistics import OF_FILES
from unseen.evaluation.table import score_table
from unseen.runs.cohort import cohort_of
from unseen.runs.lung_finders import shared_lungs
from unseen.runs.training import check_normals_alone, detector_of, resolve
from unseen.training.settings import Training

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from unseen.anatomy.found_lungs import Finder

Preparation = Callable[[Film], Film]

AS_THEY_CAME = "as they came"
ROWS = "detectors/preparations/"
"""Prefix of the rows' names."""
RECIPES = ("detectors/pca", "detectors/dct", "ms_cxr/pca-64-whole")
"""Those that learn in seconds; the last looks at the whole film, where most shortcuts are."""
ELSEWHERE = ("nih_cxr8", "kermany")
"""Sets beside the recipes' own: `$UNSEEN_DATA/<set>/manifest.csv`."""


class CarriedLungs:
    """A finder that says what the film carries: lungs that were predicted before it was prepared."""

    def find(self, film: Film) -> NDArray[np.bool_]:
        """Return the film's `lungs`."""
        if film.lungs is None:
            raise ValueError(f"{film.name} carries no lungs; `carrying` finds them first")
        return film.lungs


@dataclass(frozen=True)
class Way:
    """Preparation of a film, and the settings of the recipe's view that it replaces."""

    prepare: Preparation = lambda film: film
    view: Mapping[str, object] = field(default_factory=dict)


def ways(normals: Iterable[Film], *, frame: object = "lungs") -> Mapping[str, Way]:
    """Return every way by its name in the row; `normals` set what resolution is matched to.

    Where the lungs' box is padded, the grid's scale is the same in both directions; aligned as well, it is a
    similarity. A whole film has no box.
    """
    boxed = {"padded": Way(view={"aspect": "pad"}), "aligned, padded": Way(view={"align": True, "aspect": "pad"})}
    return {
        AS_THEY_CAME: Way(),
        "resolution matched": Way(MatchedResolution.of(normals)),
        "border removed": Way(without_border),
        "local contrast": Way(contrast_normalised),
        "aligned": Way(view={"align": True}),
        **(boxed if frame == "lungs" else {}),
    }


def preparations_row(recipe: Recipe, *, elsewhere: str | None = None, root: Path | None = None) -> Row:
    """Train and score the recipe on films prepared in each way; the row holds figures and paired changes.

    Args:
        elsewhere: the name of a set beside the recipe's own, trained on and tested in its place.
    """
    recipe = resolve(recipe)
    check_normals_alone(recipe, "preparations")
    root = runs_root() if root is None else root
    home = cohort_of(recipe)
    finder = shared_lungs(home.training(FOLD), recipe, fold=FOLD, data_digest=home.digest, root=root)
    there = home if elsewhere is None else cohort_of(moved(recipe, elsewhere))
    normals, tested = carrying(there.training(FOLD), finder), carrying(there.testing(FOLD), finder)
    tables, trained_on = {}, ""
    for name, way in ways(normals, frame=recipe.view["frame"]).items():
        tables[name], trained_on = _table(recipe, way, normals, tested)
        print(f"{recipe.name}, {elsewhere or 'its own films'}: {name}")
    return {
        "recipe": f"{ROWS}{elsewhere or 'ms_cxr'}/{recipe.short}",
        "seed": recipe.seed,
        "fold": FOLD,
        "px": recipe.view["size"],
        "frame": recipe.view["frame"],
        "device": trained_on,
        "date": datetime.now(UTC).date().isoformat(),
        "version": __version__,
        "training_normals": len(normals),
        "ways": [_entry(name, table, tables[AS_THEY_CAME]) for name, table in tables.items()],
    }


def carrying(films: Iterable[Film | NotRead], finder: Finder) -> list[Film]:
    """Return the films that could be read, each with its predicted lungs in the place of its own mask."""
    return [_carrying(film, finder) for film in films if isinstance(film, Film)]


def _carrying(film: Film, finder: Finder) -> Film:
    height, width = film.pixels.shape
    found = area(finder.find(film).astype(np.float32), height, width) > 0.5
    return replace(film, lungs=found, lesion=None)


def moved(recipe: Recipe, elsewhere: str) -> Recipe:
    """Return the recipe, of the films of another set."""
    return recipe.model_copy(update={"data": RecipeData(manifest=f"{elsewhere}/manifest.csv")})


def _table(recipe: Recipe, way: Way, normals: Iterable[Film], tested: Iterable[Film]) -> tuple[pl.DataFrame, str]:
    """Return the scores, and what the detector was trained on."""
    detector = detector_of(recipe.model_copy(update={"view": {**recipe.view, **way.view}}))
    training = validated(recipe.training, Training, where="training")
    detector.fit(map(way.prepare, normals), finder=CarriedLungs(), training=training)
    return score_table(detector, map(way.prepare, tested), keep=0).table, detector.trained_on


def of_pixels(table: pl.DataFrame) -> pl.DataFrame:
    """Return the scores of prepared films without what is known of their files, which no preparation changes: the
    audit's best shortcut is then one of pixels or lungs."""
    import polars as pl

    return table.with_columns(pl.lit(None, pl.Float64).alias(one) for one in OF_FILES)


def _entry(name: str, table: pl.DataFrame, before: pl.DataFrame) -> Row:
    metrics: Row = metrics_from_table(of_pixels(table))
    paired = None
    if table is not before:
        paired = compare({name: table, AS_THEY_CAME: before}).pairs[0].difference.to_json()
    return {
        "way": name,
        "n": metrics["n"][POOLED],
        "auroc": metrics["auroc"],
        "change": paired,
        "like_pairs": metrics["like_pairs"],
        "site": metrics["site"],
        "shortcut": metrics["shortcuts"]["strongest"][POOLED],
        "sharpness": metrics["shortcuts"][POOLED]["sharpness"],
    }
