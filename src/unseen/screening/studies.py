"""Labelled studies, as calibration counts them: one a patient and label, its score the highest of its frontal films."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from unseen.data.film import Film
from unseen.screening.policy import UNKNOWN, named_source

if TYPE_CHECKING:
    from unseen.screening.screener import Screened


@dataclass(frozen=True, kw_only=True)
class Study:
    """A labelled study.

    score   the highest of its frontal films; None where any of them was not scored
    films   pixel digests of its frontal films
    """

    name: str
    patient: str
    source: str
    abnormal: bool
    score: float | None
    films: tuple[str, ...] = ()


def studies_of(screened: Iterable[Screened], *, source_tag: str | None) -> list[Study]:
    """Films that were screened, as studies, in the order in which they first appear. Films without a label and lateral
    films are left out; a study is abnormal if any of its films is. No picture is kept."""
    groups: dict[tuple[str, str], list[_Frontal]] = {}
    for one in screened:
        if one.label is not None and not one.lateral:
            groups.setdefault(one.study, []).append(_frontal(one, source_tag))
    return [_study(*key, films) for key, films in groups.items()]


class _Frontal(NamedTuple):
    """What counts of a film; source and pixels are None where it could not be read."""

    abnormal: bool
    score: float | None
    source: str | None
    pixels: str | None


def _frontal(one: Screened, source_tag: str | None) -> _Frontal:
    film, abnormal, score = one.film, one.label == "abnormal", one.decision.score
    if isinstance(film, Film):
        return _Frontal(abnormal, score, named_source(film, source_tag), film.pixel_sha256)
    return _Frontal(abnormal, score, None, None)


def _study(patient: str, name: str, films: list[_Frontal]) -> Study:
    scores = [film.score for film in films]
    claimed = {film.source for film in films if film.source is not None}
    return Study(
        name=name,
        patient=patient,
        source=claimed.pop() if len(claimed) == 1 else UNKNOWN,
        abnormal=any(film.abnormal for film in films),
        score=None if None in scores else max(score for score in scores if score is not None),
        films=tuple(film.pixels for film in films if film.pixels is not None),
    )


def one_a_patient(studies: Iterable[Study]) -> list[Study]:
    """Of each patient's studies of a source and a label, one: the one whose name has the least SHA-256.

    Studies of one patient are alike and would count as several draws; the rule knows nothing of the score.
    """
    chosen: dict[tuple[str, str, bool], Study] = {}
    for study in studies:
        key = (study.patient, study.source, study.abnormal)
        if key not in chosen or _rank(study) < _rank(chosen[key]):
            chosen[key] = study
    return list(chosen.values())


def _rank(study: Study) -> str:
    return hashlib.sha256(study.name.encode()).hexdigest()
