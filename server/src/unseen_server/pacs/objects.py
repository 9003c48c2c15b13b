"""DICOM objects of a study's result for the archive, and their encoding as files.

`result_objects` is a pure function: the same result and version give the same UIDs and the same bytes. Sending a result
again therefore changes nothing in the archive. The films are not altered.

A presentation state has the outline, the point and the text that a viewer draws over the film (PS3.3, A.33.1). A viewer
that applies the state uses the display settings of the state alone. Therefore the state repeats the film's polarity,
rescale and window (C.11.6.1).
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from highdicom import PresentationLUTShapeValues, PresentationLUTTransformation
from highdicom.pr import GraphicAnnotation, GraphicLayer, GraphicObject, GrayscaleSoftcopyPresentationState, TextObject
from pydicom import dcmwrite
from pydicom.dataset import Dataset

from unseen.artifacts import LIMITS
from unseen_server.pacs.header_repair import repaired
from unseen_server.pacs.identifiers import DEVICE, finished, instance_uid, nameless, shared
from unseen_server.pacs.secondary_capture import secondary_captures
from unseen_server.pacs.structured_report import structured_report
from unseen_server.pacs.study_result import DECISIONS, outline, strongest_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset

    from unseen_server.pacs.study_result import FilmResult, Kind, StudyResult


_BELOW: Final = (0.02, 0.92, 0.98, 0.99)  # left, top, right, bottom as shares of the displayed area


def presentation_states(result: StudyResult) -> Iterator[Dataset]:
    """Yield a presentation state for each film that has a strongest place. The films' headers must be repaired."""
    for number, film in enumerate(result.films, start=1):
        if (place := strongest_place(film)) is not None:
            yield _state(result, film, place, number)


def _state(result: StudyResult, film: FilmResult, place: tuple[float, float], number: int) -> Dataset:
    row, column = place
    header = film.header
    source = nameless(header)
    graphics = [GraphicObject(graphic_type="POINT", graphic_data=np.array([[column, row]]), units="PIXEL")]
    if (around := outline(film)) is not None:
        graphics.append(GraphicObject(graphic_type="POLYLINE", graphic_data=around[:, ::-1], units="PIXEL"))
    layer = GraphicLayer(layer_name="UNSEEN", order=1, description="Place that differs most from the reference films")
    words = f"{LIMITS} {result.model_name} {result.version}: {DECISIONS[result.action]}. {result.rank}".strip()
    inverted = header.PhotometricInterpretation == "MONOCHROME1"
    state = GrayscaleSoftcopyPresentationState(
        referenced_images=[source],
        sop_instance_uid=instance_uid(
            site=result.site, decision=result.decision, kind="overlay", film=header.SOPInstanceUID
        ),
        instance_number=number,
        device_serial_number=DEVICE,
        content_label="ANOMALY",
        content_description="Place that differs most from the reference films",
        graphic_layers=[layer],
        graphic_annotations=[
            GraphicAnnotation(
                referenced_images=[source],
                graphic_layer=layer,
                graphic_objects=graphics,
                text_objects=[
                    TextObject("Differs most here", units="PIXEL", anchor_point=(column, row)),
                    TextObject(words[:1024], units="DISPLAY", bounding_box=_BELOW),
                ],
            )
        ],
        presentation_lut_transformation=PresentationLUTTransformation(
            presentation_lut_shape=PresentationLUTShapeValues.INVERSE
            if inverted
            else PresentationLUTShapeValues.IDENTITY
        ),
        **shared(result, "overlay"),
    )
    if "VOILUTSequence" in header:  # highdicom rejects a table that begins below 0
        curve = Dataset()
        curve.VOILUTSequence = header.VOILUTSequence
        state.SoftcopyVOILUTSequence = [curve]
    state.BodyPartExamined = header.BodyPartExamined
    return finished(state, result, header)


def result_objects(result: StudyResult, kinds: Iterable[Kind]) -> list[Dataset]:
    """Make the objects of a result in the study of the films. Each kind of object has a series of its own.

    "sr" gives one object for the study. "capture" and "overlay" give one object for each film with a map.

    Args:
        result: the result of a study.
        kinds: the kinds of objects; a repeated kind counts once.

    Returns:
        The objects, in the order of `kinds`.

    Raises:
        HeaderError: a film has no UID or no size that a reference needs.
        ValueError: there are no films, films of several studies, or a capture without pixels; a mistake of the caller.
    """
    if not result.films:
        raise ValueError("A result without films belongs to no study. Give at least one film.")
    result = replace(result, films=[replace(film, header=repaired(film.header)) for film in result.films])
    if len({film.header.StudyInstanceUID for film in result.films}) > 1:
        raise ValueError("The films are of several studies. Give a result for each study.")
    made: list[Dataset] = []
    for kind in dict.fromkeys(kinds):
        if kind == "sr":
            made.append(structured_report(result))
        elif kind == "capture":
            made += secondary_captures(result)
        else:
            made += presentation_states(result)
    return made


def as_file(made: Dataset) -> bytes:
    """Encode an object as a DICOM file (PS3.10, 7), Explicit VR Little Endian.

    Args:
        made: one of the objects that `result_objects` returns.

    Returns:
        The bytes of the file.
    """
    written = io.BytesIO()
    dcmwrite(written, made, enforce_file_format=True)
    return written.getvalue()
