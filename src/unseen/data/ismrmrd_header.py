"""ISMRMRD's XML header: the parts that determine the size of the image."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

NAMESPACE = "{http://www.ismrm.org/ISMRMRD}"
LARGEST = 2**20  # bytes of a header; real ones have a few kilobytes


@dataclass(frozen=True)
class EncodedSpace:
    """Matrix and field of view of k-space, or of the image.

    Attributes:
        matrix: samples along x (readout), y (phase encoding) and z.
        field_of_view_mm: along x, y and z.
    """

    matrix: tuple[int, int, int]
    field_of_view_mm: tuple[float, float, float]


@dataclass(frozen=True)
class IsmrmrdHeader:
    """The parts of ISMRMRD's XML header that determine the size of the image.

    Attributes:
        encoded: of k-space, with the oversampling along the readout.
        image: of the image.
        trajectory: `cartesian`, `radial`, `spiral` or another.
        centre: index of the zero frequency along y and z among the numbered lines; None where the header has no limits.
    """

    encoded: EncodedSpace
    image: EncodedSpace
    trajectory: str
    centre: tuple[int, int] | None


def read_header(xml: str | bytes) -> IsmrmrdHeader:
    """Return the first encoding of an ISMRMRD header.

    Args:
        xml: the whole header.

    Raises:
        ValueError: it is no XML, is too long, declares entities, or lacks a matrix or a field of view.

    Example:
        >>> space = (
        ...     "<matrixSize><x>{}</x><y>3</y><z>1</z></matrixSize>"
        ...     "<fieldOfView_mm><x>{}</x><y>5</y><z>2</z></fieldOfView_mm>"
        ... )
        >>> header = read_header(
        ...     '<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><encoding><encodedSpace>' + space.format(8, 6)
        ...     + '</encodedSpace><reconSpace>' + space.format(4, 3) + '</reconSpace></encoding></ismrmrdHeader>'
        ... )
        >>> header.encoded.matrix, header.image.field_of_view_mm
        ((8, 3, 1), (3.0, 5.0, 2.0))

    Source: ISMRMRD's schema, ismrmrd.xsd; Inati et al., Magn. Reson. Med. 77 (2017) 411–421.
    """
    text = xml if isinstance(xml, bytes) else xml.encode()
    if len(text) > LARGEST or b"<!" in text.replace(b"<!--", b""):
        raise ValueError("the header is longer than 1 MB or declares entities, and is not read")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"the header is no XML ({error})") from error
    encoding = root.find(f"{NAMESPACE}encoding")
    if encoding is None:
        raise ValueError("the header has no encoding of ISMRMRD's name space")
    trajectory = encoding.findtext(f"{NAMESPACE}trajectory") or "cartesian"
    limits = encoding.find(f"{NAMESPACE}encodingLimits")
    centre = None
    if limits is not None:
        paths = [f"{NAMESPACE}kspace_encoding_step_{axis}/{NAMESPACE}center" for axis in (1, 2)]
        centre = _whole(limits.findtext(paths[0]) or "0"), _whole(limits.findtext(paths[1]) or "0")
    return IsmrmrdHeader(
        encoded=_space(encoding, "encodedSpace"),
        image=_space(encoding, "reconSpace"),
        trajectory=trajectory.strip().lower(),
        centre=centre,
    )


def _space(encoding: ElementTree.Element, name: str) -> EncodedSpace:
    values = []
    for part in ("matrixSize", "fieldOfView_mm"):
        for axis in "xyz":
            found = encoding.findtext(f"{NAMESPACE}{name}/{NAMESPACE}{part}/{NAMESPACE}{axis}")
            if found is None:
                raise ValueError(f"the header has no {name}/{part}/{axis}")
            values.append(found)
    matrix = _whole(values[0]), _whole(values[1]), _whole(values[2])
    if min(matrix) < 1:
        raise ValueError(f"the header has a {name} of {matrix} samples")
    return EncodedSpace(matrix, (float(values[3]), float(values[4]), float(values[5])))


def _whole(text: str) -> int:
    return int(text.strip())
