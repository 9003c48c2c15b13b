"""From detectors and films to a comparison: every detector scores the same films once, then the tables are compared."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from unseen.artifacts.files import write_text
from unseen.evaluation.comparing import Comparison, compare
from unseen.evaluation.table import NOT_READ, score_table

if TYPE_CHECKING:
    from unseen.data.film import Film, NotRead
    from unseen.detectors.detector import Detector


def compare_detectors(
    detectors: Mapping[str, Detector],
    films: Iterable[Film | NotRead],
    *,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Comparison:
    """Score re-iterable `films` with each detector and compare, leaving out what any of them was trained on.

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
