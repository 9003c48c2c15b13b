"""Scores as they leave the house: one row per input, in input order, and each film's anomaly map if asked for.

`scores.parquet`: file (as given), status (scored | not_read), score, reason, map. Streams: rows are small, maps are
written
one at a time, and no cache is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from unseen.artifacts.files import replacing
from unseen.data.film import NotRead

if TYPE_CHECKING:
    from unseen.data.film import Film
    from unseen.detectors.detector import Finding
    from unseen.evaluation.table import Scorer


@dataclass(frozen=True)
class ScoreRow:
    """One input: its name as given, whether it was scored (not_scored: read, but a policy's gate refused it), and the
    score or the reason why not; the map's file name."""

    file: str
    status: Literal["scored", "not_read", "not_scored"]
    score: float | None
    reason: str | None
    map: str | None


def score_rows(
    detector: Scorer,
    films: Iterable[Film | NotRead],
    *,
    maps: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[ScoreRow]:
    """One row per film, lazily. `maps`: a folder for `<digest16>.npy`, float32 on the network's grid."""
    if maps is not None:
        maps.mkdir(parents=True, exist_ok=True)
    for done, outcome in enumerate(detector.score(films), start=1):
        if isinstance(outcome, NotRead):
            yield ScoreRow(outcome.name, "not_read", None, outcome.reason, None)
        else:
            yield ScoreRow(outcome.film.name, "scored", outcome.score, None, map_of(outcome, maps) if maps else None)
        if progress is not None:
            progress(done)


def map_of(finding: Finding, folder: Path) -> str:
    """Write the finding's anomaly map into `folder` and return its file name; the same film has the same name."""
    path = folder / f"{finding.film.pixel_sha256[:16]}.npy"
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, finding.anomaly_map.astype(np.float32), allow_pickle=False)
    return path.name


def write_scores(rows: Iterable[ScoreRow], path: Path, *, kind: type[ScoreRow] = ScoreRow) -> tuple[int, int]:
    """Write `path` (.parquet or .csv), whole or not at all; returns how many rows, and how many of them were not
    read. `kind`: what the rows are, and so the columns."""
    import polars as pl

    path.parent.mkdir(parents=True, exist_ok=True)
    columns: dict[str, list[object]] = {field.name: [] for field in fields(kind)}
    for row in rows:
        for name, value in asdict(row).items():
            columns[name].append(value)
    types = {name: pl.Float64 if name in ("score", "probability") else pl.String for name in columns}
    table = pl.DataFrame(columns, schema=types)
    with replacing(path) as temporary:
        if path.suffix == ".csv":
            table.write_csv(temporary)
        else:
            table.write_parquet(temporary)
    return len(table), int((table["status"] == "not_read").sum())
