"""Films as a report shows them: small images, PNG data, colour maps.

Arrays to PNG inside a page, and the residual's colours: cividis, which reads alike with every colour vision.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from unseen.detectors.detector import Finding

CIVIDIS = ((0, 34, 78), (18, 53, 112), (59, 73, 108), (87, 93, 109), (112, 113, 115), (138, 134, 120), (165, 156, 116),
           (195, 179, 105), (225, 204, 85), (254, 232, 56))  # fmt: skip
"""Ten even steps of the map. J. Nuñez, C. Anderton, R. Renslow, PLoS ONE 13 (2018) e0199239."""


def coloured(values: NDArray[np.float32], *, high: float) -> NDArray[np.uint8]:
    """Map values in [0, high] to the colours of the colour map cividis.

    Args:
        values: values of shape (height, width), in any unit. Values outside the range are clipped, NaN counts as 0.
        high: the value with the brightest colour, in the same unit.

    Returns:
        RGB image of shape (height, width, 3), 0 to 255.

    Example:
        >>> coloured(np.array([[0.0, 2.0]], dtype=np.float32), high=1.0).tolist()
        [[[0, 34, 78], [254, 232, 56]]]
    """
    anchors = np.array(CIVIDIS, dtype=np.float64)
    at = np.clip(np.nan_to_num(values) / max(high, 1e-12), 0, 1)
    places = np.linspace(0, 1, len(anchors))
    channels = [np.interp(at, places, anchors[:, c]) for c in range(3)]
    return np.asarray(np.stack(channels, axis=-1) + 0.5, dtype=np.uint8)


def data_uri(image: NDArray[np.uint8]) -> str:
    """Encode an image as PNG in a data URI.

    Args:
        image: grey image of shape (height, width), or RGB image of shape (height, width, 3), 0 to 255.

    Returns:
        The text `data:image/png;base64,…`, for the attribute `src` of an HTML image.

    Example:
        >>> data_uri(np.zeros((8, 8), np.uint8))[:22]
        'data:image/png;base64,'
    """
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


LONG_SIDE = 256
T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Example:
    """One film for the report.

    film            uint8 (height, width), long side 256 at most, white = dense
    box             top, left, bottom, right of the view, as shares of the film's height and width
    viewed          uint8 (S, S): what the network read; `reconstruction`: what it made of it, on the same grey scale,
                    None of a method that gives no image back
    anomaly_map     float32 (S, S), high = unlike the normals
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
    """The finding's images, made small; nothing of the film itself is kept."""
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
    """Every k-th pixel, so that no side is over `LONG_SIDE` (a grid of 512 or 1024 is for a network, not a page)."""
    step = -(-max(image.shape) // LONG_SIDE)
    return np.ascontiguousarray(image[::step, ::step])
