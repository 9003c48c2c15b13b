"""Decisions as they leave the house: one row per input, in input order, each with its study's decision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from unseen.data.film import Film, NotRead
from unseen.evaluation.scoring import ScoreRow, map_of
from unseen.screening.screener import Screened, Screener


@dataclass(frozen=True)
class DecisionRow(ScoreRow):
    """A score's row, and what becomes of the film: its probability of being abnormal, and its study's decision."""

    probability: float | None
    decision: Literal["clear", "read", "not_scored"]


def decision_rows(
    screener: Screener,
    films: Iterable[Film | NotRead],
    *,
    maps: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[DecisionRow]:
    """One row per film, in order. All films are screened before the first row comes out: a film is cleared only if its
    whole study is. Arguments as for `evaluation.scoring.score_rows`.
    """
    if maps is not None:
        maps.mkdir(parents=True, exist_ok=True)
    screened: list[Screened] = []
    names: list[str | None] = []
    for done, one in enumerate(screener.screen(films), start=1):
        names.append(map_of(one.finding, maps) if maps is not None and one.finding is not None else None)
        screened.append(one.without_pictures())
        if progress is not None:
            progress(done)
    studies: dict[tuple[str, str], list[Screened]] = {}
    for one in screened:
        studies.setdefault(one.study, []).append(one)
    for one, name in zip(screened, names, strict=True):
        yield _row(one, screener, studies[one.study], name)


def _row(one: Screened, screener: Screener, study: list[Screened], name: str | None) -> DecisionRow:
    own = one.decision
    if own.action == "clear" and screener.study(study).action != "clear":
        own = replace(own, action="read", reason="another film of its study is not cleared")
    return DecisionRow(
        file=one.film.name,
        status=_status(one),
        score=own.score,
        reason=own.reason,
        map=name,
        probability=own.probability,
        decision=own.action,
    )


def _status(one: Screened) -> Literal["scored", "not_read", "not_scored"]:
    if isinstance(one.film, NotRead):
        return "not_read"
    return "not_scored" if one.decision.score is None else "scored"
