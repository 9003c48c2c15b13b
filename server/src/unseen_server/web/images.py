"""PNG images of a film, of an anomaly map, and of a model's input and output."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unseen.data import Entry, NotRead, area, read_film
from unseen_server.worklist.states import NotFoundError, WorklistError

if TYPE_CHECKING:
    from unseen_server.worklist.renditions import Rendition


_PNG_LOW, _PNG_HIGH = 0.5, 99.5  # percentiles: marks and markers at the ends do not make the lungs pale


def preview(path: Path, name: str, *, size: int) -> bytes:
    """Return the film's grey values at `path` as a PNG whose longer side has `size` pixels at most.

    Raises WorklistError, with the reason, where it cannot be read.
    """
    film = read_film(Entry(name=name, path=path, source="", patient=name, study=name))
    if isinstance(film, NotRead):
        raise WorklistError(f"The film cannot be shown: {film.reason}")
    if film.file_sha256 != path.name:
        raise WorklistError("The stored bytes are not those that were received: the disk is damaged. Restore a backup.")
    height, width = film.pixels.shape
    scale = min(1.0, size / max(height, width))
    pixels = film.pixels
    if scale < 1:
        pixels = area(pixels, max(1, round(height * scale)), max(1, round(width * scale)))
    return _png(eight_bits(pixels))


def numbers(path: Path) -> bytes:
    """Return the map's file. Raises NotFoundError where it is gone."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError("The anomaly map is no longer here. Restore a backup, or score the film again.") from None


def map_picture(path: Path, *, coloured: bool, high: float | None) -> tuple[bytes, float]:
    """Return the map at `path` as PNG, and the value that is shown brightest.

    Args:
        high: that value; None: the map's own maximum.
    """
    values: NDArray[np.float32] = np.load(io.BytesIO(numbers(path)), allow_pickle=False)
    top = float(high if high is not None else np.nan_to_num(values).max(initial=0.0)) or 1.0
    if coloured:
        from unseen.evaluation import coloured as in_colours

        return _png(in_colours(values, high=top)), top
    return _png(eight_bits(np.nan_to_num(values) / top)), top


def brightest(path: Path) -> float:
    """Return the value of the map at `path` that 99.5 % of it lie below, for its brightest colour.

    Raises NotFoundError.
    """
    values: NDArray[np.float32] = np.load(io.BytesIO(numbers(path)), allow_pickle=False)
    return float(np.percentile(np.nan_to_num(values), _PNG_HIGH)) or float(np.nan_to_num(values).max()) or 1.0


def rendition(
    kept: Rendition, what: Literal["image", "reconstruction", "residual", "lungs", "inside"]
) -> tuple[bytes, tuple[float, float]]:
    """Return one image of what a model made of a film, as PNG, and the values that are black and white.

    image and reconstruction go from the 0.5th to the 99.5th percentile of the image, so that both are comparable;
    residual is |image − reconstruction| where it is judged, up to its 99.5th percentile there; lungs and inside are
    masks.

    Raises NotFoundError for lungs that were not looked for, and for what a model does not make.
    """
    if what in ("lungs", "inside"):
        mask = kept.inside if what == "inside" else kept.lungs
        if mask is None:
            raise NotFoundError("This model scores the whole film, so no lungs were outlined.")
        return _png(eight_bits(mask.astype(np.float32))), (0.0, 1.0)
    made = kept.image if what == "image" else kept.reconstruction
    if made is None:
        raise NotFoundError("This model gives no image back, so there is none to show.")
    if what == "residual":
        values = np.abs(kept.image - made) * kept.inside
        judged = values[kept.inside]
        low, high = 0.0, float(np.percentile(judged, _PNG_HIGH)) if judged.size else 1.0
    else:
        values = made
        low, high = (float(end) for end in np.percentile(kept.image, (_PNG_LOW, _PNG_HIGH)))
    high = high if high > low else low + 1.0
    return _png(eight_bits((values - low) / (high - low))), (low, high)


def eight_bits(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return grey values in [0, 1] as integers from 0 to 255; values outside are clipped."""
    return np.asarray(np.clip(values, 0, 1) * 255 + 0.5, dtype=np.uint8)


def _png(picture: NDArray[np.uint8]) -> bytes:
    written = io.BytesIO()
    Image.fromarray(picture).save(written, format="PNG")
    return written.getvalue()
