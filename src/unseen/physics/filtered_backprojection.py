"""Filtered backprojection of parallel beam, fan beam and, by Feldkamp's method (FDK), of a circular cone beam.

x = Σ_v Δθ_v (the filtered view v where the pixel is seen, interpolated linearly) / U², with y weighted before by the
cosine of each ray's angle to the central ray and by its redundancy, and U the pixel's distance from the source along
the central ray, relative to the axis's (Kak & Slaney, Principles of Computerized Tomographic Imaging, 1988, §3.3 and
§3.4.2; L. A. Feldkamp, L. C. Davis, J. W. Kress, Practical cone-beam algorithm, J. Opt. Soc. Am. A 1(6), 1984). For
parallel rays all these weights are 1.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce

import torch
from torch import Tensor
from torch.nn.functional import pad

from unseen.physics.interpolation import linear_neighbours
from unseen.physics.ramp import Window, ramp_filter
from unseen.physics.redundancy import check_both_sides, is_displaced, measured_arc, redundancy_weights
from unseen.physics.scan_geometry import ScanGeometry
from unseen.physics.view_angles import angular_spans

PIXELS = 1 << 20  # at a time


@dataclass(frozen=True, eq=False)
class FilterPlan:
    """Filter and weights that filtered backprojection applies before it backprojects.

    Args:
        weights: of rays before the filter, with the views' share of the circle and the scale of the filter:
            broadcastable to `geometry.measured`, float64.
        padding: columns of zeros to the left and to the right of the detector.
        geometry: of the scan with the padded detector.
    """

    weights: Tensor
    padding: tuple[int, int]
    geometry: ScanGeometry

    def filtered(self, y: Tensor, weights: Tensor, *, window: Window) -> Tensor:
        """Weigh, pad and filter y, (..., views, columns), along its columns; `weights` in y's precision."""
        return ramp_filter(pad(y * weights, self.padding), window=window)


def plan_filter(geometry: ScanGeometry) -> FilterPlan:
    """Return the weights and the padding of a scan.

    Where an offset detector sees one side of the image only, the filtered views go on beyond its end.

    Raises:
        ValueError: the views do not suffice for filtered backprojection.
    """
    spacing = geometry.spacing[-1] / geometry.magnification  # at the axis
    arc = measured_arc(geometry.degrees)[1]
    if geometry.source_distance is None and (arc < 360 or not is_displaced(geometry)):
        check_both_sides(geometry, arc)
        return FilterPlan(angular_spans(geometry.degrees)[:, None] / spacing, (0, 0), geometry)
    weights = _cosines(geometry) * redundancy_weights(geometry)
    weights = weights * angular_spans(geometry.degrees, period=360, short=arc < 360)[:, None] / spacing
    if not is_displaced(geometry):
        return FilterPlan(weights, (0, 0), geometry)
    first, last = (float(place) for place in geometry.positions(-1)[[0, -1]])
    left, right = (
        max(0, math.ceil(lacking / geometry.spacing[-1]))
        for lacking in (first + geometry.half_width, geometry.half_width - last)
    )
    columns = geometry.detectors[-1] + left + right
    wide = replace(
        geometry,
        detectors=(*geometry.detectors[:-1], columns),
        offset=(*geometry.offset[:-1], geometry.offset[-1] + (right - left) / 2 * geometry.spacing[-1]),
    )
    return FilterPlan(weights, (left, right), wide)


def _cosines(geometry: ScanGeometry) -> Tensor:
    """Return cosines of the angles between rays and the central ray: broadcastable to (rows, views, columns)."""
    if geometry.source_distance is None:
        return torch.ones(geometry.detectors[-1], dtype=torch.float64)
    reach = geometry.source_distance + geometry.detector_distance
    squares = [geometry.positions(-1).square()]
    if len(geometry.detectors) == 2:
        squares.append(geometry.positions(0).square()[:, None, None])
    return reach / (reach**2 + reduce(torch.add, squares)).sqrt()


def backproject_views(geometry: ScanGeometry, y: Tensor) -> Tensor:
    """Sum the views at each pixel, interpolated linearly and divided by U².

    Args:
        geometry: of the scan.
        y: (batch, rays), in the order of the flattened measurements.

    Returns:
        (batch, pixels).
    """
    x = y.new_zeros(len(y), math.prod(geometry.shape))
    for first, last, parts in _weights(geometry, y):
        for image, seen in zip(x, y, strict=True):
            for ray, weight in parts:
                image[first:last] += seen[ray] * weight
    return x


def project_views(geometry: ScanGeometry, x: Tensor) -> Tensor:
    """Apply the transpose of `backproject_views` to x, (batch, pixels): (batch, rays)."""
    y = x.new_zeros(len(x), math.prod(geometry.measured))
    for first, last, parts in _weights(geometry, x):
        for image, seen in zip(x, y, strict=True):
            for ray, weight in parts:
                seen.index_add_(0, ray, image[first:last] * weight)
    return y


def _weights(geometry: ScanGeometry, like: Tensor) -> Iterator[tuple[int, int, list[tuple[Tensor, Tensor]]]]:
    """Yield blocks of pixels with pairs of their rays and weights, each (pixels,), view by view."""
    pixels, views, columns = math.prod(geometry.shape), len(geometry.degrees), geometry.detectors[-1]
    for view in range(views):
        for first in range(0, pixels, PIXELS):
            last = min(first + PIXELS, pixels)
            places, depth = geometry.seen_at(view, first, last, device=like.device)
            scale = depth.square().reciprocal().to(like.dtype)
            parts = [
                (view * columns + column, share * scale)
                for column, share in linear_neighbours(places[-1], columns, like.dtype)
            ]
            if len(places) == 2:
                parts = [
                    (row * (views * columns) + ray, height * weight)
                    for ray, weight in parts
                    for row, height in linear_neighbours(places[0], geometry.detectors[0], like.dtype)
                ]
            yield first, last, parts
