"""Tomography with a parallel beam: the Radon transform, its adjoint, and the ramp filter of filtered backprojection."""

import copy
import math
from collections.abc import Sequence
from functools import partial
from typing import Final, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from unseen.physics.action import largest_singular_value
from unseen.physics.algebra import describe, in_own_precision
from unseen.physics.argument_checks import both_sides, check_channels
from unseen.physics.conjugate_gradients import StoppingRule, default_tolerance
from unseen.physics.immutability import constants
from unseen.physics.linear_function import linear
from unseen.physics.numpy_arrays import arrays_too
from unseen.physics.operator import Operator
from unseen.physics.projector import Projector
from unseen.physics.pseudo_inverse import adjoint_of_least_squares
from unseen.physics.weighted_start import solve_from_weighted_start

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
    """The filter at the frequencies of a real FFT: (length // 2 + 1,)."""
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


FEW = 4  # planes at a time: a smaller matrix and more copies of each plane are faster
SINGLE_TOLERANCE = 9e-5  # of A⁺ in single precision: ‖A*(y − A x)‖ / ‖A* y‖
WIDEST_GAP = 3  # mean gaps between views


class Tomography(Operator):
    """A x: the line integrals of x, of shape (batch, channels, views, detectors).

    Entry (v, j) integrates along the line X cos θ_v + Y sin θ_v = j − (detectors − 1)/2, in pixels from the image's
    middle, X to the right and Y upwards (scikit-image's convention). `projector` sets the sampling of a line. Weights
    are computed at the first use in a precision or on a device (0.1 s for 256² and 50 views), and kept.

    A⁺ is found to ‖A*(y − A x)‖ ≤ 1e-4 ‖A* y‖ in single precision. In double precision the goal is 1e-12 ‖A* y‖, which
    scans of more views than the image has pixels a side reach; with fewer, A is ill-conditioned (4e6 for 20 views of
    32²), and the 500 steps end at 1e-6 to 1e-4 with a RuntimeWarning that states it. Small singular values being many,
    A⁺ of noise is mostly noise: `fbp` or a prior is the better image then.

    Args:
        size: of the image's side, in pixels.
        angles: how many views, spread evenly over 180°; or the views' angles, (views,), in degrees.
        channels: images have so many, and each is projected by itself.
        circle: see the inscribed disc alone: `size` detectors, and pixels whose centre is outside are never seen.
            False: ⌈√2 · size⌉ detectors, which see all of the square.
        pixel_size: the side of a pixel in the unit of the line integrals. 1, the default, is the unit of scikit-image
            and of the papers' noise-free CT; 1 / size makes the image's side the unit, and keeps exp(−A x) of
            `BeerLambert` away from zero for x in [0, 1].

    Raises:
        ValueError: size, angles, channels or pixel_size are not positive, or angles are no finite row of numbers.

    Example:
        >>> import torch
        >>> from unseen.physics import Tomography
        >>> A = Tomography(64, angles=50)
        >>> A
        Tomography((1, 64, 64) -> (1, 50, 91))
        >>> disc = (torch.linspace(-1, 1, 64).square().add(torch.linspace(-1, 1, 64).square()[:, None]) < 0.5).float()
        >>> y = A(disc[None, None])
        >>> round(float(A.fbp(y)[0, 0, 32, 32]), 1)
        1.0
    """

    size: int
    channels: int
    circle: bool
    pixel_size: float
    _angles: Tensor  # (views,), float64, degrees
    _spans: Tensor  # (views, 1), float64, radians
    _projectors: dict[tuple[bool, int, torch.dtype, torch.device], Projector]
    _norms: list[float]  # one, when it has been asked for

    def __init__(
        self,
        size: int,
        angles: int | Tensor | Sequence[float] = 50,
        *,
        channels: int = 1,
        circle: bool = False,
        pixel_size: float = 1.0,
    ) -> None:
        side, width = both_sides(size)
        if side != width:
            raise ValueError(f"Tomography turns about the middle of a square, but got size={size}.")
        check_channels(channels)
        if not (math.isfinite(pixel_size) and pixel_size > 0):
            raise ValueError(f"pixel_size is a finite number above 0, but got {pixel_size}.")
        degrees = _degrees(angles)
        detectors = side if circle else math.ceil(math.sqrt(2) * side)
        super().__init__(domain=(channels, side, side), range=(channels, len(degrees), detectors))
        self._set(
            size=side,
            channels=channels,
            circle=circle,
            pixel_size=float(pixel_size),
            _angles=degrees,
            _spans=_angular_spans(degrees)[:, None],
            _projectors={},
            _norms=[],
        )

    @property
    def angles(self) -> Tensor:
        """A copy of the views' angles: (views,), degrees, float64."""
        return self._angles.clone()

    @arrays_too
    def fbp(self, y: Tensor, *, filter: Window = DEFAULT_WINDOW) -> Tensor:
        """Filtered backprojection: right for many views, streaks for few, and no pseudo-inverse.

        x = Σ_v Δθ_v (the filtered view v at the pixel, interpolated linearly) / pixel_size, with Δθ_v half of the way
        from one neighbouring view to the other (Kak & Slaney, Principles of Computerized Tomographic Imaging, 1988,
        §3.3).

        Args:
            y: (batch, channels, views, detectors).
            filter: "ramp", or tamed: "shepp-logan", "cosine", "hamming", "hann".

        Returns:
            (batch, channels, size, size).

        Raises:
            ValueError: y of another shape, or another filter.
        """
        self._check(y, self.range, "has a filtered backprojection that takes", complex_too=False)
        return in_own_precision(partial(self._filtered_back, window=filter), y)

    def _filtered_back(self, y: Tensor, *, window: Window) -> Tensor:
        return self._through(self._filtered(y, window), transposed=True, interpolated=True) / self.pixel_size**2

    def norm(self) -> float:
        """The largest singular value, by Lanczos's method; computed once (0.3 s for 256² and 50 views)."""
        if not self._norms:
            # A copy, so that the matrices in double precision are not kept.
            self._norms.append(largest_singular_value(copy.copy(self)))
        return self._norms[0]

    def _filtered(self, y: Tensor, window: Window) -> Tensor:
        return ramp_filter(y, window=window) * self._on("_spans", y)

    def _forward(self, x: Tensor) -> Tensor:
        return self._through(x, transposed=False)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._through(y, transposed=True)

    def _pinv(self, y: Tensor) -> Tensor:
        wide = y.to(torch.promote_types(y.dtype, torch.float32))
        return linear(wide, self._least_squares, partial(adjoint_of_least_squares, self, slope=0)).to(y.dtype)

    def _least_squares(self, y: Tensor) -> Tensor:
        # Always the plain ramp: A* (ramp A) is nearly a projection, as filtered backprojection shows.
        tolerance = default_tolerance(y.dtype) if y.dtype == torch.float64 else SINGLE_TOLERANCE
        return solve_from_weighted_start(
            self, y, weigh=partial(self._filtered, window="ramp"), stop=StoppingRule(tolerance)
        )

    def _through(self, tensor: Tensor, *, transposed: bool, interpolated: bool = False) -> Tensor:
        dtype = torch.promote_types(tensor.dtype, torch.float32)
        planes = tensor.to(dtype).flatten(0, 1)
        projector = self._projector(planes, interpolated=interpolated)
        maps = (projector.project, projector.backproject)
        image = linear(planes, *(reversed(maps) if transposed else maps))
        shape = self.domain if transposed else self.range
        return (self.pixel_size * image).reshape(-1, *shape).to(tensor.dtype)

    def _projector(self, planes: Tensor, *, interpolated: bool) -> Projector:
        copies = 4 if len(planes) <= FEW else 2
        key = (interpolated, copies, planes.dtype, planes.device)
        projector = self._projectors.get(key)
        if projector is None:
            with constants():
                projector = Projector(
                    self._angles,
                    size=self.size,
                    detectors=self.range[-1],
                    copies=copies,
                    interpolated=interpolated,
                    circle=self.circle,
                    dtype=planes.dtype,
                    device=planes.device,
                )
            self._projectors[key] = projector
        return projector

    def __getstate__(self) -> dict[str, object]:
        return super().__getstate__() | {"_projectors": {}}


