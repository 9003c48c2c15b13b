"""Downsampling: a smaller image is measured, without aliasing (super-resolution is its inversion)."""

from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from unseen.physics.argument_checks import both_sides, check_channels, check_rtol, is_count
from unseen.physics.separable import Separable

Filter = Literal["ideal", "bicubic", "box"]


class Downsampling(Separable):
    """A x is the image, low-pass filtered, at every `factor`-th pixel.

    Args:
        size: of the image, one number or (height, width), multiples of `factor`.
        factor: whole, at least 1.
        channels: of the image.
        filter: "ideal" keeps the frequencies below the small image's Nyquist frequency and none above, on a periodic
            image: nothing is aliased, so that shifts and rotations of the image show A nothing new. "bicubic" is
            torch's and Pillow's antialiased one, which lets a little alias. "box" is the mean of factor × factor
            pixels. It alone makes no negative values from an image without them (the others do, next to edges), so that
            Poisson noise may follow it.
        rtol: singular values up to this share of the largest count as zero in the pseudo-inverse.

    Raises:
        ValueError: factor does not divide the size, the filter is none of these, or size, channels or rtol is out of
            range.

    Example:
        >>> import torch
        >>> A = Downsampling(8, 2)
        >>> A, A(torch.ones(1, 1, 8, 8)).mean().item(), round(A.norm(), 6)
        (Downsampling((1, 8, 8) -> (1, 4, 4)), 1.0, 0.5)
    """

    factor: int
    filter: str

    def __init__(
        self,
        size: int | tuple[int, int],
        factor: int = 2,
        *,
        channels: int = 1,
        filter: Filter = "ideal",
        rtol: float = 1e-3,
    ) -> None:
        height, width = both_sides(size)
        check_channels(channels)
        check_rtol(rtol)
        if not is_count(factor) or height % factor or width % factor:
            raise ValueError(f"factor is a whole number that divides the size ({height}, {width}), but got {factor}.")
        if filter not in get_args(Filter):
            raise ValueError(f"filter is one of {', '.join(get_args(Filter))}, but got {filter!r}.")
        super().__init__(_side(height, factor, filter), _side(width, factor, filter), channels=channels, rtol=rtol)
        self._set(factor=factor, filter=filter)


def _side(n: int, factor: int, filter: Filter) -> Tensor:
    """(n / factor, n), float64: one side's filter and sampling."""
    unit = torch.eye(n, dtype=torch.float64)
    if filter == "box":
        return unit.reshape(n // factor, factor, n).mean(dim=1)
    if filter == "bicubic":
        small = functional.interpolate(
            unit[None, None], size=(n // factor, n), mode="bicubic", antialias=True, align_corners=False
        )
        return small[0, 0]
    spectrum = torch.fft.fft(unit, dim=0)
    frequency = torch.fft.fftfreq(n, dtype=torch.float64).abs() * n
    if factor > 1:
        spectrum[2 * factor * frequency >= n] = 0
    filtered: Tensor = torch.fft.ifft(spectrum, dim=0).real
    return filtered[::factor]
