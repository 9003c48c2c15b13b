"""Patient and dates of a film by its header, or the worklist's pseudonyms for accounts that may not see names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, Field

from unseen.data import shared_decoder
from unseen_server.service.dicom_dates import dicom_date

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from unseen_server.web.state import ServerState
    from unseen_server.worklist.details import StoredFilm, StudyDetails

_MOST_NAMES: Final = 8  # characters of a pseudonym: enough to tell two apart


class Person(BaseModel):
    """Patient and dates of a film; pseudonyms where names are not shown."""

    named: bool = Field(description="names and numbers as in the header; else the worklist's pseudonyms")
    patient: str
    name: str
    accession: str
    study_date: str = Field(description='YYYY-MM-DD; "" where unknown, and for whom names are not shown')
    birth_date: str
    sex: str
    age: str


def person_of(
    parts: ServerState, named: bool, study: StudyDetails, film: StoredFilm, header: Mapping[str, str]
) -> Person:
    """Return the patient of a film as an account may see it; `header` has values by DICOM keyword."""
    hidden = parts.store.names.hidden
    known = {"PatientSex": film.tags.get("PatientSex", ""), "PatientAge": film.tags.get("PatientAge", "")}
    known |= dict(header)
    shown = known if named else {}
    return Person(
        named=named,
        patient=shown.get("PatientID") or _short(hidden("patient", study.patient)),
        name=name_in_words(shown.get("PatientName", "")),
        accession=shown.get("AccessionNumber") or _short(hidden("accession", study.accession)),
        study_date=iso_date(shown.get("StudyDate", "")),
        birth_date=iso_date(shown.get("PatientBirthDate", "")),
        sex=known["PatientSex"][:1].upper(),
        age=known["PatientAge"],
    )


def header_of(path: Path) -> dict[str, str]:
    """Return patient and study in a DICOM file's header by keyword; {} if it is no DICOM file or cannot be read."""
    values = shared_decoder().personal_values(path)
    return {} if isinstance(values, str) else values


def name_in_words(text: str) -> str:
    """Return a person name (PS3.5 6.2.1.1) as text: alphabetic letters first, other representations in brackets.

    >>> name_in_words("Doe^Jane^^Dr.")
    'Doe Jane Dr.'
    >>> name_in_words("Yamada^Tarou=山田^太郎=やまだ^たろう")
    'Yamada Tarou (山田 太郎, やまだ たろう)'
    >>> name_in_words("=山田^太郎")
    '山田 太郎'
    """
    first, *others = [group for one in text.split("=") if (group := " ".join(one.replace("^", " ").split()))] or [""]
    return f"{first} ({', '.join(others)})" if others else first


def iso_date(text: str) -> str:
    """Return a DICOM date as ISO 8601 has it; "" for what is none.

    >>> iso_date("20261124"), iso_date("19600000")
    ('2026-11-24', '')
    """
    day = dicom_date(text)
    return "" if day is None else day.isoformat()


def _short(pseudonym: str | None) -> str:
    return "" if pseudonym is None else pseudonym[:_MOST_NAMES]
