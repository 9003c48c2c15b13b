"""Header elements that may be shown where names are hidden: an allow-list.

An element is shown only if it is on this list, has the standard's value representation, and has a value of the right
form. The list contains technical elements of CR and DX images (PS3.3 C.8.1, C.8.11 and their image modules). None of
them is removed or replaced by the Basic Confidentiality Profile (PS3.15 table E.1-1). Private and unknown elements are
left out, with all elements nested in them.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final

from unseen.data import RANGE_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HIDDEN: Final = "hidden by the site's setting"

_CODE_KEYWORDS: Final = """
    SOPClassUID Modality ConversionType PresentationIntentType ImageType SpecificCharacterSet BodyPartExamined
    ViewPosition PatientOrientation Laterality ImageLaterality PatientPosition PositionerType DetectorType
    DetectorConfiguration DetectorConditionsNominalFlag DetectorActiveShape FieldOfViewShape
    FieldOfViewHorizontalFlip ExposureControlMode ExposureStatus AnodeTargetMaterial FilterMaterial Grid
    CassetteOrientation CassetteSize CollimatorShape ShutterShape PhotometricInterpretation QualityControlImage
    BurnedInAnnotation RecognizableVisualFeatures LossyImageCompression LossyImageCompressionMethod
    PixelIntensityRelationship PixelSpacingCalibrationType VOILUTFunction PresentationLUTShape
"""
_NUMBER_KEYWORDS: Final = """
    SeriesNumber InstanceNumber AcquisitionNumber
    KVP ExposureTime XRayTubeCurrent Exposure ExposureInuAs ExposureTimeInuS XRayTubeCurrentInuA
    DistanceSourceToDetector DistanceSourceToPatient EstimatedRadiographicMagnificationFactor
    ImageAndFluoroscopyAreaDoseProduct EntranceDose EntranceDoseInmGy OrganDose FocalSpots
    FilterThicknessMinimum FilterThicknessMaximum GridThickness GridPitch GridAspectRatio GridPeriod GridFocalDistance
    BodyPartThickness CompressionForce PositionerPrimaryAngle PositionerSecondaryAngle
    DetectorTemperature DetectorBinning DetectorElementPhysicalSize DetectorElementSpacing DetectorActiveDimensions
    DetectorActiveOrigin FieldOfViewDimensions FieldOfViewOrigin FieldOfViewRotation Sensitivity
    RelativeXRayExposure ExposureIndex TargetExposureIndex DeviationIndex
    CollimatorLeftVerticalEdge CollimatorRightVerticalEdge CollimatorUpperHorizontalEdge CollimatorLowerHorizontalEdge
    ShutterLeftVerticalEdge ShutterRightVerticalEdge ShutterUpperHorizontalEdge ShutterLowerHorizontalEdge
    SamplesPerPixel PlanarConfiguration NumberOfFrames Rows Columns PixelSpacing ImagerPixelSpacing PixelAspectRatio
    BitsAllocated BitsStored HighBit PixelRepresentation SmallestImagePixelValue LargestImagePixelValue
    PixelPaddingValue PixelPaddingRangeLimit LossyImageCompressionRatio PixelIntensityRelationshipSign
    WindowCenter WindowWidth RescaleIntercept RescaleSlope LUTDescriptor
"""
_CODES, _NUMBERS = frozenset(_CODE_KEYWORDS.split()), frozenset(_NUMBER_KEYWORDS.split())
_DEVICES: Final = ["Manufacturer", "ManufacturerModelName"]
_SEQUENCES: Final = ["ModalityLUTSequence", "VOILUTSequence"]
HARMLESS: Final = frozenset([*_CODES, *_NUMBERS, *_DEVICES, *_SEQUENCES])
"""Keywords of the elements that may be shown."""
_KEPT_TAGS: Final = frozenset([*_CODES, *_NUMBERS, *_DEVICES, "PatientSex", "PatientAge"])
"""Attributes of a film that may be shown.

Sex and age identify nobody and are needed for reading (PS3.15 E.3.7, Retain Patient Characteristics).
"""
_NUMBER_FORM: Final = re.compile(r"[-+0-9.eE,'\[\] ]*")
_CODE_FORM: Final = re.compile(r"[A-Z0-9_ .,'\[\]-]*")
_UID_FORM: Final = re.compile(r"[0-9.]*")
_TAG: Final = re.compile(r"((?:> )*)\(([0-9a-fA-F]{4}),([0-9a-fA-F]{4})\)")
_WINDOW_NAMES: Final = frozenset(
    {"NORMAL", "HARDER", "SOFTER", "HARD", "SOFT", "LUNG", "BONE", "MEDIASTINUM"}
    | {name.upper() for name in RANGE_NAMES}
)


def harmless_lines(lines: Iterable[list[str]]) -> list[list[str]]:
    """Return a header's lines (tag, name, VR, value) as they may be shown where names are hidden.

    A standard element that is not on the list keeps its line without the value. Private and unknown elements are left
    out. Elements nested in a sequence that is not on the list are left out, too.

    >>> harmless_lines([["(0028,0010)", "Rows", "US", "130"], ["(0008,0080)", "Institution Name", "LO", "St. Anna"]])
    [['(0028,0010)', 'Rows', 'US', '130'], ['(0008,0080)', 'Institution Name', 'LO', "hidden by the site's setting"]]
    """
    shown: list[list[str]] = []
    hidden_below: int | None = None  # depth of the sequence whose items are left out
    for tag, _, kind, value in lines:
        found = _TAG.fullmatch(tag)
        depth = 0 if found is None else len(found[1]) // 2
        if hidden_below is not None and depth > hidden_below:
            continue
        hidden_below = None
        known = None if found is None else _standard(int(found[2] + found[3], 16))
        if known is None:
            hidden_below = depth
            continue
        keyword, name, kinds = known
        harmless = keyword in HARMLESS and kind in kinds and _has_form(keyword, value)
        if not harmless:
            hidden_below = depth
        shown.append([tag, name, kind if kind in kinds else kinds[0], value if harmless or not value else HIDDEN])
    return shown


def harmless_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes of a film, keyword to value, that may be shown where names are hidden.

    >>> harmless_tags({"Modality": "DX", "InstitutionName": "St. Anna", "StationName": "DOE"})
    {'Modality': 'DX'}
    """
    return {name: value for name, value in tags.items() if name in _KEPT_TAGS and _has_form(name, value)}


def harmless_window_name(name: str, place: int, *, what: str) -> str:
    """Return the name of a window or LUT: the header's name if it is a usual one, else its number.

    >>> harmless_window_name("Harder", 0, what="Window"), harmless_window_name("Doe, J.", 1, what="Window")
    ('Harder', 'Window 2')
    """
    return name if name.strip().upper() in _WINDOW_NAMES else f"{what} {place + 1}"


def _has_form(keyword: str, value: str) -> bool:
    """Return True if a value has the form of its element's type: a number, a code or a UID."""
    if keyword == "SOPClassUID":
        return _UID_FORM.fullmatch(value) is not None
    if keyword in _NUMBERS:
        return _NUMBER_FORM.fullmatch(value) is not None
    if keyword in _CODES:
        return _CODE_FORM.fullmatch(value) is not None
    return True


@functools.cache
def _standard(tag: int) -> tuple[str, str, tuple[str, ...]] | None:
    """Return keyword, name and value representations of a standard element; None for any other element."""
    from pydicom.datadict import dictionary_description, dictionary_VR, keyword_for_tag

    if not (keyword := keyword_for_tag(tag)):
        return None
    return keyword, dictionary_description(tag), tuple(dictionary_VR(tag).split(" or "))
