"""Decisions about films whose studies are not known yet, and the studies' decisions once all films are there.

Each row of a part has its film's digest: by it the film is found again, whatever lies under its name by then.

An archive is scored in parts, and the films of a study may lie in several of them. A part therefore holds each film's
own decision in the column `film_decision`, with the study that it belongs to; only all parts together give the column
`decision`. Law: `with_study_decisions` of all films' rows is what `decision_rows` gives for the same films.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from unseen.data.film import Film, NotRead
from unseen.data.projection import projection_of
from unseen.evaluation.exported_scores import ScoreRow
from unseen.screening.companions import deciding
from unseen.screening.screened import study_of
from unseen.screening.screener import KEPT_BY_STUDY, DecisionRow, Screener, decision_rows, ranked_rows

if TYPE_CHECKING:
    import polars as pl

    from unseen.data.decoder_protocol import Origin

_DIGITS = 32  # of the study's digest: 128 bits, so that no two of a billion studies share one


@dataclass(frozen=True, kw_only=True)
class RankedFilmRow(ScoreRow):
    """A film's row in a part of a run without a policy.

    sha256  of the file's bytes that were scored; None where the film was not read
    """

    sha256: str | None


@dataclass(frozen=True, kw_only=True)
class FilmRow(ScoreRow):
    """A film's row and its own decision, before its study's is known.

    sha256         of the file's bytes that were scored; None where the film was not read
    film_decision  as if the film were its study's only one
    study          the same digest for all films of a study; it names neither the patient nor the study
    lateral        whether it is a lateral film, which has no influence on its study's decision
    origin         by which a companion image is known, which has none either (`companions`)
    related        digests of the UIDs by which images of one exposure know each other, joined by spaces
    """

    sha256: str | None
    probability: float | None
    film_decision: Literal["clear", "read", "not_scored"]
    study: str
    lateral: bool
    origin: Origin
    related: str


def ranked_film_rows(
    screener: Screener, films: Iterable[Film | NotRead], *, maps: Path | None = None
) -> Iterator[RankedFilmRow]:
    """One row per film, lazily and in order; arguments as for `ranked_rows`."""
    for film in films:
        [row] = ranked_rows(screener, [film], maps=maps)
        yield RankedFilmRow(**vars(row), sha256=_sha256(film))


def film_rows(screener: Screener, films: Iterable[Film | NotRead], *, maps: Path | None = None) -> Iterator[FilmRow]:
    """One row per film, lazily and in order; arguments as for `decision_rows`."""
    for film in films:
        [row] = decision_rows(screener, [film], maps=maps)
        yield FilmRow(
            file=row.file,
            status=row.status,
            score=row.score,
            reason=row.reason,
            map=row.map,
            percentile=row.percentile,
            reference=row.reference,
            sha256=_sha256(film),
            probability=row.probability,
            film_decision=row.decision,
            study=_digest("\0".join(study_of(film))),
            lateral=isinstance(film, Film) and projection_of(film) == "lateral",
            origin=film.origin if isinstance(film, Film) else "original",
            related=" ".join(map(_digest, film.related)) if isinstance(film, Film) else "",
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _companions(rows: pl.DataFrame) -> pl.Series:
    """Which rows are of images that do not decide about their study; none in parts of an earlier release."""
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


def _sha256(film: Film | NotRead) -> str | None:
    return film.file_sha256 if isinstance(film, Film) else None


def with_study_decisions(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of `film_rows`, all of them, with the columns of `DecisionRow`: a film stays cleared only if all frontal
    films of its study are."""
    import polars as pl

    absent = [name for name in ("percentile", "reference") if name not in rows.columns]  # in parts of earlier releases
    rows = rows.with_columns(_companions(rows).alias("companion"))  # a column: `over` evaluates by study
    against = (pl.col("film_decision") != "clear") & ~pl.col("lateral") & ~pl.col("companion")
    kept = (pl.col("film_decision") == "clear") & against.any().over("study")
    return rows.with_columns(
        decision=pl.when(kept).then(pl.lit("read")).otherwise("film_decision"),
        reason=pl.when(kept).then(pl.lit(KEPT_BY_STUDY)).otherwise("reason"),
    ).select([name for name in DecisionRow.__dataclass_fields__ if name not in absent])
