"""K-space of a scan, as arrays, and the steps that do not depend on the format of its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # Any: numbers of whatever precision the file holds
AXES = (-2, -1)


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


def remove_oversampling(scan: KSpace, height: int) -> KSpace:
    """Return the scan with the middle `height` rows of the image: fewer samples along the readout.

    Scanners sample the readout twice as densely as the field of view needs, or more. The transform along the readout is
    complete, so the rows outside can be cut off exactly, and noise stays white.

    Args:
        scan: whose mask is of whole lines along the readout.
        height: of the image to keep, at most that of k-space.

    Raises:
        ValueError: the lines are not complete along the readout, or are shorter than height.

    Example:
        >>> scan = KSpace(np.ones((1, 2, 8, 4), complex), np.ones((8, 4), bool), (4, 4))
        >>> remove_oversampling(scan, 4).kspace.shape
        (1, 2, 4, 4)
    """
    full = scan.kspace.shape[-2]
    if height > full:
        raise ValueError(f"the readout has {full} samples, and cannot be cut to {height}")
    if height == full:
        return scan
    if (scan.mask != scan.mask[:1]).any():
        raise ValueError("lines are not complete along the readout, so oversampling cannot be removed")
    top = full // 2 - height // 2
    lines = np.fft.fftshift(np.fft.ifft(np.fft.ifftshift(scan.kspace, axes=-2), axis=-2, norm="ortho"), axes=-2)
    kept = np.fft.ifftshift(lines[..., top : top + height, :], axes=-2)
    kspace = np.fft.fftshift(np.fft.fft(kept, axis=-2, norm="ortho"), axes=-2).astype(scan.kspace.dtype)
    mask = np.repeat(scan.mask[:1], height, axis=0)
    return replace(scan, kspace=kspace, mask=mask, size=(min(scan.size[0], height), scan.size[1]))


def _corner(whole: tuple[int, ...], part: tuple[int, int]) -> tuple[int, int]:
    """Return the first pixel of a part whose middle pixel, n // 2, is that of the whole."""
    return whole[0] // 2 - part[0] // 2, whole[1] // 2 - part[1] // 2
