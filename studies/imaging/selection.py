"""Rows of one problem, and of one arm of a problem."""

from __future__ import annotations

from collections.abc import Iterable

from studies.rows import Row


def of_problem(rows: Iterable[Row], name: str) -> list[Row]:
    """Return the rows of the problem that a recipe names; rows of other studies have none."""
    return [row for row in rows if row.get("problem") == name]


def of_arm(rows: Iterable[Row], arm: str) -> list[Row]:
    """Return the rows of an arm, by seed."""
    return sorted((row for row in rows if row["arm"] == arm), key=lambda row: int(row["seed"]))
