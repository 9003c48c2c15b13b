"""Tomography with a parallel beam: the Radon transform, its adjoint, and filtered backprojection."""

import copy
import math
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from unseen.physics.action import largest_singular_value
from unseen.physics.algebra import in_own_precision
from unseen.physics.argument_checks import both_sides, check_channels
from unseen.physics.conjugate_gradients import StoppingRule, default_tolerance
from unseen.physics.immutability import constants
from unseen.physics.linear_function import linear
from unseen.physics.numpy_arrays import arrays_too
from unseen.physics.operator import Operator
from unseen.physics.projector import Projector
from unseen.physics.pseudo_inverse import adjoint_of_least_squares
from unseen.physics.ramp import DEFAULT_WINDOW, Window, ramp_filter
from unseen.physics.view_angles import angular_spans, view_degrees
from unseen.physics.weighted_start import solve_from_weighted_start

FEW = 4  # planes at a time: a smaller matrix and more copies of each plane are faster
SINGLE_TOLERANCE = 9e-5  # of A⁺ in single precision: ‖A*(y − A x)‖ / ‖A* y‖


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
        degrees = view_degrees(angles)
        detectors = side if circle else math.ceil(math.sqrt(2) * side)
        super().__init__(domain=(channels, side, side), range=(channels, len(degrees), detectors))
        self._set(
            size=side,
            channels=channels,
            circle=circle,
            pixel_size=float(pixel_size),
            _angles=degrees,
            _spans=angular_spans(degrees)[:, None],
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
