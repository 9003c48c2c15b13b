"""The films that a figure is about: class, fold, source, and what a bootstrap may resample.

Drawing is stratified by fold, source and label; where films are twins, the pair is drawn as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from unseen.evaluation.roc import Bools, Floats, Ints

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

LEAST = 2
"""Films of each class below which no figure is given: with one there is no spread to draw from."""


@dataclass(frozen=True, eq=False)
class Cohort:
    """Scored, labelled films, as arrays of one length.

    `unit` numbers what is drawn together (a film, or a twin pair), `stratum` what is drawn within.
    """

    score: Floats
    abnormal: Bools
    fold: Ints
    source: NDArray[np.str_]
    unit: Ints
    stratum: Ints

    def __len__(self) -> int:
        return len(self.score)

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources, sorted."""
        return tuple(str(name) for name in np.unique(self.source))

    def shortfall(self, among: Bools | None = None) -> str:
        """Why these films allow no AUROC, in words; "" if they do.

        A fold must hold both classes to count, so films are counted in such folds only.
        """
        chosen = np.ones(len(self), dtype=bool) if among is None else among
        normals, abnormals = int((chosen & ~self.abnormal).sum()), int((chosen & self.abnormal).sum())
        if normals < LEAST or abnormals < LEAST:
            return f"{normals} normal and {abnormals} abnormal films; at least {LEAST} of each are needed"
        for number in np.unique(self.fold[chosen]):
            truth = self.abnormal[chosen & (self.fold == number)]
            if truth.any() and not truth.all():
                return ""
        return f"no fold holds both classes ({normals} normal and {abnormals} abnormal films in all)"


def codes(*columns: NDArray[np.generic]) -> Ints:
    """One number per distinct combination of the columns' entries."""
    total = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        _, inverse = np.unique(column, return_inverse=True)
        total = total * (int(inverse.max(initial=0)) + 1) + inverse.reshape(-1)
        _, total = np.unique(total, return_inverse=True)
        total = total.reshape(-1).astype(np.int64)
    return total


def text(table: pl.DataFrame, column: str) -> NDArray[np.str_]:
    """A column as words; nulls, or a column that is not there, as ""."""
    if column not in table.columns:
        return np.full(len(table), "", dtype=np.str_)
    return np.array([str(x) if x is not None else "" for x in table[column].to_list()], dtype=np.str_)


def numbers(table: pl.DataFrame, column: str) -> Floats:
    """A column as float64; nulls, or a column that is not there, as NaN."""
    if column not in table.columns:
        return np.full(len(table), np.nan)
    return np.array([np.nan if x is None else float(x) for x in table[column].to_list()], dtype=np.float64)


def cohort_of(table: pl.DataFrame, *, twins: bool = True) -> Cohort:
    """The cohort of a table's rows, which must be scored and labelled normal or abnormal.

    `twins=False` draws films singly even where the table pairs them.
    """
    abnormal = text(table, "label") == "abnormal"
    source = text(table, "source")
    fold = codes(text(table, "fold"))
    twin = text(table, "twin") if twins else np.full(len(table), "", dtype=np.str_)
    rows = np.array([f"#{i}" for i in range(len(table))], dtype=np.str_)
    unit = codes(np.where(twin == "", rows, np.char.add(twin, "|")), np.where(twin == "", "", source), fold)
    drawn_as = np.where(twin != "", "pair", np.where(abnormal, "abnormal", "normal"))
    stratum = codes(fold, source, drawn_as)
    return Cohort(numbers(table, "score"), abnormal, fold, source, unit, stratum)
