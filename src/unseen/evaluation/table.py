"""Table of scores: films through a detector, one row per input in order, with simple statistics beside the score.

Films are streamed: 20,000 films leave 20,000 rows and no pixels, except a bounded number of examples for the report.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import polars as pl

from unseen.data.film import NotRead
from unseen.detectors import METHODS
from unseen.evaluation.examples import Example, example_of
from unseen.evaluation.localisation import localise, on_grid_lesion
from unseen.evaluation.roc import Bools
from unseen.evaluation.simple_statistics import STATISTIC_NAMES, trivial_statistics
from unseen.evaluation.training_patients import rows_of_training_patients

if TYPE_CHECKING:
    from unseen.data.film import Film
    from unseen.detectors.finding import Finding

SCORED = "scored"
"""Value of the column `status` for a film that has a score."""

NOT_READ = "not_read"


_TEXT = ("file", "status", "reason", "map", "label", "source", "patient", "pixel_sha256", "kind", "contrast", "twin")

_LESION = ("lesion_average_precision", "lesion_share")


class Scorer(Protocol):
    """All that is asked of a detector: one finding per film, in order, each depending on its film alone."""

    def score(self, films: Iterable[Film | NotRead], /) -> Iterator[Finding | NotRead]:
        """Yield findings lazily; a film that could not be read comes back as it is."""
        ...


@dataclass(frozen=True, eq=False)
class Scored:
    """The table, and the films that a reader should see; `score_table` returns it.

    >>> import polars as pl
    >>> Scored(pl.DataFrame({"file": ["a.png"], "score": [0.5]})).misses
    ()

    Args:
        table: one row per input, in order.
        misses: the lowest-scored abnormal films, lowest first.
        false_alarms: the highest-scored normal films, highest first.
    """

    table: pl.DataFrame
    misses: tuple[Example, ...] = ()
    false_alarms: tuple[Example, ...] = ()


def score_schema() -> dict[str, Any]:  # Any: polars' data types have no common public type
    """Return the columns of the score table in order, each with its Polars data type.

    Example:
        >>> list(score_schema())[:4]
        ['file', 'status', 'score', 'reason']
    """
    columns: dict[str, Any] = {"file": pl.String, "status": pl.String, "score": pl.Float64}
    columns |= {name: pl.String for name in _TEXT if name not in columns}
    columns |= {"fold": pl.Int64} | dict.fromkeys(STATISTIC_NAMES, pl.Float64) | dict.fromkeys(_LESION, pl.Float64)
    return columns | {"lesion_hit": pl.Boolean}


class _Extremes:
    """The `keep` films with the highest key, in bounded memory; of equal keys the earlier film stays."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._heap: list[tuple[float, int, Example]] = []

    def offer(self, key: float, index: int, finding: Finding) -> None:
        if self._keep < 1 or (len(self._heap) == self._keep and key <= self._heap[0][0]):
            return
        entry = (key, -index, example_of(finding))
        if len(self._heap) < self._keep:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heapreplace(self._heap, entry)

    def taken(self, without: Bools) -> tuple[Example, ...]:
        best_first = sorted(self._heap, key=lambda e: (-e[0], -e[1]))
        return tuple(example for _, index, example in best_first if not without[-index])


def score_table(
    detector: Scorer,
    films: Iterable[Film | NotRead],
    *,
    progress: Callable[[int], None] | None = None,
    keep: int = 24,
    on_finding: Callable[[int, Finding], str | None] | None = None,
    exclude: frozenset[str] = frozenset(),
) -> Scored:
    """Score `films` into one row each, in input order.

    Args:
        detector: anything with ``score(films)``.
        films: films, labelled or not.
        progress: called with the number of rows done, after each.
        keep: examples kept of each kind; their images are a few hundred kB each.
        on_finding: called with the row's number and the finding; what it returns (a map's file) goes to the column
            `map`.
        exclude: pixel digests of training films: they, and other films of their patients, stay in the table but never
            become examples.

    A score that is not finite becomes a row that was not read, with that reason.

    Raises PluginError for a detector of another package that raises anything but a UserError.

    >>> from unseen.data import phantoms
    >>> from unseen.detectors import load
    >>> scored = score_table(load("models/pca"), phantoms.normals(2, size=64))
    >>> scored.table["status"].to_list(), len(scored.false_alarms)
    (['scored', 'scored'], 2)
    """
    types = score_schema()
    columns: dict[str, list[object]] = {name: [] for name in types}
    misses, alarms = _Extremes(2 * keep), _Extremes(2 * keep)  # in case that some are of training patients
    taught: set[str] = set()  # patients of training films so far: their later films take no place
    for index, film in enumerate(films):
        with METHODS.blaming(detector, film.name):
            outcome = next(iter(detector.score([film])))
        if isinstance(outcome, NotRead):
            row = _unread_row(outcome)
        elif not math.isfinite(outcome.score):
            row = _film_columns(outcome.film) | {"status": NOT_READ}
            row["reason"] = f"the detector gave a score of {outcome.score}; a score is finite"
        else:
            row = _film_columns(outcome.film) | _finding_columns(outcome)
            row["map"] = on_finding(index, outcome) if on_finding else None
            if outcome.film.pixel_sha256 in exclude:
                taught |= {outcome.film.patient} - {""}
            elif outcome.film.patient not in taught:
                if outcome.film.label == "abnormal":
                    misses.offer(-outcome.score, index, outcome)
                elif outcome.film.label == "normal":
                    alarms.offer(outcome.score, index, outcome)
        for name, values in columns.items():
            values.append(row.get(name))
        if progress:
            progress(index + 1)
    table = pl.DataFrame(columns, schema=types)
    late = rows_of_training_patients(table, exclude)  # their training film may come after another one
    return Scored(table, misses.taken(late)[:keep], alarms.taken(late)[:keep])


def _unread_row(outcome: NotRead) -> dict[str, object]:
    return {
        "file": outcome.name,
        "status": NOT_READ,
        "reason": outcome.reason,
        "label": outcome.label,
        "source": outcome.source,
        "patient": outcome.patient,
    }


def _film_columns(film: Film) -> dict[str, object]:
    # `fold` stays empty: one detector is one model, whatever a manifest's columns say; cross-fitting fills it in
    return {
        "file": film.name,
        "label": film.label,
        "source": film.source,
        "patient": film.patient,
        "pixel_sha256": film.pixel_sha256,
        **{name: film.columns.get(name) or None for name in ("kind", "contrast", "twin")},
    }


def _finding_columns(finding: Finding) -> dict[str, object]:
    row: dict[str, object] = {"status": SCORED, "score": float(finding.score)}
    row |= trivial_statistics(finding.film, lung_area=finding.viewed.lung_area)
    if finding.film.lesion is not None and finding.film.lesion.any():
        coverage = finding.viewed.on_grid(np.asarray(finding.film.lesion, dtype=np.float32))
        found = localise(finding.anomaly_map, on_grid_lesion(coverage))
        if found:
            row |= {"lesion_average_precision": found.average_precision, "lesion_share": found.share}
            row["lesion_hit"] = found.hit
    return row
