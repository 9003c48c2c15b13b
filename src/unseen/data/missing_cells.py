"""Cells of a table that are no label and no other value: empty ones, and missing values such as `NA` or `NaN`."""

from __future__ import annotations

MISSING = frozenset({"", "#N/A", "#NA", "<NA>", "N/A", "NA", "NULL", "NaN", "NaT", "None", "n/a", "nan", "null"})
"""Cells that pandas and R write or read as a missing value."""


def is_missing(cell: str) -> bool:
    """Return whether a cell states nothing.

    Args:
        cell: as it stands in the file.

    Returns:
        True for an empty cell, and for a word of pandas or R for a missing value.

    Example:
        >>> [is_missing(cell) for cell in ("", " NaN ", "normal")]
        [True, True, False]
    """
    return cell.strip() in MISSING
