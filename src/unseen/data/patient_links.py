"""Patients linked by shared films: a film under two names is a copy, so both names are of one person."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable


def linked_patients(films: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return for each patient one of those who are connected to it by shared films, the same for all of them.

    Args:
        films: patient and pixel digest of each film; a digest "" is not known and links nobody. Nor does the patient
            "", who is an unknown one.

    Returns:
        The patient that stands for each person, by the patient's name; "" for "".

    Raises:
        TypeError: a patient or a digest is NaN, as pandas has it for an empty cell.

    Example:
        >>> linked_patients([("A", "ab"), ("B", "cd"), ("A (copy)", "ab"), ("C", "")])
        {'A': 'A', 'B': 'B', 'A (copy)': 'A', 'C': 'C'}
    """
    first: dict[str, str] = {}
    owner: dict[str, str] = {}

    def root(patient: str) -> str:
        while first[patient] != patient:
            first[patient] = patient = first[first[patient]]
        return patient

    for patient, pixels in films:
        if _is_nan(patient) or _is_nan(pixels):
            raise TypeError(
                f"A patient and a pixel digest are texts, '' where one is not known, but got {(patient, pixels)}. Of a "
                "pandas column: .fillna('')."
            )
        first.setdefault(patient, patient)
        if pixels and patient not in ("", None):
            one, other = root(owner.setdefault(pixels, patient)), root(patient)
            first[other] = one
    return {patient: root(patient) for patient in first}


def training_patients(films: Iterable[tuple[str, str]], training_films: Collection[str]) -> frozenset[str]:
    """Return the patients of training films, and the patients who are connected to them by shared films.

    Args:
        films: patient and pixel digest of each film, of training films and others; a digest "" is not known, and a
            film of the patient "" is of an unknown one and links nobody.
        training_films: pixel digests of the films that a model was trained on. A patient none of whose training films
            is among `films` is not found.

    Returns:
        The patients' names.

    Example:
        >>> films = [("A", "ab"), ("A", "cd"), ("B", "cd"), ("B", "ef"), ("C", "gh")]
        >>> sorted(training_patients(films, ["ab"]))
        ['A', 'B']
    """
    listed = [(patient, pixels) for patient, pixels in films if patient]
    person, known = linked_patients(listed), frozenset(training_films)
    trained = {person[patient] for patient, pixels in listed if pixels in known}
    return frozenset(patient for patient, first in person.items() if first in trained)


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
