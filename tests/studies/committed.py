"""Rows of `studies/results`, parsed once by a process. They are shared: a test that changes a row copies it before, or
takes `OwnRows`."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from copy import deepcopy
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


class OwnRows(dict[str, Row]):
    """Rows of which each is copied when it is first looked up by its name, so that a test may change it.

    A copy of all rows takes a tenth of a second. Rows from `values` and `items` are for reading.
    """

    def __init__(self, shared: Mapping[str, Row]) -> None:
        super().__init__(shared)
        self._shared = set(shared)

    def __getitem__(self, name: str) -> Row:
        if name in self._shared:
            self._shared.remove(name)
            self[name] = deepcopy(super().__getitem__(name))
        return super().__getitem__(name)
