"""`Film` and `NotRead`, the two results of reading a file, and `area`, which resamples pixels.

Both classes are frozen and hold name, label, source and patient, so that a list of scores has one row for each input,
read or not. `area` averages where the grid gets coarser and is bilinear where it gets finer. Nothing in this file reads
or writes a disk.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unseen.artifacts.notebook_html import html_card
from unseen.data.decoder_protocol import Origin, Projection

Label = Literal["normal", "abnormal"]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Film:
    """One chest X-ray, upright, white = dense, on its grey scale.

    Attributes:
        name: the file as given (the manifest's cell, or the path).
        pixels: float32, (height, width), grey values in [0, 1]: by the file's VOI LUT or window, else on the nominal
            range (2**bits - 1), so that a pale film stays pale; see `unseen.data.grey_scale`.
        label: from the manifest; None when the manifest gives none.
        source: the site or collection; the folder's name when nothing else is known.
        patient: from the manifest; else, for DICOM, a digest of PatientID and its issuer; else the study's
            (`patient_of_study`); without a study the film's own name.
        study: from the manifest; else, for DICOM, StudyInstanceUID; else the film's own name.
        bits: nominal bits a pixel, 8 to 16.
        view_position: DICOM ViewPosition as written ("PA", "AP", …), else that of the manifest, which also adds AP or
            PA to a ViewPosition that states only frontal; None when missing.
        patient_orientation: DICOM PatientOrientation as written ("L\\F"); pixels are never turned by it.
        projection: frontal, lateral or uncertain, by the whole DICOM header, or for an image by the manifest's view
            position; None where nothing states it (see `projection_of`).
        origin: original, derived, secondary or processed, by the DICOM header.
        related: UIDs by which films of one exposure know each other: its own, its exposure's, its sources'. Never log
            them.
        tags: DICOM attributes that say where the film comes from, keyword to value as written, such as Modality,
            Manufacturer or PatientAge; none for images. Without an age tag, PatientAge is computed from the birth date
            and the date of the film.
        identifiers: DICOM attributes that name the study and the patient (StudyInstanceUID, PatientID, …). They are for
            joining films to studies; never log or print them.
        spacing_mm: distance of neighbouring pixels; None when unknown or when rows and columns differ by more than 1 %.
        file_sha256: of the file's bytes.
        pixel_sha256: of the samples that `pixels` was computed from, with their shape and dtype: the same image in two
            formats has the same digest. Duplicates and leakage are judged by it.
        file_bytes: the file's length.
        file_format: "png", "jpeg", "webp", "dicom" or "phantom".
        lungs: bool, (height, width): the true lung mask, where one was asked for and given.
        lesion: bool, (height, width): the true lesion mask, likewise.
        columns: the manifest's further columns, as written.

    >>> film = Film(name="a.png", pixels=np.zeros((32, 48), np.float32), source="ward", patient="a", study="a",
    ...             bits=8, file_sha256="", pixel_sha256="", file_bytes=0, file_format="png")
    >>> film.pixels.shape, film.label
    ((32, 48), None)
    """

    name: str
    pixels: NDArray[np.float32]
    label: Label | None = None
    source: str
    patient: str
    study: str
    bits: int
    view_position: str | None = None
    patient_orientation: str | None = None
    projection: Projection | None = None
    origin: Origin = "original"
    related: tuple[str, ...] = field(default=(), repr=False)
    spacing_mm: float | None = None
    file_sha256: str
    pixel_sha256: str
    file_bytes: int
    file_format: str
    lungs: NDArray[np.bool_] | None = None
    lesion: NDArray[np.bool_] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    identifiers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def _repr_html_(self) -> str:
        """Return the film as a notebook shows it: at most 256 pixels of its long side, and where it comes from."""
        height, width = self.pixels.shape
        facts = {
            "file": self.name,
            "label": self.label,
            "source": self.source,
            "size": f"{width} × {height} pixels, {self.bits} bits",
            "projection": self.projection,
        }
        return html_card("Film", facts, [("film", thumbnail(self))])


@dataclass(frozen=True, kw_only=True, slots=True)
class NotRead:
    """A file that could not be read as a `Film`.

    Args:
        name: the file as given.
        reason: the problem, what was found and what to do.
        label: from the manifest; None when the manifest gives none.
        source: the site or collection.
        patient: from the manifest; else the file's own name.

    >>> NotRead(name="a.txt", reason="This is text, which is not read.", source="ward", patient="a.txt").label is None
    True
    """

    name: str
    reason: str
    label: Label | None = None
    source: str
    patient: str


def one_line(name: str) -> str:
    """Return a film's name for a line of a log: with characters that do not print, such as a newline, it is quoted.

    >>> one_line("ward/a 1.png"), one_line("a.png\\nready")
    ('ward/a 1.png', "'a.png\\\\nready'")
    """
    return name if name.isprintable() else repr(name)


Box = tuple[float, float, float, float]


def area(pixels: NDArray[np.float32], height: int, width: int, *, box: Box | None = None) -> NDArray[np.float32]:
    """`pixels`, or its part inside `box`, on a grid of `height` × `width`.

    Each axis is taken by itself: box (area) averaging where it shrinks, bilinear where it grows, both Pillow's in mode
    F. Averaging before picking keeps a sharper film from turning into a film with more noise.

    Args:
        pixels: (h, w), any range.
        height, width: of the result, in pixels, at least 1.
        box: (top, left, bottom, right) in pixels of `pixels`, fractions allowed; the whole when None.

    Returns:
        float32, (height, width), within the range of `pixels`.

    Raises:
        ValueError: the box is empty or reaches outside, or a size is below 1.

    >>> area(np.array([[0, 1], [2, 3]], np.float32), 1, 1)
    array([[1.5]], dtype=float32)
    >>> area(np.arange(4, dtype=np.float32)[None], 1, 1, box=(0, 2, 1, 4))
    array([[2.5]], dtype=float32)
    """
    h, w = pixels.shape
    top, left, bottom, right = (0.0, 0.0, float(h), float(w)) if box is None else map(float, box)
    if not (0 <= top < bottom <= h and 0 <= left < right <= w):
        raise ValueError(
            f"The box (top, left, bottom, right) is ({top:g}, {left:g}, {bottom:g}, {right:g}) in {h}×{w} pixels. "
            "It must hold some area and lie inside."
        )
    if height < 1 or width < 1:
        raise ValueError(f"The size asked for is {height}×{width}. Both must be at least 1.")
    if bottom - top >= _MANY * height and (bottom - top) * w >= _LARGE:
        needed = slice(0, w)  # columns
        if right - left >= width:
            first, last = _windows(w, left, right, width)
            needed = slice(int(first[0]), int(last[-1]))
        rows = np.zeros((height, w), np.float32)
        rows[:, needed] = _averaged(pixels[:, needed], *_windows(h, top, bottom, height))
        image = Image.fromarray(rows)  # mode F
    else:
        image = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.float32))
        image = image.resize((w, height), _filter(bottom - top, height), box=(0, top, w, bottom))
    image = image.resize((width, height), _filter(right - left, width), box=(left, 0, right, height))
    return np.array(image)  # (height, width)


_MANY = 8
"""Rows of a window, from which `_averaged` takes less time than Pillow."""
_LARGE = 512 * 512
"""Pixels of an image, from which the same holds."""


def _averaged(pixels: NDArray[np.float32], first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the mean of the rows first … last - 1 of each window: (windows, w) from (h, w).

    What Pillow's box filter gives, bit for bit, in less time: double products with 1/n, added from the top.
    """
    means = np.empty((len(first), pixels.shape[1]), np.float32)
    weighted = np.empty((int((last - first).max()), pixels.shape[1]), np.float64)
    for row, (begin, end) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        part = np.multiply(pixels[begin:end], 1 / (end - begin), out=weighted[: end - begin], dtype=np.float64)
        # a single column would be added pairwise, in another order
        means[row] = part.sum(axis=0) if part.shape[1] > 1 else np.add.accumulate(part, axis=0)[-1]
    return means


def _windows(extent: int, low: float, high: float, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pixels, first and last + 1, whose middles lie in each of `size` equal shares of low … high.

    The arithmetic is that of Pillow's `precompute_coeffs`, which takes the box in single precision.

    >>> [ends.tolist() for ends in _windows(5, 0.0, 5.0, 2)]
    [[0, 3], [3, 5]]
    """
    begin = np.float32(low)
    scale = float(np.float32(high) - begin) / size
    centres = float(begin) + (np.arange(size) + 0.5) * scale
    first = np.maximum((centres - 0.5 * scale + 0.5).astype(np.int64), 0)
    last = np.minimum((centres + 0.5 * scale + 0.5).astype(np.int64), extent)
    first += (first - centres + 0.5) * (1 / scale) <= -0.5
    last -= (last - 1 - centres + 0.5) * (1 / scale) > 0.5
    return first, last


def _filter(extent: float, size: int) -> Image.Resampling:
    return Image.Resampling.BOX if extent >= size else Image.Resampling.BILINEAR


def scaled(pixels: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """Resample pixels by one factor in both directions, to at least one pixel.

    >>> scaled(np.zeros((4, 6), np.float32), 0.5).shape, scaled(np.zeros((1, 6), np.float32), 0.5).shape
    ((2, 3), (1, 3))
    """
    height, width = pixels.shape
    return area(pixels, max(1, round(height * scale)), max(1, round(width * scale)))


def thumbnail(film: Film, *, long_side: int = 256) -> NDArray[np.uint8]:
    """Return a film's image for a page: grey values, 0 to 255.

    Args:
        film: the film.
        long_side: the largest height or width in pixels; a smaller film is not enlarged.

    Returns:
        uint8 (height, width).

    Example:
        >>> from unseen.data import phantoms
        >>> thumbnail(phantoms.normals(1, size=64)[0], long_side=32).shape
        (32, 32)
    """
    small = scaled(film.pixels, min(1.0, long_side / max(film.pixels.shape)))
    return np.asarray(np.clip(small, 0, 1) * 255 + 0.5, dtype=np.uint8)
