"""Order of k-space: centred, as scanners' files have it, or in FFT order, as `torch.fft.fft2` gives it.

The definition for the whole package, of an image x of height × width pixels, with c = (height // 2, width // 2):

- *FFT order* (`centred=False`): the zero frequency is at [0, 0] of k-space and masks, and the origin of the image is
  its pixel [0, 0]: y = fft2(x).
- *Centred* (`centred=True`): the zero frequency is at [height // 2, width // 2] of k-space and masks, and the origin
  of the image is its pixel [height // 2, width // 2]: y = fftshift(fft2(ifftshift(x))). Files of fastMRI and of
  reconstruction programs (BART, sigpy, gadgetron) are centred.

The image is the same array in both. The two differ by a shift of k-space and by a linear phase, so a centred k-space
is not brought into FFT order by `ifftshift` alone: the image would be cut into quarters that are exchanged.
"""

from __future__ import annotations

import math
import warnings

import torch
from torch import Tensor

from unseen.physics.numpy_arrays import arrays_too

SMALLEST = 16  # pixels per side; in smaller masks few samples decide


@arrays_too
def centre_kspace(kspace: Tensor) -> Tensor:
    """Return k-space in centred order, from FFT order.

    Args:
        kspace: (..., height, width), complex; a NumPy array too, and an array comes back.

    Returns:
        (..., height, width), of the same precision.

    Example:
        >>> x = torch.zeros(4, 4)
        >>> x[2, 2] = 1  # a point at the origin of centred order
        >>> centre_kspace(torch.fft.fft2(x)).real.unique().tolist()
        [1.0]
    """
    centred: Tensor = torch.fft.fftshift(kspace * _phase(kspace).conj(), dim=(-2, -1))
    return centred


@arrays_too
def uncentre_kspace(kspace: Tensor) -> Tensor:
    """Return k-space in FFT order, from centred order: the inverse of `centre_kspace`, and its adjoint.

    Args:
        kspace: (..., height, width), complex; a NumPy array too, and an array comes back.

    Returns:
        (..., height, width), of the same precision.

    Example:
        >>> x = torch.rand(5, 6)
        >>> bool((uncentre_kspace(centre_kspace(torch.fft.fft2(x))) - torch.fft.fft2(x)).abs().max() < 1e-5)
        True
    """
    shifted: Tensor = torch.fft.ifftshift(kspace, dim=(-2, -1))
    return shifted * _phase(kspace)


def warn_of_misplaced_centre(mask: Tensor, *, centred: bool, stacklevel: int) -> None:
    """Warn where a mask has its low frequencies where the other order would have them.

    That is: the frequencies around the other order's zero frequency are all sampled, and at most half of those around
    this order's. The block around each has sides of 2 · max(1, n // 64) + 1 frequencies.

    Args:
        mask: (..., height, width), bool.
        centred: the order that the mask is taken to have.
        stacklevel: of the warning, counted from the caller.

    Warns:
        UserWarning: with the remedy.
    """
    height, width = mask.shape[-2:]
    if min(height, width) < SMALLEST:
        return
    at_corner, at_middle = _share_around(mask, (0, 0)), _share_around(mask, (height // 2, width // 2))
    here, there = (at_middle, at_corner) if centred else (at_corner, at_middle)
    if there == 1 and here <= 0.5:
        place, other = f"[{height // 2}, {width // 2}]", "[0, 0]"
        place, other = (place, other) if centred else (other, place)
        warnings.warn(
            f"The mask samples all frequencies around {other} and {100 * here:.0f} % of those around {place}, where "
            f"centred={centred} has the lowest. Give centred={not centred} if the zero frequency is at {other}.",
            stacklevel=stacklevel + 1,
        )


def _share_around(mask: Tensor, place: tuple[int, int]) -> float:
    rows, columns = (
        (torch.arange(-reach, reach + 1) + middle) % length
        for middle, length in zip(place, mask.shape[-2:], strict=True)
        for reach in [max(1, length // 64)]
    )
    return float(mask[..., rows.to(mask.device)[:, None], columns.to(mask.device)].double().mean())


def _phase(kspace: Tensor) -> Tensor:
    """exp(−2πi ⟨k, c / n⟩), (height, width), in FFT order, of the k-space's precision and device."""
    height, width = kspace.shape[-2:]
    turns = _turns(height)[:, None] + _turns(width)
    dtype = torch.promote_types(kspace.dtype, torch.complex64)
    return torch.polar(torch.ones_like(turns), -2 * math.pi * turns).to(kspace.device, dtype)


def _turns(n: int) -> Tensor:
    """k · (n // 2) / n modulo 1, for k = 0 … n − 1; exactly 0 or ½ where n is even."""
    return (torch.arange(n) * (n // 2) % n).double() / n
