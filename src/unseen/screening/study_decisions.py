"""Decisions of studies, once the films of all parts of an archive are there.

An archive is scored in parts, and the films of a study may lie in several of them. A part therefore holds each film's
own decision in the column `film_decision` (`film_rows`), with the study that it belongs to; only all parts together
give the column `decision`. Law: `with_study_decisions` of all films' rows is what `decision_rows` gives for the same
films.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unseen.data.film import Film, NotRead
from unseen.screening.companions import deciding
from unseen.screening.screened import SEVERAL_SOURCES
from unseen.screening.screener import KEPT_BY_STUDY, DecisionRow

if TYPE_CHECKING:
    import polars as pl


def _companions(rows: pl.DataFrame) -> pl.Series:
    """Mark the rows of images that do not decide about their study; none in parts of an earlier release."""
    import polars as pl

    aside = [False] * len(rows)
    if "origin" in rows.columns:
        numbered = rows.select("study", "origin", "related").with_row_index("row").filter(~rows["lateral"])
        mixed = numbered.filter((pl.col("origin") != "original").any().over("study"))
        for of_study in mixed.partition_by("study"):
            known = [
                (origin, (related or "").split()) for origin, related in of_study.select("origin", "related").rows()
            ]
            for row, decides in zip(of_study["row"], deciding(known), strict=True):
                aside[row] = not decides
    return pl.Series(aside, dtype=pl.Boolean)


def digest_of(film: Film | NotRead) -> str | None:
    return film.file_sha256 if isinstance(film, Film) else None


def with_study_decisions(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `film_rows`, all of them, with the columns of `DecisionRow`: a film stays cleared only if all
    frontal films of its study are, and are of one source.
    """
    import polars as pl

    absent = [name for name in ("percentile", "reference") if name not in rows.columns]  # in parts of earlier releases
    rows = rows.with_columns(_companions(rows).alias("companion"))  # a column: `over` evaluates by study
    cleared, decides = pl.col("film_decision") == "clear", ~pl.col("lateral") & ~pl.col("companion")
    kept = cleared & (~cleared & decides).any().over("study")
    # the reason of a cleared film names its source
    several = cleared & (pl.col("reason").filter(cleared & decides).n_unique().over("study") > 1)
    return rows.with_columns(
        decision=pl.when(kept | several).then(pl.lit("read")).otherwise("film_decision"),
        reason=pl.when(kept)
        .then(pl.lit(KEPT_BY_STUDY))
        .when(several)
        .then(pl.lit(SEVERAL_SOURCES))
        .otherwise("reason"),
    ).select([name for name in DecisionRow.__dataclass_fields__ if name not in absent])
