"""Folds 1 to 4, opened for the nominated recipe and the best single one first, then for every other: cross-fitted, with
what can be claimed of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from studies import recipe_files as recipes
from studies.crossfit import FoldResult, cross_fit, tables_of
from studies.detectors.claim import above_floor, above_shortcut
from studies.detectors.development import RECIPES
from studies.detectors.nomination import FLOOR, TESTED, nominated
from studies.rows import Row, annotate_bundles, row_of
from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.runs.training import resolve


def picked(known: Mapping[str, Row]) -> list[str]:
    """Return the recipe that the rule picks, and the best single one.

    Raises RecipeError where the rule picks none.
    """
    both = nominated(known), nominated(known, single=True)
    names = list(dict.fromkeys(one.name for one in both if one is not None))
    if not names:
        raise RecipeError("nothing is nominated yet; docs/results-detectors.md says what speaks against each recipe")
    return names


def after_the_nominated(known: Mapping[str, Row]) -> set[str]:
    """The names of the recipes that have a row of folds 1 to 4; raises RecipeError where what is picked has none."""
    done = {row["recipe"].removeprefix(TESTED) for name, row in known.items() if name.startswith(TESTED)}
    if set(picked(known)) - done:
        raise RecipeError("folds 1 to 4 are opened for the nominated recipe first: --only nominated")
    return done


def opened(names: Sequence[str], workers: int) -> Iterator[tuple[Recipe, list[FoldResult], Row]]:
    """Recipes cross-fitted over folds 1 to 4, with their rows."""
    floor, *chosen = (resolve(recipes.load(RECIPES + name)) for name in (FLOOR, *names))
    done = cross_fit([floor, *(recipe for recipe in chosen if recipe != floor)], workers=workers)
    for recipe in chosen:
        results = done[recipe.name]
        annotate_bundles(results)
        row, table = row_of(recipe, results), tables_of(results)
        above = {
            "floor": above_floor(table, tables_of(done[floor.name])),
            "shortcut": above_shortcut(table, row["metrics"]),
        }
        yield recipe, results, {**row, "recipe": TESTED + recipe.short, "above": above}
