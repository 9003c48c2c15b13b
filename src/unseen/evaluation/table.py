"""The table of scores: one row an input, for evaluation and for export.

Films through a detector into a table: one row per input, in order, with the trivial statistics beside the score.

Streams: 20,000 films leave 20,000 rows and no pixels, but for a bounded number of examples for the report.

Exported scores: one row per input, in input order, and each film's anomaly map if requested.

`scores.parquet`: file (as given), status (scored | not_read), score, reason, map, percentile, reference.
Streams: rows are small, maps are written one at a time, and no cache is kept.

The table that the page Compare saves, read back: several models' scores of reported films.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import numpy as np
import polars as pl

from unseen.artifacts.errors import UserError, reason_of
from unseen.artifacts.files import replacing
from unseen.data.cells import plain_cell, safe_table
from unseen.data.film import NotRead
from unseen.detectors import METHODS
from unseen.evaluation.examples import Example, example_of
from unseen.evaluation.localisation import localise, on_grid_lesion
from unseen.evaluation.shortcuts import STATISTIC_NAMES, trivial_statistics

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
        """Lazily; a film that could not be read comes back as it is."""
        ...


@dataclass(frozen=True, eq=False)
class Scored:
    """The table, and the films that a reader should see; `score_table` returns it.

    >>> import polars as pl
    >>> Scored(pl.DataFrame({"file": ["a.png"], "score": [0.5]})).misses
    ()

    table         one row per input, in order
    misses        the lowest-scored abnormal films, lowest first
    false_alarms  the highest-scored normal films, highest first
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

    def taken(self) -> tuple[Example, ...]:
        return tuple(example for _, _, example in sorted(self._heap, key=lambda e: (-e[0], -e[1])))


def score_table(
    detector: Scorer,
    films: Iterable[Film | NotRead],
    *,
    progress: Callable[[int], None] | None = None,
    keep: int = 24,
    on_finding: Callable[[int, Finding], str | None] | None = None,
    exclude: frozenset[str] = frozenset(),
) -> Scored:
    """Scores `films` into one row each, in input order.

    detector    anything with ``score(films)``
    films       films, labelled or not
    progress    called with the number of rows done, after each
    keep        examples kept of each kind; their images are a few hundred kB each
    on_finding  called with the row's number and the finding; what it returns (a map's file) goes to the column `map`
    exclude     pixel digests of films that stay in the table but never become examples (the training films)

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
    misses, alarms = _Extremes(keep), _Extremes(keep)
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
            if outcome.film.pixel_sha256 not in exclude:
                if outcome.film.label == "abnormal":
                    misses.offer(-outcome.score, index, outcome)
                elif outcome.film.label == "normal":
                    alarms.offer(outcome.score, index, outcome)
        for name, values in columns.items():
            values.append(row.get(name))
        if progress:
            progress(index + 1)
    return Scored(pl.DataFrame(columns, schema=types), misses.taken(), alarms.taken())


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


@dataclass(frozen=True)
class ScoreRow:
    """One input: its name as given, whether it was scored (not_scored: read, but a policy's gate refused it), the
    score, the reason why not or why to doubt it; the map's file name; the percentile, in per cent, and
    the normals among which it is one (without a percentile, the reason)."""

    file: str
    status: Literal["scored", "not_read", "not_scored"]
    score: float | None
    reason: str | None
    map: str | None
    percentile: float | None = None
    reference: str | None = None


def map_of(finding: Finding, folder: Path) -> str:
    """Write the finding's anomaly map into `folder` and return its file name; the same film has the same name."""
    path = folder / f"{finding.film.pixel_sha256[:16]}.npy"
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, finding.anomaly_map.astype(np.float32), allow_pickle=False)
    return path.name


def write_scores(rows: Iterable[ScoreRow], path: Path, *, kind: type[ScoreRow] = ScoreRow) -> tuple[int, int]:
    """Write `path` (.parquet or .csv), whole or not at all; returns how many rows, and how many of them were not
    read. `kind`: what the rows are, and so the columns. In a CSV a text that a spreadsheet would take for a formula
    begins with an apostrophe."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns: dict[str, list[object]] = {field.name: [] for field in fields(kind)}
    for row in rows:
        for name, value in asdict(row).items():
            columns[name].append(value)
    known = {"score": pl.Float64, "percentile": pl.Float64, "probability": pl.Float64, "lateral": pl.Boolean}
    types = {name: known.get(name, pl.String) for name in columns}
    table = pl.DataFrame(columns, schema=types)
    with replacing(path) as temporary:
        if path.suffix == ".csv":
            safe_table(table).write_csv(temporary)
        else:
            table.write_parquet(temporary)
    return len(table), int((table["status"] == "not_read").sum())


ABOUT: Final = ("film", "study", "source", "label", "origin", "patient", *STATISTIC_NAMES)
"""Its columns that are no model's."""


class ScoresError(UserError, ValueError):
    """The file is not such a table, or has no such model; the message gives the cause and what to do."""


def read_scores(path: Path | str, *, model: str) -> pl.DataFrame:
    """One model's score table, for `metrics_from_table`, `roc_curve` and `compare`.

    path   `scores.csv`, as saved in the page Compare (*Scores as CSV*)
    model  the name of its column; films that it did not score are left out

    Raises ScoresError.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     saved = Path(folder) / "scores.csv"
    ...     _ = saved.write_text(",".join((*ABOUT, "pca")) + "\\n" + "film-1" + "," * len(ABOUT) + "0.5\\n")
    ...     read_scores(saved, model="pca")["score"].to_list()
    [0.5]
    """
    try:
        saved = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ScoresError(
            f"{path}: cannot be read as CSV ({reason_of(error)}). Save it again in the page Compare."
        ) from error
    if missing := [name for name in ABOUT if name not in saved.columns]:
        raise ScoresError(f"{path}: has no column {missing[0]}. Save it again in the page Compare: Scores as CSV.")
    saved = saved.rename({name: plain_cell(name) for name in saved.columns})
    models = [name for name in saved.columns if name not in ABOUT]
    if model not in models:
        raise ScoresError(f"{path}: has no scores of {model!r}; it has those of {', '.join(models)}.")
    rows = saved.filter(pl.col(model).is_not_null())
    types = score_schema()
    known = {
        "file": rows["film"],
        "status": pl.repeat(SCORED, len(rows), dtype=pl.String, eager=True),
        "score": rows[model],
        "label": rows["label"],
        "source": rows["source"].map_elements(plain_cell, return_dtype=pl.String),
        "patient": rows["patient"],
        **{name: rows[name] for name in STATISTIC_NAMES},
    }
    absent = pl.repeat(None, len(rows), dtype=pl.String, eager=True)
    return pl.DataFrame({name: known.get(name, absent).cast(kind) for name, kind in types.items()})
