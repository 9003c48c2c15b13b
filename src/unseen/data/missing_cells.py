"""Cells of a table that state nothing: empty ones, and the words that programs write for a missing value."""

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
