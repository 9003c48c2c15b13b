"""Several detectors on the same films: paired differences of their AUROCs, by bootstrap and by DeLong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from unseen.evaluation.bootstrap import DRAWS, Statistic, draw_all
from unseen.evaluation.cohort import cohort_of, numbers, text
from unseen.evaluation.delong import DelongTest, delong_test
from unseen.evaluation.figures import judged_rows
from unseen.evaluation.interval import Figure, Json, Missing
from unseen.evaluation.roc import Auroc, folds_of

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Pair:
    """First minus second: bootstrap difference of AUROCs, and DeLong's test."""

    first: str
    second: str
    difference: Figure
    delong: DelongTest

    def __str__(self) -> str:
        p = "no p" if self.delong.p is None else f"DeLong p = {self.delong.p:.3g}"
        return f"{self.first} − {self.second}: {self.difference} ({p})"


@dataclass(frozen=True)
class Comparison:
    """AUROC of each detector on the films that all of them scored, and every pair's difference.

    `left_out` counts the films that are not among them: judged by some only and, where `compare_detectors` made this,
    trained on, unlabelled, not read or named twice.
    """

    films: int
    left_out: int
    auroc: Mapping[str, Figure]
    pairs: tuple[Pair, ...]
    not_read: int = 0

    def to_json(self) -> dict[str, Json]:
        """``{"films", "left_out", "auroc": {name: …}, "pairs": [{"first", "second", "difference", "p", …}]}``."""
        return {
            "films": self.films,
            "left_out": self.left_out,
            "auroc": {name: figure.to_json() for name, figure in self.auroc.items()},
            "pairs": [
                {
                    "first": pair.first,
                    "second": pair.second,
                    "difference": pair.difference.to_json(),
                    "delong": pair.delong.difference.to_json(),
                    "p": pair.delong.p,
                }
                for pair in self.pairs
            ],
        }


def compare(
    tables: Mapping[str, pl.DataFrame],
    *,
    exclude: frozenset[str] = frozenset(),
    seed: int = 0,
    draws: int = DRAWS,
) -> Comparison:
    """Compares the detectors whose score tables these are, on the films that all of them scored.

    Films are matched by their pixels (by name where a table has no digest). `exclude` holds the training films of any.
    Raises ValueError where the tables disagree on a film's label or fold.
    """
    if len(tables) < 2:
        raise ValueError(f"{len(tables)} table given; a comparison needs two or more.")
    rows = {name: judged_rows(table, exclude)[0] for name, table in tables.items()}
    keyed = {name: dict(zip(_keys(table), range(len(table)), strict=True)) for name, table in rows.items()}
    names = list(rows)
    shared = [key for key in keyed[names[0]] if all(key in other for other in keyed.values())]
    largest = max(len(keys) for keys in keyed.values())
    aligned = {name: rows[name][[keyed[name][key] for key in shared]] for name in names}
    base = aligned[names[0]]
    for name in names[1:]:
        for column in ("label", "fold"):
            wrong = int((text(aligned[name], column) != text(base, column)).sum())
            if wrong:
                raise ValueError(
                    f"{names[0]} and {name} disagree on the {column} of {wrong} films; score one manifest."
                )
    cohort = cohort_of(base)
    short = cohort.shortfall()
    scores = {name: numbers(table, "score") for name, table in aligned.items()}
    statistics: dict[str, Statistic] = {}
    if not short:
        statistics = {n: Auroc(folds_of(s, cohort.abnormal, cohort.fold)) for n, s in scores.items()}
    drawn = draw_all(statistics, cohort, draws=draws, rng=np.random.default_rng(seed))
    paired = bool((text(base, "twin") != "").any())
    pairs = []
    for first, second in combinations(names, 2):
        if short:
            pairs.append(Pair(first, second, Missing(short), DelongTest(Missing(short), None, None)))
            continue
        test = delong_test(scores[first], scores[second], cohort.abnormal, fold=cohort.fold)
        if paired:
            test = DelongTest(Missing("twins are not independent films, as DeLong's test takes them to be"), None, None)
        pairs.append(Pair(first, second, (drawn[first] - drawn[second]).interval(), test))
    return Comparison(
        films=len(shared),
        left_out=largest - len(shared),
        auroc={name: Missing(short) if short else drawn[name].interval() for name in names},
        pairs=tuple(pairs),
    )


def _keys(table: pl.DataFrame) -> list[tuple[str, int]]:
    """Pixel digest (or name) and how often it came before: duplicates within a table stay apart."""
    digests, files = text(table, "pixel_sha256"), text(table, "file")
    names: NDArray[np.str_] = np.where(digests == "", files, digests)
    seen: dict[str, int] = {}
    keys = []
    for name in names.tolist():
        seen[name] = seen.get(name, -1) + 1
        keys.append((name, seen[name]))
    return keys
