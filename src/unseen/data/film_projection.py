"""Projection of a film: frontal, lateral or uncertain, by what its DICOM header states.

Evidence, in this order of rank:

1. ViewPosition (PS3.3, C.8.1.1 and C.8.11.5.1.1) and ViewCodeSequence (PS3.16, CID 4010) are explicit.
2. PatientOrientation (PS3.3, C.7.6.1.1.1) and the descriptions of the series and the protocol are indirect. Many
   devices write them from a default.

The explicit attributes decide, unless indirect ones contradict a frontal view. Indirect ones decide alone only where
they agree and nothing explicit is written. All other cases are uncertain. A description that names both projections
("PA and lateral") belongs to the examination, not to the film, and is no evidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

from unseen.data.decoder_protocol import Projection, Refused

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from unseen.data.film import Film

Beam = Literal["AP", "PA"]
DESCRIPTIONS: Final = (
    "SeriesDescription",
    "ProtocolName",
    "AcquisitionDeviceProcessingDescription",
    "PerformedProcedureStepDescription",
    "AcquisitionProtocolDescription",
)
"""Attributes in which devices describe the view in words; StudyDescription names the whole examination."""

_BEAM_CODES: Final[dict[str, Beam]] = {
    "399348003": "AP", "R-10206": "AP",
    "272479007": "PA", "R-40888": "PA",
}  # fmt: skip
_FRONTAL_CODES: Final = {*_BEAM_CODES, "399033003", "R-10202"}
_LATERAL_CODES: Final = {
    "399067008", "R-102CD",  # lateral
    "399173006", "R-10236",  # left lateral
    "399198007", "R-10232",  # right lateral
    "399260004", "R-10224",  # medio-lateral
    "399352003", "R-10228",  # latero-medial
    "30730003", "G-A145",  # sagittal
}  # fmt: skip
_BEAM_WORDS: Final[dict[Beam, re.Pattern[str]]] = {
    "AP": re.compile(r"AP|APERECT|APSUPINE|APPORTABLE|ANT\w*POST\w*"),
    "PA": re.compile(r"PA|PAERECT|POST\w*ANT\w*|DORSOVENTRAL\w*"),
}
_FRONTAL_WORDS: Final = re.compile("|".join([*(one.pattern for one in _BEAM_WORDS.values()), r"FRONTAL\w*|FACE"]))
_LATERAL_WORDS: Final = re.compile(
    r"LAT|LATERAL(E|ES|IS)?|LATERO\w*|LL|RL|[LR]LAT|[LR]LATERAL|LATLEFT|LATRIGHT|LAT[LR]"
    r"|[LR]TLAT|ML|LM|MEDIOLATERAL|SAGITTAL|PROFIL\w*|SEITL\w*|PERFIL"
)
_OTHER_WORDS: Final = re.compile(
    r"\w*OBLI\w*|OBL|SCHR(AE|Ä)G\w*|RAO|LAO|RPO|LPO|\w*DECUB\w*|RLD|LLD|LORDO\w*|AXIAL\w*|APICAL\w*|TANGENTIAL\w*"
)
_LATERAL_OBLIQUE: Final = ("LLO", "RLO")  # defined terms of ViewPosition: left and right lateral oblique
_LETTERS: Final = re.compile(r"[^\W_]+")
_SIDEWAYS, _UPRIGHT, _DEPTH = {"L", "R"}, {"F", "H"}, {"A", "P"}


def stated_projection(
    *,
    view_position: str | None = None,
    view_codes: Iterable[tuple[str, str]] = (),
    orientation: str | None = None,
    descriptions: Iterable[str] = (),
) -> Projection:
    r"""Return the projection that the attributes of one film state together.

    Args:
        view_position: ViewPosition (0018,5101) as written; None or empty: missing.
        view_codes: code value and meaning of each item of ViewCodeSequence (0054,0220). SNOMED CT and the older SRT are
            known by their values; of another scheme the meaning is read.
        orientation: PatientOrientation (0020,0020), both values joined by a backslash.
        descriptions: texts of the series, the protocol and the procedure step.

    Returns:
        The projection; "uncertain" without evidence, and where the evidence disagrees.

    Example:
        >>> stated_projection(view_position="AP_SUPINE"), stated_projection(view_position="LATERAL LEFT")
        ('frontal', 'lateral')
        >>> stated_projection(orientation="A\\F"), stated_projection(descriptions=["Chest LAT"])
        ('lateral', 'lateral')
        >>> stated_projection(), stated_projection(view_position="PA", descriptions=["Thorax lateral"])
        ('uncertain', 'uncertain')
    """
    position = _of_position(view_position or "")
    codes = [_of_code(code, meaning) for code, meaning in view_codes]
    explicit = {one for one in (position, *codes) if one is not None}
    indirect = {one for one in (_of_orientation(orientation or ""), *map(_of_words, descriptions)) if one is not None}
    if not explicit:
        return indirect.pop() if len(indirect) == 1 else "uncertain"
    if len(explicit) > 1:
        return "uncertain"
    (stated,) = explicit
    return "uncertain" if stated == "frontal" and indirect - {"frontal"} else stated


def projection_of_header(ds: Dataset) -> Projection:
    """Return the projection that a DICOM header states; attributes that cannot be parsed count as missing.

    Args:
        ds: the data set.

    Returns:
        The projection.

    Example:
        >>> from pydicom.dataset import Dataset
        >>> ds = Dataset()
        >>> projection_of_header(ds)
        'uncertain'
        >>> ds.ViewPosition = "PA"
        >>> projection_of_header(ds)
        'frontal'
    """
    codes = [(_written(one, "CodeValue"), _written(one, "CodeMeaning")) for one in _items(ds, "ViewCodeSequence")]
    return stated_projection(
        view_position=_written(ds, "ViewPosition"),
        view_codes=codes,
        orientation=_written(ds, "PatientOrientation"),
        descriptions=[_written(ds, keyword) for keyword in DESCRIPTIONS],
    )


def code_beam_of_header(ds: Dataset) -> Beam | None:
    """Return the direction of the beam that the ViewCodeSequence of a DICOM header states, AP or PA.

    Args:
        ds: the data set.

    Returns:
        The direction; None where the sequence states none or both.

    Example:
        >>> from pydicom.dataset import Dataset
        >>> ds, code = Dataset(), Dataset()
        >>> code.CodeValue, code.CodeMeaning = "399348003", "antero-posterior"
        >>> ds.ViewCodeSequence = [code]
        >>> code_beam_of_header(ds)
        'AP'
    """
    stated: set[Beam] = set()
    for item in _items(ds, "ViewCodeSequence"):
        code = _written(item, "CodeValue").upper()
        beam = _BEAM_CODES.get(code) or stated_beam(code) or stated_beam(_written(item, "CodeMeaning"))
        if beam is not None:
            stated.add(beam)
    return stated.pop() if len(stated) == 1 else None


def projection_of(film: Film) -> Projection:
    """Return the projection of a film.

    Images (PNG, JPEG, WebP) and synthetic films have no header that states a projection. They count as frontal, unless
    the film has a `view_position` of another view: the input gate checks their pixels.

    Args:
        film: the film.

    Returns:
        The projection.

    Example:
        >>> from unseen.data import phantoms
        >>> projection_of(phantoms.normals(1, size=64)[0])
        'frontal'
    """
    if film.projection is not None:
        return film.projection
    if film.view_position is None or not film.view_position.strip():
        return "frontal"
    return _of_position_alone(film.view_position)


@lru_cache(maxsize=256)  # films of a site have few
def stated_beam(view_position: str) -> Beam | None:
    """Return the direction of the beam that a ViewPosition states, AP or PA.

    Args:
        view_position: ViewPosition (0018,5101) as written.

    Returns:
        The direction; None where none or both are stated, or a lateral view as well (the whole examination).

    Example:
        >>> stated_beam("AP_SUPINE"), stated_beam("p.a. erect"), stated_beam("AP AXIAL"), stated_beam("FRONTAL")
        ('AP', 'PA', 'AP', None)
    """
    words = _words(view_position)
    stated = [beam for beam, known in _BEAM_WORDS.items() if any(map(known.fullmatch, words))]
    if len(stated) != 1 or any(map(_LATERAL_WORDS.fullmatch, words)):
        return None
    return stated[0]


@lru_cache(maxsize=256)
def _of_position_alone(written: str) -> Projection:
    return stated_projection(view_position=written)


@lru_cache(maxsize=256)
def _of_position(written: str) -> Projection | None:
    """Return the projection in a ViewPosition. A word that is not known is "uncertain", never "no evidence"."""
    words = _words(written)
    if not words:
        return None
    if set(words) & set(_LATERAL_OBLIQUE):
        return "lateral"
    return _of_words(written) or "uncertain"


def _of_code(code: str, meaning: str) -> Projection | None:
    """Return the projection of a code; "uncertain" for a code that is known neither by its value nor by its meaning."""
    code = code.strip().upper()
    if code in _FRONTAL_CODES:
        return "frontal"
    if code in _LATERAL_CODES:
        return "lateral"
    return _of_words(code) or _of_words(meaning) or ("uncertain" if code or meaning.strip() else None)


def _of_orientation(written: str) -> Projection | None:
    r"""Return the projection of a PatientOrientation: of a frontal film, rows and columns lie along the body's width
    and height.

    >>> _of_orientation("L\\F"), _of_orientation("P\\F"), _of_orientation("LA\\F"), _of_orientation("")
    ('frontal', 'lateral', 'uncertain', None)
    """
    given = [one.strip().upper() for one in written.split("\\")]
    if len(given) != 2 or not all(given):
        return None
    axes = set(given)
    if axes & _UPRIGHT and axes & _SIDEWAYS:
        return "frontal"
    return "lateral" if axes & _UPRIGHT and axes & _DEPTH else "uncertain"


def _of_words(written: str) -> Projection | None:
    """Return the projection that a text names.

    Returns None where it names none, or frontal and lateral (the whole examination).
    """
    words = _words(written)
    if any(_OTHER_WORDS.fullmatch(word) for word in words):
        return "uncertain"
    frontal = any(_FRONTAL_WORDS.fullmatch(word) for word in words)
    lateral = any(_LATERAL_WORDS.fullmatch(word) for word in words)
    if frontal == lateral:
        return None
    return "frontal" if frontal else "lateral"


def _words(written: str) -> list[str]:
    """Return the words of a text in capitals; letters that stand alone next to each other form one word.

    >>> _words("p.a. erect"), _words("CHEST_AP"), _words("L LAT"), _words("postero-anterior")
    (['PA', 'ERECT'], ['CHEST', 'AP'], ['L', 'LAT'], ['POSTERO', 'ANTERIOR', 'POSTEROANTERIOR'])
    """
    found = _LETTERS.findall(written.upper())
    words: list[str] = []
    alone = False
    for word in found:
        if len(word) == 1 and alone:
            words[-1] += word
        else:
            words.append(word)
        alone = len(word) == 1
    pairs = [a + b for a, b in pairwise(found) if len(a) > 3 and len(b) > 3]
    return words + [pair for pair in pairs if _FRONTAL_WORDS.fullmatch(pair)]


def _items(ds: Dataset, keyword: str) -> Iterator[Dataset]:
    try:
        yield from ds.get(keyword) or ()
    except Exception:  # pydicom parses on access, and garbage raises anything
        return


def _written(ds: Dataset, keyword: str) -> str:
    from unseen.data.dicom_header import attribute_values  # it imports pydicom, which images do not need

    try:
        return "\\".join(str(value) for value in attribute_values(ds, keyword)).strip()
    except Refused:
        return ""
