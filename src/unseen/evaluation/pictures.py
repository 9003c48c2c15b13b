"""Arrays to PNG inside a page, and the residual's colours: cividis, which reads alike with every colour vision."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray

CIVIDIS = ((0, 34, 78), (18, 53, 112), (59, 73, 108), (87, 93, 109), (112, 113, 115), (138, 134, 120), (165, 156, 116),
           (195, 179, 105), (225, 204, 85), (254, 232, 56))  # fmt: skip
"""Ten even steps of the map. J. Nuñez, C. Anderton, R. Renslow, PLoS ONE 13 (2018) e0199239."""


def coloured(values: NDArray[np.float32], *, high: float) -> NDArray[np.uint8]:
    """Maps [0, high] onto the colours: (height, width) → (height, width, 3).

    >>> coloured(np.array([[0.0, 2.0]], dtype=np.float32), high=1.0).tolist()
    [[[0, 34, 78], [254, 232, 56]]]
    """
    anchors = np.array(CIVIDIS, dtype=np.float64)
    at = np.clip(np.nan_to_num(values) / max(high, 1e-12), 0, 1)
    places = np.linspace(0, 1, len(anchors))
    channels = [np.interp(at, places, anchors[:, c]) for c in range(3)]
    return np.asarray(np.stack(channels, axis=-1) + 0.5, dtype=np.uint8)


def data_uri(picture: NDArray[np.uint8]) -> str:
    """A grey (h, w) or colour (h, w, 3) picture as ``data:image/png;base64,…``."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
