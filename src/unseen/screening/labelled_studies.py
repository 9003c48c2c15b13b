"""Labelled studies as calibration counts them: one a patient and label, scored by the highest frontal film."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from unseen.data.film import Film
from unseen.data.patient_links import linked_patients
from unseen.screening.companions import deciding
from unseen.screening.policy import UNKNOWN_SOURCE, claimed_source

if TYPE_CHECKING:
    from unseen.data.decoder_protocol import Origin
    from unseen.screening.screened import Screened


@dataclass(frozen=True, kw_only=True)
class Study:
    """A labelled study.

    >>> Study(name="study-1", patient="patient-1", source="ward", abnormal=False, score=0.2).score
    0.2

    Args:
        name: the study's name.
        patient: the patient's name.
        source: where its films come from, such as a station.
        abnormal: whether any of its films is labelled abnormal.
        score: the highest of its frontal films; None where any of them was not scored.
        films: pixel digests of its frontal films.
    """

    name: str
    patient: str
    source: str
    abnormal: bool
    score: float | None
    films: tuple[str, ...] = ()


def studies_of(screened: Iterable[Screened], *, source_tag: str | None) -> list[Study]:
    """Return the films that were screened, as studies, in the order in which they first appear.

    Films without a label, lateral films and companion images are left out; a study is abnormal if any of its films is.
    No image is kept.
    """
    groups: dict[tuple[str, str], list[_Frontal]] = {}
    for one in screened:
        if one.label is not None and not one.lateral:
            groups.setdefault(one.study, []).append(_frontal(one, source_tag))
    return [_study(*key, _deciding(films)) for key, films in groups.items()]


class _Frontal(NamedTuple):
    """Film as it counts in a study; source and pixels are None where it could not be read."""

    abnormal: bool
    score: float | None
    source: str | None
    pixels: str | None
    image: tuple[Origin, tuple[str, ...]] = ("original", ())


def _frontal(one: Screened, source_tag: str | None) -> _Frontal:
    film, abnormal, score = one.film, one.label == "abnormal", one.decision.score
    if isinstance(film, Film):
        return _Frontal(
            abnormal,
            score,
            claimed_source(film.tags, film.source, tag=source_tag),
            film.pixel_sha256,
            (film.origin, film.related),
        )
    return _Frontal(abnormal, score, None, None)


def _deciding(films: list[_Frontal]) -> list[_Frontal]:
    """Return the films without companion images, as a study is decided."""
    decides = deciding([film.image for film in films])
    return [film for film, counts in zip(films, decides, strict=True) if counts]


def _study(patient: str, name: str, films: list[_Frontal]) -> Study:
    scores = [film.score for film in films]
    claimed = {film.source for film in films if film.source is not None}
    return Study(
        name=name,
        patient=patient,
        source=claimed.pop() if len(claimed) == 1 else UNKNOWN_SOURCE,
        abnormal=any(film.abnormal for film in films),
        score=None if None in scores else max(score for score in scores if score is not None),
        films=tuple(film.pixels for film in films if film.pixels is not None),
    )


def one_a_patient(studies: Iterable[Study]) -> list[Study]:
    """Select one study per patient, source and label: the study whose name has the lowest SHA-256 digest.

    Studies of one patient are similar, so they are not independent samples. Patients who share a film, by its pixels,
    count as one: the film is a copy under another name. The selection does not depend on the score.

    Args:
        studies: labelled studies.

    Returns:
        The selected studies, in the order in which their patients first appear.

    Example:
        >>> def study(name: str, patient: str, film: str) -> Study:
        ...     return Study(name=name, patient=patient, source="ward", abnormal=False, score=0.2, films=(film,))
        >>> films = study("1", "A", "ab"), study("2", "A", "cd"), study("3", "B", "ef"), study("4", "A (copy)", "ab")
        >>> [one.patient[0] for one in one_a_patient(films)]
        ['A', 'B']
    """
    listed = list(studies)
    person = linked_patients((study.patient, pixels) for study in listed for pixels in study.films or ("",))
    chosen: dict[tuple[str, str, bool], Study] = {}
    for study in listed:
        key = (person[study.patient], study.source, study.abnormal)
        if key not in chosen or _rank(study) < _rank(chosen[key]):
            chosen[key] = study
    return list(chosen.values())


def _rank(study: Study) -> str:
    return hashlib.sha256(study.name.encode()).hexdigest()
