"""Colour map of anomaly maps: cividis, which has the same order of brightness with every colour vision.

The server's pages have the same ten steps in `static/js/heat_map_colours.js`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
        >>> import numpy as np
        >>> coloured(np.array([[0.0, 2.0]], dtype=np.float32), high=1.0).tolist()
        [[[0, 34, 78], [254, 232, 56]]]
    """
    import numpy as np

    anchors = np.array(CIVIDIS, dtype=np.float64)
    at = np.clip(np.nan_to_num(values) / max(high, 1e-12), 0, 1)
    places = np.linspace(0, 1, len(anchors))
    channels = [np.interp(at, places, anchors[:, c]) for c in range(3)]
    return np.asarray(np.stack(channels, axis=-1) + 0.5, dtype=np.uint8)
