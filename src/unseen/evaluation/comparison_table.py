"""Table that the page Compare saves: several models' scores of reported films, read back."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from unseen.artifacts.errors import UserError, reason_of
from unseen.data.cells import plain_cell
from unseen.evaluation.simple_statistics import STATISTIC_NAMES
from unseen.evaluation.table import SCORED, score_schema

ABOUT: Final = ("film", "study", "source", "label", "origin", "patient", *STATISTIC_NAMES)
"""Its columns that are no model's."""


class ScoresError(UserError, ValueError):
    """The file is not such a table, or has no such model; the message gives the cause and what to do."""


def read_scores(path: Path | str, *, model: str) -> pl.DataFrame:
    """Return one model's score table, for `metrics_from_table`, `roc_curve` and `compare`.

    Args:
        path: `scores.csv`, as saved in the page Compare (*Scores as CSV*).
        model: the name of its column; films that it did not score are left out.

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
