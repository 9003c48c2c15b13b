"""Routes of a film's header: windows, spacing, person and all elements.

Names and numbers of people are shown to the roles that the site has set (`StoredSettings.read().identity`); others see
the pseudonyms that the worklist stores.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, Field

from unseen.data import shared_decoder
from unseen_server.web.authentication import Lead, Reader
from unseen_server.web.errors import answers
from unseen_server.web.films import FilmId
from unseen_server.web.harmless_elements import harmless_lines, harmless_window_name
from unseen_server.web.hidden_names import may_see_names
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.states import WorklistError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unseen_server.worklist.details import StoredFilm, StudyDetails

router = APIRouter(tags=["viewing"])
_MOST_NAMES: Final = 8  # characters of a pseudonym: enough to tell two apart


class WindowResponse(BaseModel):
    """A window of the file, in samples as `/pixels` sends them."""

    name: str
    centre: float
    width: float
    function: str = Field(description="LINEAR, LINEAR_EXACT or SIGMOID: DICOM PS3.3 C.11.2.1")


class LutResponse(BaseModel):
    """A VOI LUT of the file: sample `first` + i is shown as `values[i]` of 2^bits − 1."""

    name: str
    first: int
    bits: int
    values: str = Field(description="base64 of unsigned 16-bit integers, little-endian")


class Modality(BaseModel):
    """Scale from sample to film value: slope · stored + intercept; stored = sample + low, or high − sample."""

    slope: float
    intercept: float
    low: int
    high: int
    inverted: bool


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


class About(BaseModel):
    """Display settings of a film, and its patient."""

    film: str
    windows: list[WindowResponse]
    luts: list[LutResponse]
    first: int = Field(
        description="place in `windows` followed by `luts`: the grey scale in which it is scored and first shown"
    )
    spacing: str = Field(description='calibrated, or detector: bodies measure larger there; "" unknown')
    frames: int
    modality: Modality | None = Field(description="null for images")
    person: Person


class ElementsResponse(BaseModel):
    """A file's elements."""

    elements: list[list[str]] = Field(description="tag, name, VR, value; none for images")


@router.get("/films/{film}/about", responses=answers(401, 404, 422, 503))
def about(parts: Parts, account: Reader, film: FilmId) -> About:
    """Return the display settings of a film, and its patient as far as the asker may see it."""
    study, found = _film(parts, film)
    display: Mapping[str, Any] = parts.decoded.film(parts.store.films.path(film)).display  # Any: JSON
    named = may_see_names(parts, account)
    return About(
        film=film,
        windows=_named(display.get("windows", []), "Window", as_written=named),
        luts=_named(display.get("luts", []), "LUT", as_written=named),
        first=display["first"],
        spacing=display.get("spacing", ""),
        frames=display.get("frames", 1),
        modality=display.get("modality"),
        person=_person(parts, named, study, found, display.get("personal", {})),
    )


@router.get("/films/{film}/elements", responses=answers(401, 403, 404, 422, 503))
def elements(parts: Parts, account: Lead, film: FilmId) -> ElementsResponse:
    """Return every element of a DICOM file but its pixels; where names are hidden, only values of harmless elements.

    Harmless are technical elements that PS3.15 table E.1-1 keeps. Private and unknown elements are left out.
    """
    found = shared_decoder().elements(parts.store.films.path(film))
    if isinstance(found, str):
        raise WorklistError(f"The file's elements cannot be read: {found}")
    if not may_see_names(parts, account):
        found = harmless_lines(found)
    return ElementsResponse(elements=found)


def _film(parts: ServerState, film: str) -> tuple[StudyDetails, StoredFilm]:
    study = parts.store.studies.details(parts.store.films.study(film))
    return study, study.film(film)


def _named(found: list[dict[str, Any]], what: str, *, as_written: bool) -> list[Any]:  # Any: JSON
    """Return windows or LUTs with their names from the header, or only with harmless ones."""
    if as_written:
        return found
    return [one | {"name": harmless_window_name(one["name"], i, what=what)} for i, one in enumerate(found)]


def _person(
    parts: ServerState, named: bool, study: StudyDetails, film: StoredFilm, header: Mapping[str, str]
) -> Person:
    hidden = parts.store.names.hidden
    known = {"PatientSex": film.tags.get("PatientSex", ""), "PatientAge": film.tags.get("PatientAge", "")}
    known |= dict(header)
    shown = known if named else {}
    return Person(
        named=named,
        patient=shown.get("PatientID") or _short(hidden("patient", study.patient)),
        name=shown.get("PatientName", "").replace("^", " ").strip(),
        accession=shown.get("AccessionNumber") or _short(hidden("accession", study.accession)),
        study_date=_date(shown.get("StudyDate", "")),
        birth_date=_date(shown.get("PatientBirthDate", "")),
        sex=known["PatientSex"][:1].upper(),
        age=known["PatientAge"],
    )


def _short(pseudonym: str | None) -> str:
    return "" if pseudonym is None else pseudonym[:_MOST_NAMES]


def _date(text: str) -> str:
    """Return a DICOM date as ISO 8601 has it; "" for what is none.

    >>> _date("20261124"), _date("yesterday")
    ('2026-11-24', '')
    """
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if re.fullmatch(r"\d{8}", text) else ""
