"""Dates, times and time zones in DICOM headers (VR DA and TM, PS3.5, 6.2); a text that is no day is no date."""

from __future__ import annotations

import re
from datetime import date, timedelta, timezone

_ZONE = re.compile(r"([+-])(\d{2})([0-5]\d)", re.ASCII)
_MOST_BEHIND, _MOST_AHEAD = timedelta(hours=-12), timedelta(hours=14)
_COLONS = re.compile(r"^(\d{2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_TM = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?", re.ASCII)
_DA = re.compile(r"(\d{4})([.-]?)(\d{2})\2(\d{2})", re.ASCII)


def dicom_date(text: str) -> date | None:
    """Return the date that an element states; None if it states none.

    Older systems write points or dashes between the parts. Unknown parts are often zeros, which name no day.

    >>> dicom_date("20261124"), dicom_date("2026.11.24")
    (datetime.date(2026, 11, 24), datetime.date(2026, 11, 24))
    >>> dicom_date("19600000"), dicom_date("yesterday")
    (None, None)
    """
    parts = _DA.fullmatch(text)
    try:
        return None if parts is None else date(int(parts[1]), int(parts[3]), int(parts[4]))
    except ValueError:
        return None


def dicom_time(text: str) -> str:
    """Return a time of day as HH, HHMM or HHMMSS with up to six digits after the point; "" if the text is none.

    Such texts sort as the times do. The colons of older systems are taken out.

    >>> dicom_time("101500.25"), dicom_time("10:15"), dicom_time("256199")
    ('101500.25', '1015', '')
    """
    digits = _COLONS.sub(lambda parts: "".join(filter(None, parts.groups())), text)
    return digits if _TM.fullmatch(digits) else ""


def dicom_zone(text: str) -> timezone | None:
    """Return the zone that Timezone Offset From UTC (0008,0201) states; None if it states none.

    >>> dicom_zone("-0330")
    datetime.timezone(datetime.timedelta(days=-1, seconds=73800))
    >>> dicom_zone("Europe/Paris"), dicom_zone("+2500")
    (None, None)

    Source: PS3.3, C.12.1.1.8.
    """
    parts = _ZONE.fullmatch(text)
    if parts is None:
        return None
    size = timedelta(hours=int(parts[2]), minutes=int(parts[3]))
    offset = -size if parts[1] == "-" else size
    return timezone(offset) if _MOST_BEHIND <= offset <= _MOST_AHEAD else None
