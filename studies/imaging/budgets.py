"""Training budget of rows: steps, features and transforms as a share of the source's, and convergence by the loss."""

from __future__ import annotations

from collections.abc import Sequence

from studies.imaging.arms import READ_BY
from studies.imaging.published import Budget, budget_of, share
from studies.imaging.selection import of_arm, of_problem
from studies.pages.cells import DAGGER, number_range
from studies.rows import Row
from unseen.artifacts.recipe import Recipe
from unseen.training.history import History

HEADING = "training: share of the source's"
"""Heading of a column of `spent`."""
CONVERGENCE = (
    f"{DAGGER} Not converged: in at least one training the mean loss of the last tenth was more than 5 % below that of "
    "the tenth before (from the row's loss curve; curves of fewer than 20 points are not judged). Longer training "
    "could change the row either way. The learning rate falls to a tenth after three quarters of the epochs, which "
    "flattens the loss, so rows without the mark may change, too."
)


def converged(row: Row) -> bool | None:
    """Return whether a row's loss had come to rest by its curve; None where the curve is too short to decide."""
    curve = [float(value) for value in row.get("curve", [])]
    return History(parts={"generator": curve}, steps=len(curve), seconds=0.0, device="cpu").converged()


def dagger(rows: Sequence[Row]) -> str:
    """Return a mark for an arm that had not converged at some seed."""
    return DAGGER if any(converged(row) is False for row in rows) else ""


def spent(rows: Sequence[Row], source: Budget | None) -> str:
    """Return an arm's budget next to the source's, for a table; a dash where nothing was trained.

    Args:
        rows: Rows of one arm of one problem.
        source: Training of the source's network; None: no source trains on such a problem.
    """
    trained = [row for row in rows if row.get("steps")]
    if not trained:
        return "–"
    row = trained[0]
    steps, features = int(row["steps"]), int(row["features"])
    transforms = int(row["settings"]["transforms"]) if "transforms" in READ_BY[row["arm"]] else None
    if source is None:
        parts = [f"{steps:,} steps", f"{features} features"]
        parts += [] if transforms is None else [f"{transforms} transform{'' if transforms == 1 else 's'}"]
        return "; ".join([*parts, "no source budget"])
    parts = [
        f"{steps:,} steps, {share(steps, source.steps)} of the source's {source.steps:,}",
        f"{features} of {source.features} features",
    ]
    parts += [] if transforms is None else [f"{transforms} of {source.transforms} transforms"]
    return "; ".join(parts)


def cell(rows: Sequence[Row], recipe: Recipe, arm: str) -> str:
    """Return the budget of an arm of a recipe, for a table."""
    return spent(of_arm(of_problem(rows, recipe.name), arm), budget_of(recipe))


def overall(pairs: Sequence[tuple[Row, Budget | None]]) -> str:
    """Return the range of the budgets of several trainings, for a sentence; empty without a training."""
    if not pairs:
        return ""
    steps = sorted(int(row["steps"]) for row, _ in pairs)
    features = sorted({int(row["features"]) for row, _ in pairs})
    transforms = sorted({int(row["settings"]["transforms"]) for row, _ in pairs})
    known = [(row, source) for row, source in pairs if source is not None]
    width, turns, part = "", "", ""
    if known:
        shares = [(int(row["steps"]), source.steps) for row, source in known]
        low, high = min(shares, key=lambda one: one[0] / one[1]), max(shares, key=lambda one: one[0] / one[1])
        part = f" ({share(*low)} to {share(*high)} of the sources' steps, where a source states them)"
        width = f" of {max(source.features for _, source in known)}"
        theirs = sorted({source.transforms for _, source in known})
        turns = f" of {number_range(theirs)}"
    return (
        f"{number_range([steps[0], steps[-1]])} steps{part}, {number_range(features)}{width} features and "
        f"{number_range(transforms)}{turns} transforms"
    )
