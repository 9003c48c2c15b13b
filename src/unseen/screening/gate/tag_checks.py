"""Refusals that DICOM tags alone decide: modality, body part and age."""

import re
from collections.abc import Mapping

from unseen.screening.gate.refusal_codes import Refusal

FILM_MODALITIES = ("CR", "DX")
"""DICOM PS3.3 C.7.3.1.1.1: computed radiography, digital radiography."""


CHEST = ("CHEST", "THORAX", "LUNG")


_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}


_AGE = re.compile(r"(\d{1,3})([DWMY])")


_NO_WORD = re.compile(r"[^\w /\\-]")


def judge_tags(tags: Mapping[str, str], *, least_age_years: float | None) -> Refusal | None:
    """Return the refusal of a film by its modality, body part or age, checked in this order; None: no refusal.

    >>> judge_tags({"Modality": "CT"}, least_age_years=16).code
    'modality'
    >>> judge_tags({"Modality": "DX", "BodyPartExamined": "CHEST", "PatientAge": "044Y"}, least_age_years=16) is None
    True
    """
    modality = tags.get("Modality", "").strip().upper()
    if modality and modality not in FILM_MODALITIES:
        return Refusal("modality", 1.0, 0.0, what=_NO_WORD.sub("", modality))
    part = tags.get("BodyPartExamined", "").strip().upper()
    if part and not any(word in part for word in CHEST):
        return Refusal("body-part", 1.0, 0.0, what=_NO_WORD.sub("", part))
    age = age_years(tags.get("PatientAge", ""))
    if age is not None and least_age_years is not None and age < least_age_years:
        return Refusal("age", age, least_age_years, what=f"{least_age_years:g}")
    return None


def age_years(said: str) -> float | None:
    """Return a DICOM age string (VR AS) in years; None where the text is none.

    >>> age_years("018M"), age_years("007Y"), age_years("seven")
    (1.5, 7.0, None)
    """
    found = _AGE.fullmatch(said.strip().upper())
    return None if found is None else int(found[1]) * _YEARS[found[2]]
