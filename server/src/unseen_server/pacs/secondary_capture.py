"""The secondary capture: a film as everyone can show it, 8 bits a colour, with the anomaly map burnt in (PS3.3, A.8.1).

A band below the film holds the words, so that they hide nothing of it. No patient data are burnt in.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from highdicom.sc import SCImage
from PIL import Image, ImageDraw, ImageFont

from unseen.artifacts import LIMITS
from unseen_server.pacs.identifiers import finished, instance_uid, nameless, shared
from unseen_server.pacs.study_result import DECISIONS, box_of, outline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from unseen_server.pacs.study_result import FilmResult, StudyResult

LONG_SIDE: Final = (512, 2048)
"""Pixels of a capture's longer side, the band excluded: at least, so that words can be read, and at most."""
_COLOUR: Final = (255, 96, 0)
_OPACITY = 0.45  # of the map's highest value: the film is still seen below it
_UNKNOWN: Final = ("L", "F")  # highdicom wants an orientation; it is emptied again where the film has none


def secondary_captures(result: StudyResult) -> Iterator[Dataset]:
    """Yield a capture of each film that has a map; the headers of the films are repaired.

    Raises ValueError where a film with a map comes without pixels.
    """
    for number, film in enumerate(result.films, start=1):
        if film.anomaly_map is not None:
            yield _capture(result, film, number)


def burnt_in(film: FilmResult, words: Sequence[str]) -> NDArray[np.uint8]:
    """(height, width, 3): the film in grey with its map in orange and the outline, and the words in a band below."""
    if film.pixels is None:
        raise ValueError("A film has a map and no pixels. Give its pixels for a capture.")
    grey = Image.fromarray(_eight_bits(film.pixels))
    scale = _scale(film.pixels.shape)
    width, height = (max(1, round(side * scale)) for side in grey.size)
    grey = grey.resize((width, height), Image.Resampling.BOX if scale <= 1 else Image.Resampling.BILINEAR)
    opacity = _OPACITY * _map_on_film(film, scale, (width, height))[..., None]  # (height, width, 1)
    mixed = np.asarray(grey, np.float32)[..., None] * (1 - opacity) + np.array(_COLOUR, np.float32) * opacity
    image = Image.fromarray(np.rint(mixed).astype(np.uint8))
    if (around := outline(film)) is not None:
        line = [(float(column) * scale, float(row) * scale) for row, column in around]
        ImageDraw.Draw(image).line(line, fill=_COLOUR, width=max(1, width // 400))
    joined: NDArray[np.uint8] = np.concatenate([np.asarray(image), _band(words, width)])
    return joined


def _capture(result: StudyResult, film: FilmResult, number: int) -> Dataset:
    header = film.header
    words = [LIMITS, f"{result.model_name} {result.version}: {DECISIONS[result.action]}. {result.rank}"]
    pixels = burnt_in(film, words)
    capture = SCImage.from_ref_dataset(
        ref_dataset=nameless(header),
        pixel_array=pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        sop_instance_uid=instance_uid(
            site=result.site, decision=result.decision, kind="capture", film=header.SOPInstanceUID
        ),
        instance_number=number,
        patient_orientation=tuple(header.get("PatientOrientation") or _UNKNOWN),
        **_spacing(film),
        **shared(result, "capture"),
    )
    capture.PatientOrientation = header.get("PatientOrientation")
    capture.BurnedInAnnotation = "YES"
    capture.BodyPartExamined = header.BodyPartExamined
    return finished(capture, result, header)


def _spacing(film: FilmResult) -> dict[str, Any]:  # Any: highdicom's arguments
    if "PixelSpacing" not in film.header or film.pixels is None:
        return {}
    scale = _scale(film.pixels.shape)
    return {"pixel_spacing": tuple(float(value) / scale for value in film.header.PixelSpacing)}


def _scale(shape: tuple[int, ...]) -> float:
    least, most = LONG_SIDE
    longer = max(shape)
    return min(max(longer, least), most) / longer


def _eight_bits(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    grey: NDArray[np.uint8] = np.rint(np.clip(pixels, 0, 1) * np.float32(255)).astype(np.uint8)
    return grey


def _map_on_film(film: FilmResult, scale: float, size: tuple[int, int]) -> NDArray[np.float32]:
    """(height, width), 0 to 1: the map where it lies on the scaled film, zero around it."""
    values = np.clip(np.nan_to_num(np.asarray(film.anomaly_map, np.float32)), 0, None)
    top, left, bottom, right = (side * scale for side in box_of(film))
    across, down = values.shape[1] / (right - left), values.shape[0] / (bottom - top)
    placed = Image.fromarray(values / (float(values.max()) or 1.0)).transform(
        size, Image.Transform.AFFINE, (across, 0, -left * across, 0, down, -top * down), Image.Resampling.BILINEAR
    )
    return np.asarray(placed, np.float32)


def _band(words: Sequence[str], width: int) -> NDArray[np.uint8]:
    """(height, width, 3): the words in white on black, as many lines as they need."""
    size = max(12, width // 48)
    font = ImageFont.load_default(size)
    lines: list[str] = []
    for sentence in words:
        lines.append("")
        for word in sentence.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and font.getlength(longer) > width - 2 * size:
                lines.append(word)
            else:
                lines[-1] = longer
    step = math.ceil(1.4 * size)
    band = Image.new("RGB", (width, step * len(lines) + size))
    draw = ImageDraw.Draw(band)
    for place, line in enumerate(lines):
        draw.text((size, size // 2 + place * step), line, fill=(255, 255, 255), font=font)
    return np.asarray(band)
