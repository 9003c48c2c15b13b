"""Longer trainings of a problem: recipes of their own, with the problem's operator, validation and test images.

A† and total variation need no training: they have one row for the problem, which serves all of its recipes.
"""

from __future__ import annotations

from collections.abc import Sequence

from studies.rows import Row
from unseen.artifacts.recipe import Recipe

LONGER = {"imaging/single-pixel-4500-steps": "imaging/single-pixel"}
"""Problem of each recipe with a longer training."""
UNTRAINED = ("direct", "tv")


def is_longer(recipe: Recipe) -> bool:
    """Return whether a recipe is a longer training of another one's problem."""
    return recipe.name in LONGER


def of_recipe(rows: Sequence[Row], recipe: Recipe) -> list[Row]:
    """Return the rows of a recipe; those of A† and total variation are its problem's."""
    problem = LONGER.get(recipe.name, recipe.name)
    return [
        row for row in rows if row["problem"] == recipe.name or (row["problem"] == problem and row["arm"] in UNTRAINED)
    ]


def of_longest(rows: Sequence[Row], recipe: Recipe) -> list[Row]:
    """Return the rows of a problem's longest training, and for arms that it lacks those of the problem's own recipe."""
    longer = [row for row in rows if LONGER.get(row["problem"]) == recipe.name]
    longest = max(longer, key=lambda row: int(row["steps"]), default={"problem": recipe.name})["problem"]
    arms = {row["arm"] for row in rows if row["problem"] == longest}
    return [
        row for row in rows if row["problem"] == longest or (row["problem"] == recipe.name and row["arm"] not in arms)
    ]
