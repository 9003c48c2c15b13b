"""Longer trainings of a problem: recipes of their own, with the problem's operator, validation and test images.

What needs no training, A† and total variation, has one row for the problem, which serves all of its recipes.
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
    """Return the rows of a problem's longest training that has rows, with those of A† and total variation."""
    longest = {name for name, problem in LONGER.items() if problem == recipe.name}
    steps = {name: max((int(row["steps"]) for row in rows if row["problem"] == name), default=0) for name in longest}
    name = max(steps, key=lambda one: steps[one], default=recipe.name)
    found = name if steps.get(name) else recipe.name
    return [
        row for row in rows if row["problem"] == found or (row["problem"] == recipe.name and row["arm"] in UNTRAINED)
    ]
