"""Why a film is refused: the sentences, and what DICOM tags alone say.

What a film can be refused for, and the sentence that a user reads: what was seen, and what to do.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

KINDS = (
    "modality",
    "body-part",
    "age",
    "small",
    "blank",
    "turned",
    "inverted",
    "cropped",
    "no-lungs",
    "flipped",
    "lungs",
    "unlike",
)
"""In the order in which they are asked about."""


@dataclass(frozen=True)
class Refusal:
    """Why a film is not scored.

    >>> Refusal("small", "the image is too small", value=32, threshold=64).kind
    'small'

    kind       one of `KINDS`
    reason     a sentence for the reader
    value      what was measured; for a DICOM tag 1, or the age in years
    threshold  the limit that it went beyond: `small`, `blank`, `no-lungs` and `age` are refused below, the others above
    """

    kind: str
    reason: str
    value: float
    threshold: float


TURNED = (
    "turned by 90° {way}: the image looks like the training films once it is turned back. Turn it upright and send "
    "it again"
)
OVER = (
    "turned by 180°, or flipped top to bottom: the image looks like the training films once it stands upright. Put "
    "it upright and send it again"
)
MIRRORED = (
    "flipped left to right: heart and lungs lie as in a mirror. Check the side marker: a flipped film must be flipped "
    "back, a heart on the right side is for a reader"
)
INVERTED = (
    "the grey scale is inverted: air is white and bone is black. Send it with white bone (DICOM: check "
    "PhotometricInterpretation)"
)
CROPPED = "cropped: it shows a part of a chest at most. Check that it is a frontal chest film, and send the whole film"
NO_LUNGS = "no lungs found: {percent:.1f} % of the image looks like lung. Check that it is a frontal chest film"
LUNGS = (
    "lungs of an unusual shape: what was found lies {value:.0f} from the training films' lungs, the limit is "
    "{threshold:.0f}. Check that it is a frontal chest film that shows both lungs"
)
BLANK = (
    "blank: on its own range of greys, too, the image holds noise at most (spread {value:.3f} of the grey scale). Send "
    "the film again"
)
SMALL = "too small: the shorter side is {value:.0f} pixels, {threshold:.0f} are needed. Send it in its original size"
UNLIKE = (
    "unlike the films that the model learnt from: {what} differs most. It may be no frontal chest film, or from "
    "another device or population than the training films: have it read, and fit the model on films of that kind "
    "before it scores them"
)


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
            f"a child by its age or birth date: the patient is {_said(age)} old, this model learnt from films of "
            f"adults, and scores from {least_age_years:g} years on. Have it read"
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
