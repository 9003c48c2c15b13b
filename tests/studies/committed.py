"""Rows of `studies/results`, parsed once by a process. They are shared: a test that changes a row copies it before."""

from __future__ import annotations

import functools
from pathlib import Path

from studies.row_files import read_rows, read_study
from studies.rows import Row

RESULTS = Path(__file__).parents[2] / "studies" / "results"


@functools.cache
def committed_rows() -> dict[str, Row]:
    """Return the rows of all studies by name."""
    return read_rows(RESULTS)


@functools.cache
def committed_study(study: str) -> dict[str, Row]:
    """Return the rows of one study by name."""
    return read_study(study, RESULTS)
