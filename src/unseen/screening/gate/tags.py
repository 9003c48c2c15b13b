"""What the DICOM tags alone say against a film. A tag that is absent or empty says nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping

from unseen.screening.gate.refusal import Refusal

FILM_MODALITIES = ("CR", "DX")
"""DICOM PS3.3 C.7.3.1.1.1: computed radiography, digital radiography."""
CHEST = ("CHEST", "THORAX", "LUNG")
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
_AGE = re.compile(r"(\d{1,3})([DWMY])")


def judge_tags(tags: Mapping[str, str], *, least_age_years: float | None) -> Refusal | None:
    """Modality, body part, age, in this order.

    >>> judge_tags({"Modality": "CT"}, least_age_years=16).kind
    'modality'
    >>> judge_tags({"Modality": "DX", "BodyPartExamined": "CHEST", "PatientAge": "044Y"}, least_age_years=16) is None
    True
    """
    modality = tags.get("Modality", "").strip().upper()
    if modality and modality not in FILM_MODALITIES:
        reason = f"no X-ray film: Modality is {modality}, and CR or DX is scored. Send the chest film itself"
        return Refusal("modality", reason, 1.0, 0.0)
    part = tags.get("BodyPartExamined", "").strip().upper()
    if part and not any(word in part for word in CHEST):
        reason = (
            f"no chest film: BodyPartExamined is {part}. Send chest films alone, or correct the tag where it is wrong"
        )
        return Refusal("body-part", reason, 1.0, 0.0)
    age = age_years(tags.get("PatientAge", ""))
    if age is not None and least_age_years is not None and age < least_age_years:
        reason = (
            f"the patient is {_said(age)} old: this model learnt from films of adults, and scores from "
            f"{least_age_years:g} years on. Have it read"
        )
        return Refusal("age", reason, age, least_age_years)
    return None


def age_years(said: str) -> float | None:
    """A DICOM age string (VR AS) in years; None for what is none.

    >>> age_years("018M"), age_years("007Y"), age_years("seven")
    (1.5, 7.0, None)
    """
    found = _AGE.fullmatch(said.strip().upper())
    return None if found is None else int(found[1]) * _YEARS[found[2]]


def _said(age: float) -> str:
    return f"{age:.0f} years" if age >= 2 else f"{age * 12:.0f} months"
