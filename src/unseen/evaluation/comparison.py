"""Comparison of detectors on the same films: paired differences of their AUROCs, by the bootstrap and by DeLong's test.

`compare_detectors` scores the films with every detector and compares the tables; `compare` takes tables of scores. The
test is in `delong`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unseen.artifacts.files import write_text
from unseen.evaluation.bootstrap import DRAWS, Statistic, bootstrap_cohort, draw_all, has_several_films, numbers, text
from unseen.evaluation.delong import DelongTest, delong_test
from unseen.evaluation.intervals import Figure, Json, Missing
from unseen.evaluation.metrics import judged_rows
from unseen.evaluation.roc import Auroc, folds_of
from unseen.evaluation.table import NOT_READ, score_table

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from unseen.data.film import Film, NotRead
    from unseen.detectors.detector import Detector


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

    Args:
        films: how many films all of them scored.
        left_out: how many films are not among them: judged by some only and, where `compare_detectors` made this,
            of patients on whose films one was trained, unlabelled, not read or named twice.
        auroc: each detector's, by name.
        pairs: every pair's difference, with its interval and DeLong's test.
        not_read: how many inputs could not be read.

    >>> Comparison(films=0, left_out=2, auroc={}, pairs=()).to_json()["left_out"]
    2
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
    """Compare the detectors whose score tables these are, on the films that all of them scored.

    Films are matched by their pixels (by name where a table has no digest).

    Args:
        tables: score tables, from `score_table` or `read_scores`, by the detector's name; two or more.
        exclude: pixel digests of the training films of any of them; other films of their patients are left out, too.
        seed: of the bootstrap.
        draws: bootstrap samples.

    Raises:
        ValueError: fewer than two tables, or they disagree on a film's label or fold.

    >>> from unseen.data import phantoms
    >>> from unseen.detectors import load
    >>> from unseen.evaluation import score_table
    >>> films = [*phantoms.normals(2, seed=1, size=64), *phantoms.abnormals(2, seed=2, size=64)]
    >>> table = score_table(load("models/pca"), films).table
    >>> compare({"one": table, "other": table}, draws=20).films
    4
    """
    if len(tables) < 2:
        raise ValueError(f"{len(tables)} table given; a comparison needs two or more.")
    rows = {name: judged_rows(table, exclude).rows for name, table in tables.items()}
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
    cohort = bootstrap_cohort(base)
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
            test = DelongTest(
                Missing("films of matched pairs are not independent, as DeLong's test assumes"), None, None
            )
        elif has_several_films(cohort):
            test = DelongTest(Missing("films of one patient are not independent, as DeLong's test assumes"), None, None)
        pairs.append(Pair(first, second, (drawn[first] - drawn[second]).interval(), test))
    return Comparison(
        films=len(shared),
        left_out=largest - len(shared),
        auroc={name: Missing(short) if short else drawn[name].interval() for name in names},
        pairs=tuple(pairs),
    )


def _keys(table: pl.DataFrame) -> list[tuple[str, int]]:
    """Return the pixel digest (or name) and how often it came before: duplicates within a table stay apart."""
    digests, files = text(table, "pixel_sha256"), text(table, "file")
    names: NDArray[np.str_] = np.where(digests == "", files, digests)
    seen: dict[str, int] = {}
    keys = []
    for name in names.tolist():
        seen[name] = seen.get(name, -1) + 1
        keys.append((name, seen[name]))
    return keys


def compare_detectors(
    detectors: Mapping[str, Detector],
    films: Iterable[Film | NotRead],
    *,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Comparison:
    """Score re-iterable `films` with each detector and compare, on films of patients who are new to all of them.

    Raises ValueError for fewer than two detectors.
    """
    tables = {name: score_table(one, films, keep=0, progress=progress).table for name, one in detectors.items()}
    trained = frozenset(digest for one in detectors.values() for digest in one.training_films)
    unread = max(int((table["status"] == NOT_READ).sum()) for table in tables.values())
    found = compare(tables, exclude=trained, seed=seed)
    inputs = max(len(table) for table in tables.values())
    return replace(found, left_out=inputs - found.films, not_read=unread)


def write_comparison(comparison: Comparison, path: Path) -> None:
    """Write the comparison as JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(comparison.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
