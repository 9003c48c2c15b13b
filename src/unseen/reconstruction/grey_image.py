"""Reconstruction as an 8-bit image to look at."""

import numpy as np
from PIL import Image

from unseen.reconstruction.measurements import Array


def grey(image: Array) -> Image.Image:
    """Return an image (channels, height, width) to look at: 8 bits, black at its least value and white at its greatest.

    Three channels are red, green and blue; otherwise the first is shown. Of complex images, the modulus.
    """
    shown = np.abs(image) if np.iscomplexobj(image) else image
    shown = np.moveaxis(shown, 0, -1) if len(shown) == 3 else shown[0]
    levels = np.interp(shown, (shown.min(), shown.max()), (0, 255))  # one value alone: white
    return Image.fromarray(np.uint8(levels.round()))