def _degrees(angles: int | Tensor | Sequence[float]) -> Tensor:
    if isinstance(angles, int):
        if angles < 1:
            raise ValueError(f"angles is a number of views above 0, or a row of degrees, but got {angles}.")
        return torch.arange(angles, dtype=torch.float64) * 180 / angles
    given = angles.detach() if isinstance(angles, Tensor) else torch.as_tensor(angles, dtype=torch.float64)
    if given.ndim != 1 or not len(given) or given.is_complex() or not bool(given.isfinite().all()):
        shown = f"a tensor of shape {describe(tuple(given.shape))}" if given.ndim != 1 else given.tolist()
        raise ValueError(f"angles is a number of views above 0, or a row of finite degrees, but got {shown}.")
    return given.to("cpu", torch.float64, copy=True)


def _angular_spans(degrees: Tensor) -> Tensor:
    """Half of the way between each view's neighbours, in radians: (views,). The sum is π, unless a gap is wider than
    three mean ones (a wedge that no view saw) and counts as that.
    """
    order = degrees.remainder(180).argsort(stable=True)
    ordered = degrees.remainder(180)[order]
    gaps = torch.cat([ordered[1:], ordered[:1] + 180]) - ordered  # from each view to the next
    gaps = gaps.clamp(max=WIDEST_GAP * 180 / len(degrees))
    spans = torch.empty_like(gaps)
    spans[order] = (gaps + gaps.roll(1)) / 2
    return spans.deg2rad()
