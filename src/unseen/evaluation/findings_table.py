"""`table`: findings as a Polars table, one row per film."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import polars as pl

from unseen.data.film import NotRead
from unseen.detectors.finding import Finding

if TYPE_CHECKING:
    from unseen.data.film import Film

_SCHEMA = {
    "file": pl.String,
    "status": pl.String,
    "score": pl.Float64,
    "percentile": pl.Float64,
    "reason": pl.String,
    "label": pl.String,
    "source": pl.String,
    "patient": pl.String,
    "pixel_sha256": pl.String,
}


def table(findings: Iterable[Finding | NotRead]) -> pl.DataFrame:
    """Make a table of findings, such as those of `model.score(folder)`.

    `table(findings).to_pandas()` converts it to pandas; this needs the packages pandas and pyarrow.

    Args:
        findings: findings and unread files; they are iterated once.

    Returns:
        One row per film, in order: `file`, `status` (scored or not_read), `score`, `percentile` (share of the reference
        normals that score lower, in per cent; null without a reference), `reason` (reason that the film was not read),
        `label`, `source`, `patient`, `pixel_sha256`.

    Example:
        >>> from unseen.data import phantoms
        >>> from unseen.detectors import load
        >>> found = table(load("models/pca").score(phantoms.normals(2, size=64)))
        >>> found["status"].to_list(), found.columns[:3]
        (['scored', 'scored'], ['file', 'status', 'score'])
        >>> found["percentile"].null_count()
        0
    """
    return pl.DataFrame([_row(one) for one in findings], schema=_SCHEMA)


def _row(one: Finding | NotRead) -> dict[str, object]:
    if isinstance(one, NotRead):
        return _about(one) | {"status": "not_read", "reason": one.reason}
    return (
        _about(one.film)
        | {"status": "scored"}
        | {
            "score": one.score,
            "percentile": one.percentile,
            "pixel_sha256": one.film.pixel_sha256,
        }
    )


def _about(film: Film | NotRead) -> dict[str, object]:
    empty = dict.fromkeys(_SCHEMA)
    return empty | {"file": film.name, "label": film.label, "source": film.source, "patient": film.patient}
