"""Geometry of a circular scan: image, views, detector and source, in 2-D (parallel, fan) and in 3-D (cone).

Coordinates are those of scikit-image and of ASTRA: X to the right along the columns, Y upwards against the rows, Z
along the slices, from the middle of the image, which is the axis of rotation. At the angle θ the detector's columns
run along (cos θ, sin θ), and the central ray along (−sin θ, cos θ), from the source to the detector.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class ScanGeometry:
    """Positions of pixels, source and detector elements; lengths in one unit, of the user's choice.

    Axes are in the order of `shape`: (rows, columns) of a plane, (slices, rows, columns) of a volume. Positions are
    (Z,) −Y, X: rising with the indices.

    Args:
        shape: of the image, (height, width) or (slices, height, width).
        pixel_size: per axis of `shape`.
        degrees: angles of the views, (views,), float64.
        detectors: elements of the detector, (columns,) or (rows, columns).
        spacing: distance between neighbouring elements, per axis of `detectors`.
        offset: position of the detector's middle, per axis of `detectors`.
        source_distance: from the axis to the source. None: parallel rays.
        detector_distance: from the axis to the detector, away from the source.
    """

    shape: tuple[int, ...]
    pixel_size: tuple[float, ...]
    degrees: Tensor
    detectors: tuple[int, ...]
    spacing: tuple[float, ...]
    offset: tuple[float, ...]
    source_distance: float | None = None
    detector_distance: float = 0.0

    @property
    def measured(self) -> tuple[int, ...]:
        """Shape of the measurements: (views, columns) or (rows, views, columns)."""
        return (*self.detectors[:-1], len(self.degrees), self.detectors[-1])

    @property
    def magnification(self) -> float:
        """Size of an object at the axis on the detector, relative to its true size."""
        return magnification(self.source_distance, self.detector_distance)

    @property
    def radius(self) -> float:
        """Distance from the axis to the corners of the image in the plane."""
        return half_diagonal(self.shape, self.pixel_size)

    @property
    def half_width(self) -> float:
        """Half of the width of a detector that sees all of the image."""
        return half_shadow(self.radius, self.source_distance, self.detector_distance)

    @property
    def ends(self) -> tuple[float, float]:
        """Ends of the detector along the columns: where the first element begins and the last one ends."""
        edge = self.spacing[-1] / 2
        first, last = (float(place) for place in self.positions(-1)[[0, -1]])
        return first - edge, last + edge

    @cached_property
    def _turns(self) -> tuple[Tensor, Tensor]:
        radians = self.degrees.deg2rad()
        return radians.cos(), radians.sin()

    def positions(self, axis: int) -> Tensor:
        """Return positions of the detector's elements along an axis of `detectors`: (elements,), float64."""
        return centred(self.detectors[axis]) * self.spacing[axis] + self.offset[axis]

    def rays(self, first: int, last: int, *, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
        """Return a point of each ray and its direction, of any length.

        Args:
            first: number of the first ray, in the order of the flattened measurements.
            last: number of the last ray, plus 1.
            device: where to compute them.

        Returns:
            Two tensors (rays, axes), float64.
        """
        ray = torch.arange(first, last, device=device)
        view = ray // self.detectors[-1] % len(self.degrees)
        cos, sin = (turn.to(device)[view] for turn in self._turns)
        across = self.positions(-1).to(device)[ray % self.detectors[-1]]
        if self.source_distance is None:
            return torch.stack([-across * sin, across * cos], dim=-1), torch.stack([-cos, -sin], dim=-1)
        source = torch.stack([self.source_distance * cos, self.source_distance * sin], dim=-1)
        reach = self.source_distance + self.detector_distance
        along = torch.stack([-reach * cos - across * sin, -reach * sin + across * cos], dim=-1)
        if len(self.shape) == 2:
            return source, along
        height = self.positions(0).to(device)[ray // (self.detectors[-1] * len(self.degrees))]
        middle = torch.zeros_like(height)
        return torch.cat([middle[:, None], source], dim=-1), torch.cat([height[:, None], along], dim=-1)

    def seen_at(
        self, view: int, first: int, last: int, *, device: torch.device | str = "cpu"
    ) -> tuple[list[Tensor], Tensor]:
        """Return the places of pixels on the detector at a view.

        Args:
            view: number of the view.
            first: number of the first pixel, in the order of the flattened image.
            last: number of the last pixel, plus 1.
            device: where to compute them.

        Returns:
            Per axis of `detectors`, the place of each pixel, (pixels,), in elements from the first one; and the
            pixels' distance from the source along the central ray, relative to the axis's: (pixels,).
        """
        pixel = torch.arange(first, last, device=device)
        x = self._along(pixel % self.shape[-1], -1)
        down = self._along(pixel // self.shape[-1] % self.shape[-2], -2)
        cos, sin = float(self._turns[0][view]), float(self._turns[1][view])
        across = x * cos - down * sin
        if self.source_distance is None:
            return [self._element(across, -1)], torch.ones_like(across)
        depth = 1 - (x * sin + down * cos) / self.source_distance
        scale = self.magnification / depth
        places = [self._element(across * scale, -1)]
        if len(self.shape) == 3:
            z = self._along(pixel // (self.shape[-1] * self.shape[-2]), 0)
            places = [self._element(z * scale, 0), *places]
        return places, depth

    def _along(self, index: Tensor, axis: int) -> Tensor:
        return (index.double() - (self.shape[axis] - 1) / 2) * self.pixel_size[axis]

    def _element(self, position: Tensor, axis: int) -> Tensor:
        return (position - self.offset[axis]) / self.spacing[axis] + (self.detectors[axis] - 1) / 2


def magnification(source_distance: float | None, detector_distance: float) -> float:
    """Return the size of an object at the axis on the detector, relative to its true size; None: parallel rays.

    >>> magnification(100.0, 50.0)
    1.5
    """
    return 1.0 if source_distance is None else 1 + detector_distance / source_distance


def half_shadow(radius: float, source_distance: float | None, detector_distance: float) -> float:
    """Return half of the width of a disc's shadow on the detector; None: parallel rays.

    >>> half_shadow(3.0, 5.0, 5.0)
    7.5
    """
    if source_distance is None:
        return radius
    return radius * (source_distance + detector_distance) / math.sqrt(source_distance**2 - radius**2)


def centred(count: int) -> Tensor:
    """Return indices from the middle: (count,), float64.

    >>> centred(3).tolist()
    [-1.0, 0.0, 1.0]
    """
    return torch.arange(count, dtype=torch.float64) - (count - 1) / 2


def half_diagonal(shape: tuple[int, ...], pixel_size: tuple[float, ...]) -> float:
    """Return the distance from the middle of a plane to its corners.

    >>> half_diagonal((6, 8), (1.0, 1.0))
    5.0
    """
    return math.hypot(*(count * size for count, size in zip(shape[-2:], pixel_size[-2:], strict=True))) / 2


def covering(half: float, spacing: float) -> int:
    """Return how many elements cover −half to half. An excess that is rounding adds no element.

    >>> covering(1.5, 1.0), covering(1.6, 1.0)
    (3, 4)
    """
    return max(1, math.ceil(2 * half / spacing - 1e-9))
