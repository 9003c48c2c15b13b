"""Export of scores: one row per input, in input order, and each film's anomaly map if requested.

`scores.parquet`: file (as given), status (scored | not_read), score, reason, map, percentile, reference.
Films are streamed: rows are small, maps are written one at a time, and no cache is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from unseen.artifacts.files import replacing
from unseen.data.cells import safe_table

if TYPE_CHECKING:
    from unseen.detectors.finding import Finding


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
