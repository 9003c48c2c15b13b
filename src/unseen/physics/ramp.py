"""Ramp filter of filtered backprojection, and its windows."""

import math
from typing import Final, Literal, get_args

import numpy as np
import torch
from torch import Tensor

Window = Literal["ramp", "shepp-logan", "cosine", "hamming", "hann"]
DEFAULT_WINDOW: Final = "ramp"


def ramp_filter(y: Tensor, *, window: Window = DEFAULT_WINDOW) -> Tensor:
    """Filter each row of y by |f|, f in cycles a sample, times the window.

    The ramp is the one band-limited to half a cycle a sample, taken from its samples in space, h(0) = 1/4,
    h(n) = −1/(πn)² for odd n and 0 for even n, so that a constant is not set to zero (Kak & Slaney, Principles of
    Computerized Tomographic Imaging, 1988, eq. 3.61).

    Args:
        y: (..., detectors), real.
        window: "ramp" is none; "shepp-logan" sinc(f); "cosine" cos(πf); "hamming" 0.54 + 0.46 cos(2πf); "hann"
            0.5 + 0.5 cos(2πf).

    Returns:
        Of y's shape and dtype.

    Raises:
        ValueError: another window.

    Example:
        >>> import torch
        >>> ramp_filter(torch.tensor([0.0, 1.0, 0.0, 0.0])).round(decimals=3)
        tensor([-0.1010,  0.2500, -0.1010,  0.0000])
    """
    detectors = y.shape[-1]
    length = 1 << (2 * detectors - 2).bit_length()  # a power of two, and no ray wraps around onto another
    response = torch.from_numpy(_response(length, window)).to(y.device, torch.promote_types(y.dtype, torch.float32))
    spectrum = torch.fft.rfft(y.to(response.dtype), length)
    filtered: Tensor = torch.fft.irfft(spectrum * response, length)
    return filtered[..., :detectors].to(y.dtype)


def _response(length: int, window: Window) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the filter at the frequencies of a real FFT: (length // 2 + 1,)."""
    n = np.minimum(np.arange(length), length - np.arange(length))
    kernel = np.where(n % 2 == 1, -1 / (math.pi * np.maximum(n, 1)) ** 2, 0)
    kernel[0] = 1 / 4
    f = np.arange(length // 2 + 1) / length
    match window:
        case "ramp":
            taper = np.ones_like(f)
        case "shepp-logan":
            taper = np.sinc(f)
        case "cosine":
            taper = np.cos(math.pi * f)
        case "hamming":
            taper = 0.54 + 0.46 * np.cos(2 * math.pi * f)
        case "hann":
            taper = 0.5 + 0.5 * np.cos(2 * math.pi * f)
        case _:
            raise ValueError(f"filter is one of {', '.join(get_args(Window))}, but got {window!r}.")
    return np.asarray(np.fft.rfft(kernel).real * taper)
