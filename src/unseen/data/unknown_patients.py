"""Names of patients who are not known: that of the study, else the film's own."""

from __future__ import annotations

import hashlib
import re

_OF_STUDY = "study-"
_DIGITS = 16  # of a study's digest


def patient_of_study(study: str, source: str = "") -> str:
    """Return the name of the patient of a study whose patient is not known: films of a study are of one patient.

    Args:
        study: its name, or its StudyInstanceUID, of which a digest is taken.
        source: where the name is unique; empty for a StudyInstanceUID.

    >>> patient_of_study("17", "hospital A") == patient_of_study("17", "hospital B")
    False
    """
    return _OF_STUDY + hashlib.sha256(f"{source}|{study}".encode()).hexdigest()[:_DIGITS]


def is_unknown_patient(patient: str, name: str) -> bool:
    """Return whether the patient of a film is not known: it has the film's own name, or that of its study.

    >>> is_unknown_patient(patient_of_study("17"), "a.png"), is_unknown_patient("P1", "a.png")
    (True, False)
    """
    return patient == name or re.fullmatch(f"{_OF_STUDY}[0-9a-f]{{{_DIGITS}}}", patient) is not None
