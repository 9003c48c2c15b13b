"""Fold of a patient, from a hash of the patient's number, where no split file states it."""

import hashlib
from typing import Final

FOLDS: Final = 5


def fold_by_patient(patient: str) -> int:
    """Return int(sha256(patient), 16) mod `FOLDS` (docs/theory/cross-fitting.md).

    >>> fold_by_patient("p1")
    1
    """
    return int(hashlib.sha256(patient.encode()).hexdigest(), 16) % FOLDS
