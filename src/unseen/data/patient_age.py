"""Age of a patient from the dates of a DICOM header, for a film whose PatientAge is missing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Final

AGE_STRING: Final = re.compile(r"\d{1,3}[DWMY]")
"""Form of a DICOM age (VR AS, PS3.5, 6.2); devices leave out leading zeros."""
FILM_DATES: Final = ("AcquisitionDate", "AcquisitionDateTime", "ContentDate", "SeriesDate", "StudyDate")
"""Attributes with the date of a film, the nearest to the exposure first."""
_DATE = re.compile(r"(\d{4})[.\-]?(\d{2})[.\-]?(\d{2})(\d{4,}.*)?")
_OLDEST_YEARS = 120
_PLACEHOLDERS = {date(1900, 1, 1), date(1800, 1, 1)}  # written for an unknown date of birth


def is_age(text: str) -> bool:
    """Return whether a text is a DICOM age, such as 044Y.

    >>> is_age("044Y"), is_age("44"), is_age("")
    (True, False, False)
    """
    return AGE_STRING.fullmatch(text.strip().upper()) is not None


def age_from_dates(birth: str, film_dates: Iterable[str]) -> str | None:
    """Compute the completed age at the first usable date of a film.

    Args:
        birth: PatientBirthDate as written.
        film_dates: dates of the film as written, the best first. Dates that cannot be read are skipped.

    Returns:
        The age as a DICOM age: in years from two years on, else in months, below one month in days. None where a date
        is missing or not plausible: birth after the film, an age above 120 years, or a placeholder for an unknown
        birth date.

    Example:
        >>> age_from_dates("19820315", ["20260101"]), age_from_dates("20250601", ["", "20260101"])
        ('043Y', '007M')
        >>> age_from_dates("20270101", ["20260101"]), age_from_dates("19000101", ["20260101"])
        (None, None)
    """
    born = _date(birth)
    taken = next((found for found in map(_date, film_dates) if found is not None), None)
    if born is None or taken is None or born > taken or born in _PLACEHOLDERS:
        return None
    months = (taken.year - born.year) * 12 + taken.month - born.month - (taken.day < born.day)
    if months >= 12 * (_OLDEST_YEARS + 1):
        return None
    if months >= 24:
        return f"{months // 12:03d}Y"
    return f"{months:03d}M" if months else f"{(taken - born).days:03d}D"


def _date(written: str) -> date | None:
    """Return a date (VR DA, or the first part of DT); the separators of older files are read, too."""
    found = _DATE.fullmatch(written.strip())
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None
