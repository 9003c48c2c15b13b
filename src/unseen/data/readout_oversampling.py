"""Cropping of oversampled k-space to a given height; `kspace_files` decides the height."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unseen.data.kspace import KSpace


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
