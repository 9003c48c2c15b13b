"""Scores that `unseen evaluate` has computed, kept for `unseen calibrate` on the same films.

`$UNSEEN_RUNS/scores/<digest16>.parquet` holds a model's scores by the digests of the films' pixels. The file's name is
a digest over all parts of the model that a score depends on, the runtime and the version of this package. Only scores
that were computed on a CPU are kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from unseen import __version__
from unseen.artifacts.files import replacing
from unseen.artifacts.run_folder import runs_root
from unseen.data.parquet_tables import TableError, TableReader
from unseen.screening.screener import model_parts

if TYPE_CHECKING:
    from unseen.screening.screener import ScoringDetector

_COLUMNS = ("pixel_sha256", "score")


def keep_scores(detector: ScoringDetector, table: pl.DataFrame, *, device: str = "cpu") -> None:
    """Add the scores of a table to those that are kept for this model.

    Args:
        detector: the model that has scored the films.
        table: the score table, from `evaluate`.
        device: the device that has computed them; nothing is kept of another one than the CPU.
    """
    if device != "cpu":
        return
    rows = table.filter(pl.col("score").is_not_null()).select(_COLUMNS)
    path = _path(detector)
    rows = pl.concat([rows, _read(path)])
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        rows.unique("pixel_sha256", keep="first", maintain_order=True).write_parquet(temporary)


def kept_scores(detector: ScoringDetector, *, device: str = "cpu") -> Mapping[str, float]:
    """Return the scores that are kept for this model.

    Args:
        detector: the model.
        device: the device that it computes on.

    Returns:
        By the digests of the films' pixels; empty where nothing is kept, and for another device than the CPU.

    Example:
        >>> from unseen.detectors import load
        >>> dict(kept_scores(load("models/pca"), device="cuda"))
        {}
    """
    path = _path(detector)
    return dict(_read(path).iter_rows()) if device == "cpu" else {}


def _read(path: Path) -> pl.DataFrame:
    """Return the kept scores; none where there is no file, or one that another program has damaged."""
    none = pl.DataFrame(schema={"pixel_sha256": pl.String, "score": pl.Float64})
    try:
        with TableReader() as tables:
            found = tables.read(path, columns=_COLUMNS)
    except (OSError, TableError):
        return none
    return found if found.schema == none.schema else none


def _path(detector: ScoringDetector) -> Path:
    parts = {name: value for name, value in model_parts(detector).items() if name != "gate"}
    said = f"{sorted(parts.items())} {__version__}"
    return runs_root() / "scores" / f"{hashlib.sha256(said.encode()).hexdigest()[:16]}.parquet"
