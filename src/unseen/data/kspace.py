"""K-space of a scan, as arrays, and the steps that do not depend on the format of its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # Any: numbers of whatever precision the file holds


@dataclass(frozen=True, eq=False)
class KSpace:
    """K-space of a Cartesian scan, in centred order: the zero frequency is at [height // 2, width // 2].

    `unseen.physics.FourierMask(scan.mask, coils=…, centred=True)` is the operator of each slice.

    Attributes:
        kspace: (slices, coils, height, width), complex: readout along the height, phase encoding along the width. Zero
            where nothing was measured. `fft2` without a scale, or unitary, as the file has it.
        mask: (height, width), bool: what was measured.
        size: (height, width) of the image inside the field of view, at most that of k-space: `crop` cuts to it.
        pixel_mm: (height, width) of a pixel; None where the file has no header.
        image: (slices, height, width), the reconstruction in the file, such as `reconstruction_rss`; None: there is
            none.
        attributes: of the file, such as `acquisition`, `max` and `norm` of fastMRI.
    """

    kspace: Array
    mask: NDArray[np.bool_]
    size: tuple[int, int]
    pixel_mm: tuple[float, float] | None = None
    image: Array | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)  # Any: numbers and words

    def crop(self, image: Array) -> Array:
        """Return the middle of an image, of `size`.

        Args:
            image: (..., height, width), with the sides of k-space; a tensor too.

        Example:
            >>> scan = KSpace(np.zeros((1, 1, 6, 5), complex), np.ones((6, 5), bool), (2, 3))
            >>> scan.crop(np.arange(30).reshape(6, 5)).tolist()
            [[11, 12, 13], [16, 17, 18]]
        """
        (top, left), (height, width) = _corner(self.kspace.shape[-2:], self.size), self.size
        cropped: Array = image[..., top : top + height, left : left + width]
        return cropped


def _corner(whole: tuple[int, ...], part: tuple[int, int]) -> tuple[int, int]:
    """Return the first pixel of a part whose middle pixel, n // 2, is that of the whole."""
    return whole[0] // 2 - part[0] // 2, whole[1] // 2 - part[1] // 2
