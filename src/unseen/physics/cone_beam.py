"""Tomography of volumes by a cone beam and a flat detector, on a circle."""

from collections.abc import Sequence
from typing import Self

from torch import Tensor

from unseen.physics.argument_checks import counts_per_axis
from unseen.physics.circular_scan_operator import (
    MEMORY_LIMIT,
    CircularScan,
    check_distances,
    check_flat,
    is_number,
    per_axis,
)
from unseen.physics.numpy_arrays import Array
from unseen.physics.scan_geometry import ScanGeometry, covering, half_diagonal, half_shadow, magnification
from unseen.physics.view_angles import AngleUnit, view_degrees


class ConeBeam(CircularScan):
    """A x: the line integrals of a volume x, of shape (batch, rows, views, columns).

    The source turns about the volume's middle axis in the plane of its middle slice, at (sin θ_v, −cos θ_v)
    source_distance. Rays go to the elements of a flat detector at detector_distance beyond the axis, whose columns run
    along (cos θ_v, sin θ_v) and whose rows run along the slices; a row and a slice of higher index are on one side.
    Each slice is one channel of x, as for `Frames`. Lines are sampled by Joseph's rule. `fbp` is Feldkamp's method
    (FDK): exact in the plane of the source, and approximate away from it.

    Args:
        size: of the volume in voxels: its side, or (slices, height, width).
        angles: how many views, spread evenly over 360°; or the views' angles, (views,).
        source_distance: from the axis of rotation to the source (DSO), in the unit of pixel_size.
        detector_distance: from the axis of rotation to the detector (DSD − DSO). 0, the default: spacing and offset are
            given as at the axis.
        pixel_size: the side of a voxel, or (slice spacing, height, width), in the unit of all lengths and of the line
            integrals.
        unit: of the angles given: "degrees" or "radians". None: degrees, with a warning if all are within 2π.
        detectors: rows and columns of detector elements; one number for both. None: as many as see all of the volume.
        spacing: distance between neighbouring elements, or (between rows, between columns). None: a voxel at the axis
            of rotation.
        offset: position of the detector's middle, (along the slices, along the columns); one number is the second.
        detector_shape: "flat"; curved detectors are refused.
        pitch: 0; helical scans, where the table moves during a turn, are refused.
        memory_limit: bytes that the weights of one precision may take; above, they are computed in each call. Building
            them takes about twice as much for a while.

    Raises:
        ValueError: size, angles, a length or detectors are not positive; angles are no finite row of numbers; the
            source is within the volume; the detector is curved or the scan is helical.

    Warns:
        UserWarning: no unit was given, and more than four angles are all within 2π.

    Example:
        >>> import torch
        >>> from unseen.physics import ConeBeam
        >>> A = ConeBeam(16, angles=60, source_distance=60.0, detector_distance=30.0)
        >>> A
        ConeBeam((16, 16, 16) -> (20, 60, 24))
        >>> x = torch.zeros(1, 16, 16, 16)
        >>> x[:, 5:11, 5:11, 5:11] = 1
        >>> round(float(A.fbp(A(x))[0, 7, 7, 7]), 1)
        1.0
    """

    _source_distance: float

    def __init__(
        self,
        size: int | tuple[int, int, int],
        angles: int | Tensor | Array | Sequence[float] = 50,
        *,
        source_distance: float,
        detector_distance: float = 0.0,
        pixel_size: float | tuple[float, float, float] = 1.0,
        unit: AngleUnit | None = None,
        detectors: int | tuple[int, int] | None = None,
        spacing: float | tuple[float, float] | None = None,
        offset: float | tuple[float, float] = 0.0,
        detector_shape: str = "flat",
        pitch: float = 0.0,
        memory_limit: float = MEMORY_LIMIT,
    ) -> None:
        shape = counts_per_axis(
            size, 3, f"A volume's size is one whole number above 0, or (slices, height, width), but got {size}."
        )
        check_flat(detector_shape)
        if pitch != 0:
            raise ValueError(
                f"The source moves on a circle, but got pitch={pitch}. Helical scans are not supported: rebin them to "
                "slices, and use Tomography with source_distance."
            )
        sides = per_axis(pixel_size, 3, name="pixel_size", positive=True)
        radius = half_diagonal(shape, sides)
        check_distances(source_distance, detector_distance, radius)
        enlarged = magnification(source_distance, detector_distance)
        pitches = per_axis(
            (sides[0] * enlarged, min(sides[1:]) * enlarged) if spacing is None else spacing,
            2,
            name="spacing",
            positive=True,
        )
        shifts = per_axis((0.0, offset) if is_number(offset) else offset, 2, name="offset", positive=False)
        if detectors is None:
            high = shape[0] * sides[0] / 2 * (source_distance + detector_distance) / (source_distance - radius)
            wide = half_shadow(radius, source_distance, detector_distance)
            detectors = covering(high + abs(shifts[0]), pitches[0]), covering(wide + abs(shifts[1]), pitches[1])
        counts = counts_per_axis(
            detectors, 2, f"detectors is a whole number above 0, or (rows, columns), but got {detectors}."
        )
        degrees = view_degrees(angles, unit=unit, period=360)
        geometry = ScanGeometry(
            shape, sides, degrees, counts, pitches, shifts, float(source_distance), float(detector_distance)
        )
        super().__init__(domain=shape, range=geometry.measured, geometry=geometry, memory_limit=memory_limit)
        self._set(_source_distance=float(source_distance))

    def _with_views(self, degrees: Tensor, *, memory_limit: float) -> Self:
        geometry = self._geometry
        slices, height, width = geometry.shape
        thickness, down, across = geometry.pixel_size
        rows, columns = geometry.detectors
        between_rows, between_columns = geometry.spacing
        along_slices, along_columns = geometry.offset
        return type(self)(
            (slices, height, width),
            degrees,
            source_distance=self._source_distance,
            detector_distance=geometry.detector_distance,
            pixel_size=(thickness, down, across),
            unit="degrees",
            detectors=(rows, columns),
            spacing=(between_rows, between_columns),
            offset=(along_slices, along_columns),
            memory_limit=memory_limit,
        )
