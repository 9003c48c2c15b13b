"""From a decision to the DICOM objects that go back to the archive: a pure function, and their bytes as files.

Same result, same version: same UIDs and same bytes, so that sending again changes nothing. The films are
not altered.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from pydicom import dcmwrite

from unseen.pacs.header_repair import repaired
from unseen.pacs.presentation_state import presentation_states
from unseen.pacs.secondary_capture import secondary_captures
from unseen.pacs.structured_report import structured_report

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from unseen.pacs.study_result import Kind, StudyResult


def result_objects(result: StudyResult, kinds: Iterable[Kind]) -> list[Dataset]:
    """The result as objects in the study of the films, those of each kind in a series of their own.

    "sr" gives one for the study, "capture" and "overlay" one for each film with a map.

    Args:
        result: the result of a study.

    Raises:
        HeaderError: a film without the UIDs or the size that a reference needs.
        ValueError: no films, films of several studies, or a capture without pixels; the caller's mistake.
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
    """The object as a DICOM file (PS3.10, 7), Explicit VR Little Endian.

    Args:
        made: one of `result_objects`.
    """
    written = io.BytesIO()
    dcmwrite(written, made, enforce_file_format=True)
    return written.getvalue()
