"""Routes of a film's header: windows, spacing, person and all elements.

Names and numbers of people are shown to the roles that the site has set (`StoredSettings.read().identity`); others see
the pseudonyms that the worklist stores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from unseen.data import shared_decoder
from unseen_server.web.authentication import Lead, Reader
from unseen_server.web.errors import answers
from unseen_server.web.film_person import Person, header_of, person_of
from unseen_server.web.films import FilmId
from unseen_server.web.harmless_elements import harmless_lines, harmless_window_name
from unseen_server.web.hidden_names import may_see_names
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.states import WorklistError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unseen_server.worklist.details import StoredFilm, StudyDetails

router = APIRouter(tags=["viewing"])


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
        person=person_of(parts, named, study, found, display.get("personal", {})),
    )


@router.get("/films/{film}/person", responses=answers(401, 404, 422, 503))
def person(parts: Parts, account: Reader, film: FilmId) -> Person:
    """Return the patient of a film as far as the asker may see it, also of a file whose pixels cannot be shown."""
    study, found = _film(parts, film)
    return person_of(parts, may_see_names(parts, account), study, found, header_of(parts.store.films.path(film)))


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
