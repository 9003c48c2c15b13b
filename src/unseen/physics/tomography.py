"""Tomography of images by a parallel or a fan beam: line integrals, their adjoint, and filtered backprojection."""

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

from unseen.physics.argument_checks import both_sides, check_channels, counts_per_axis
from unseen.physics.circular_scan_operator import MEMORY_LIMIT, CircularScan, check_distances, check_flat, per_axis
from unseen.physics.immutability import constants
from unseen.physics.linear_function import linear
from unseen.physics.numpy_arrays import Array
from unseen.physics.parallel_projector import Projector, held_bytes, symmetries
from unseen.physics.ramp import Window
from unseen.physics.scan_geometry import ScanGeometry, centred, covering, half_diagonal, half_shadow, magnification
from unseen.physics.view_angles import AngleUnit, view_degrees

FEW = 4  # planes at a time: a smaller matrix and more copies of each plane are faster


class Tomography(CircularScan):
    """A x: the line integrals of x, of shape (batch, channels, views, detectors).

    Entry (v, j) of a parallel beam integrates along the line X cos θ_v + Y sin θ_v = t_j, with t_j =
    (j − (detectors − 1)/2) spacing + offset, from the image's middle, X to the right and Y upwards (scikit-image's
    convention). With `source_distance`, rays come from a source at (sin θ_v, −cos θ_v) source_distance, and go to the
    points t_j (cos θ_v, sin θ_v) + detector_distance (−sin θ_v, cos θ_v) of a flat detector (ASTRA's convention): a fan
    beam. Lines are sampled by Joseph's rule. Weights are computed at the first use in a precision or on a device, and
    kept; above `memory_limit`, they are computed in each call, which is many times slower.

    A⁺ is found to ‖A*(y − A x)‖ ≤ 1e-4 ‖A* y‖ in single precision. In double precision the goal is 1e-12 ‖A* y‖. Images
    of up to 1,024 pixels reach it: their A⁺ is a matrix, made at the first use, if A has at most 4 million entries. For
    others, the steps can end after 500 without it, with a RuntimeWarning that states the value reached. A has many
    small singular values, so A⁺ of noise is mostly noise: use `fbp` or a prior for noisy measurements.

    Args:
        size: of the image in pixels: its side, or (height, width).
        angles: how many views, spread evenly over 180°, or 360° for a fan beam; or the views' angles, (views,).
        channels: images have so many, and each is projected by itself.
        circle: see the inscribed disc alone: pixels whose centre is outside are never seen, and the default number of
            detectors covers the disc (`size` of them for a parallel beam). False: it covers the whole image
            (⌈√2 · size⌉).
        pixel_size: the side of a pixel, or (height, width) of one, in the unit of all lengths and of the line
            integrals. 1, the default, is the unit of scikit-image and of the papers' noise-free CT; 1 / size makes the
            image's side the unit, and keeps exp(−A x) of `BeerLambert` away from zero for x in [0, 1].
        unit: of the angles given: "degrees" or "radians". None: degrees, with a warning if all are within 2π.
        detectors: number of detector elements. None: as many as see all of the image.
        spacing: distance between neighbouring detector elements. None: a pixel at the axis of rotation.
        offset: position of the detector's middle along the detector. 0: opposite of the axis of rotation.
        source_distance: from the axis of rotation to the source (DSO): a fan beam. None: a parallel beam.
        detector_distance: from the axis of rotation to the detector of a fan beam (DSD − DSO). 0, the default: spacing
            and offset are given as at the axis.
        detector_shape: "flat"; curved detectors are refused.
        memory_limit: bytes that the weights of one precision may take; above, they are computed in each call. Building
            them takes about twice as much for a while.

    Raises:
        ValueError: size, angles, channels, a length or detectors are not positive; angles are no finite row of numbers;
            the source is within the image; the detector is curved.

    Warns:
        UserWarning: no unit was given, and more than four angles are all within 2π.

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
        >>> Tomography((48, 64), 90, source_distance=200.0, detector_distance=100.0, detectors=120, spacing=1.2)
        Tomography((1, 48, 64) -> (1, 90, 120))
    """

    size: int | tuple[int, int]
    channels: int
    circle: bool
    pixel_size: float | tuple[float, float]
    _inside: Tensor | None  # (height · width,), float64: the disc, where weights do not know of it
    _projectors: dict[tuple[bool, bool, torch.dtype, torch.device], Projector | None]
    _unit_square: bool  # parallel rays, a pixel apart, through square images: held once per symmetry

    def __init__(
        self,
        size: int | tuple[int, int],
        angles: int | Tensor | Array | Sequence[float] = 50,
        *,
        channels: int = 1,
        circle: bool = False,
        pixel_size: float | tuple[float, float] = 1.0,
        unit: AngleUnit | None = None,
        detectors: int | None = None,
        spacing: float | None = None,
        offset: float = 0.0,
        source_distance: float | None = None,
        detector_distance: float = 0.0,
        detector_shape: str = "flat",
        memory_limit: float = MEMORY_LIMIT,
    ) -> None:
        height, width = both_sides(size)
        check_channels(channels)
        check_flat(detector_shape)
        if circle and height != width:
            raise ValueError(f"circle=True sees the inscribed disc of a square, but got size={size}.")
        sides = per_axis(pixel_size, 2, name="pixel_size", positive=True)
        (shift,) = per_axis(offset, 1, name="offset", positive=False)
        radius = height * min(sides) / 2 if circle else half_diagonal((height, width), sides)
        if source_distance is not None:
            check_distances(source_distance, detector_distance, half_diagonal((height, width), sides))
        elif detector_distance != 0:
            raise ValueError(
                f"detector_distance={detector_distance} has no meaning for a parallel beam. Give source_distance for a "
                "fan beam, or leave detector_distance out."
            )
        seen = half_shadow(radius, source_distance, detector_distance)
        step = min(sides) * magnification(source_distance, detector_distance) if spacing is None else spacing
        pitch = per_axis(step, 1, name="spacing", positive=True)
        degrees = view_degrees(angles, unit=unit, period=180 if source_distance is None else 360)
        count = covering(seen + abs(shift), pitch[0])
        if detectors is not None:
            (count,) = counts_per_axis(detectors, 1, f"detectors is a whole number above 0, but got {detectors}.")
        super().__init__(
            domain=(channels, height, width),
            range=(channels, len(degrees), count),
            geometry=ScanGeometry(
                (height, width),
                sides,
                degrees,
                (count,),
                pitch,
                (shift,),
                None if source_distance is None else float(source_distance),
                float(detector_distance),
            ),
            memory_limit=memory_limit,
        )
        alike = source_distance is None and shift == 0 and len({height, width}) == len({*sides, *pitch}) == 1
        self._set(
            size=height if height == width else (height, width),
            channels=channels,
            circle=circle,
            pixel_size=sides[0] if sides[0] == sides[1] else sides,
            _inside=_disc(height) if circle else None,
            _projectors={},
            _unit_square=alike,
        )

    def _with_views(self, degrees: Tensor, *, memory_limit: float) -> Self:
        geometry = self._geometry
        return type(self)(
            self.size,
            degrees,
            channels=self.channels,
            circle=self.circle,
            pixel_size=self.pixel_size,
            unit="degrees",
            detectors=geometry.detectors[0],
            spacing=geometry.spacing[0],
            offset=geometry.offset[0],
            source_distance=geometry.source_distance,
            detector_distance=geometry.detector_distance,
            memory_limit=memory_limit,
        )

    def _symmetries(self) -> int:
        return symmetries(self._geometry.degrees.numpy()) if self._unit_square else 1

    def _filtered_back(self, y: Tensor, *, window: Window) -> Tensor:
        projector = self._folded(y, interpolated=True)
        if projector is None:
            return self._within(super()._filtered_back(y, window=window))
        return self._through(projector, self._filtered(y, window), transposed=True) / self._side**2

    def _line_integrals(self, tensor: Tensor, *, transposed: bool) -> Tensor:
        projector = self._folded(tensor, interpolated=False)
        if projector is not None:
            return self._through(projector, tensor, transposed=transposed)
        if transposed:
            return self._within(super()._line_integrals(tensor, transposed=True))
        return super()._line_integrals(self._within(tensor), transposed=False)

    @property
    def _side(self) -> float:
        return self._geometry.pixel_size[0]

    def _within(self, x: Tensor) -> Tensor:
        return x if self._inside is None else x * self._on("_inside", x).view(self.domain[1:])

    def _through(self, projector: Projector, tensor: Tensor, *, transposed: bool) -> Tensor:
        planes = tensor.to(torch.promote_types(tensor.dtype, torch.float32)).flatten(0, 1)
        maps = (projector.project, projector.backproject)
        image = linear(planes, *(reversed(maps) if transposed else maps))
        shape = self.domain if transposed else self.range
        return (self._side * image).reshape(-1, *shape).to(tensor.dtype)

    def _folded(self, tensor: Tensor, *, interpolated: bool) -> Projector | None:
        """Return the matrix that is held once per symmetry.

        Returns None where the scan has none, or it is above the memory limit.
        """
        if not self._unit_square:
            return None
        dtype = torch.promote_types(tensor.dtype, torch.float32)
        few = len(tensor) * self.channels <= FEW
        key = (interpolated, few, dtype, tensor.device)
        if key not in self._projectors:
            with constants():
                fits = [
                    copies
                    for copies in ((4,) if few else (2, 4))
                    if self._held_bytes(copies, dtype) <= self.memory_limit
                ]
                self._projectors[key] = self._made(fits[0], key) if fits else None
        return self._projectors[key]

    def _made(self, copies: int, key: tuple[bool, bool, torch.dtype, torch.device]) -> Projector:
        interpolated, _, dtype, device = key
        return Projector(
            self._geometry.degrees,
            size=self.domain[-1],
            detectors=self.range[-1],
            copies=copies,
            interpolated=interpolated,
            circle=self.circle,
            dtype=dtype,
            device=device,
        )

    def _held_bytes(self, copies: int, dtype: torch.dtype) -> int:
        return held_bytes(self._geometry.degrees.numpy(), size=self.domain[-1], copies=copies, dtype=dtype)

    def __getstate__(self) -> dict[str, object]:
        return super().__getstate__() | {"_projectors": {}}


def _disc(side: int) -> Tensor:
    """1 for pixels whose centre is within the inscribed disc: (side · side,), float64."""
    squares = centred(side).square()
    return (squares[:, None] + squares <= (side / 2) ** 2).double().flatten()
