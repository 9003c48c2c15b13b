"""Small images of films for the evaluation report: how they are made; `report.html.j2` sets their size on screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from unseen.artifacts.colour_map import CIVIDIS as CIVIDIS
from unseen.artifacts.colour_map import coloured as coloured
from unseen.artifacts.notebook_html import data_uri as data_uri

if TYPE_CHECKING:
    from unseen.detectors.finding import Finding

LONG_SIDE = 256
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Example:
    """One film for the report.

    Args:
        film: uint8 (height, width), long side 256 at most, white = dense.
        box: top, left, bottom, right of the view, as shares of the film's height and width.
        viewed: uint8 (S, S): what the network read; `reconstruction`: what it made of it, on the same grey scale, None
            of a method that gives no image back.
        anomaly_map: float32 (S, S), high = unlike the normals.
    """

    file: str
    label: str
    source: str
    kind: str
    score: float
    film: NDArray[np.uint8]
    box: tuple[float, float, float, float]
    viewed: NDArray[np.uint8]
    reconstruction: NDArray[np.uint8] | None
    anomaly_map: NDArray[np.float32]


def example_of(finding: Finding) -> Example:
    """Return the finding's images, made small; nothing of the film itself is kept."""
    film, viewed = finding.film, finding.viewed
    height, width = film.pixels.shape
    scale = min(1.0, LONG_SIDE / max(height, width))
    small = _resampled(film.pixels, max(1, round(height * scale)), max(1, round(width * scale)))
    read = np.asarray(viewed.image.detach().cpu().numpy(), dtype=np.float32)[0]  # (S, S)
    made = finding.reconstruction
    low, high = np.quantile(read, [0.005, 0.995])
    top, left, bottom, right = viewed.box
    return Example(
        file=film.name,
        label=film.label or "",
        source=film.source,
        kind=film.columns.get("kind") or "",
        score=float(finding.score),
        film=_grey(small, 0.0, 1.0),
        box=(top / height, left / width, bottom / height, right / width),
        viewed=_shrunk(_grey(read, float(low), float(high))),
        reconstruction=None if made is None else _shrunk(_grey(made, float(low), float(high))),
        anomaly_map=_shrunk(np.array(finding.anomaly_map, dtype=np.float32)),
    )


def _resampled(pixels: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    from unseen.data.film import area

    return np.asarray(area(pixels, height, width), dtype=np.float32)


def _grey(image: NDArray[np.float32], low: float, high: float) -> NDArray[np.uint8]:
    scaled = (np.nan_to_num(image) - low) / max(high - low, 1e-9)
    return np.asarray(np.clip(scaled * 255 + 0.5, 0, 255), dtype=np.uint8)


def _shrunk(image: NDArray[T]) -> NDArray[T]:
    """Return every k-th pixel, so that no side is over `LONG_SIDE` (a grid of 512 or 1024 is for a network, not a
    page).
    """
    step = -(-max(image.shape) // LONG_SIDE)
    return np.ascontiguousarray(image[::step, ::step])
