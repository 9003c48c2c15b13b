"""Rows of films in a part of an archive: the film's own decision, before its study's is known.

Each row has its film's digest, which identifies the film whatever its file is called later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from unseen.data.film import Film, NotRead
from unseen.data.film_projection import projection_of
from unseen.evaluation.exported_scores import ScoreRow
from unseen.screening.screened import study_of
from unseen.screening.screener import Screener, decision_rows, ranked_rows
from unseen.screening.study_decisions import digest_of

if TYPE_CHECKING:
    from unseen.data.decoder_protocol import Origin

DIGITS = 32  # of the study's digest: 128 bits, so that no two of a billion studies share one


@dataclass(frozen=True, kw_only=True)
class RankedFilmRow(ScoreRow):
    """A film's row in a part of a run without a policy.

    Args:
        sha256: of the file's bytes that were scored; None where the film was not read.
    """

    sha256: str | None


@dataclass(frozen=True, kw_only=True)
class FilmRow(ScoreRow):
    """A film's row and its own decision, before its study's is known.

    Args:
        sha256: of the file's bytes that were scored; None where the film was not read.
        film_decision: as if the film were its study's only one.
        study: the same digest for all films of a study; it names neither the patient nor the study.
        lateral: whether it is a lateral film, which has no influence on its study's decision.
        origin: by which a companion image is known, which has none either (`companions`).
        related: digests of the UIDs by which images of one exposure know each other, joined by spaces.
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
    """Yield one row per film, lazily and in order; arguments as for `ranked_rows`."""
    for film in films:
        [row] = ranked_rows(screener, [film], maps=maps)
        yield RankedFilmRow(**vars(row), sha256=digest_of(film))


def film_rows(screener: Screener, films: Iterable[Film | NotRead], *, maps: Path | None = None) -> Iterator[FilmRow]:
    """Yield one row per film, lazily and in order; arguments as for `decision_rows`."""
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
            sha256=digest_of(film),
            probability=row.probability,
            film_decision=row.decision,
            study=_digest("\0".join(study_of(film))),
            lateral=isinstance(film, Film) and projection_of(film) == "lateral",
            origin=film.origin if isinstance(film, Film) else "original",
            related=" ".join(map(_digest, film.related)) if isinstance(film, Film) else "",
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
