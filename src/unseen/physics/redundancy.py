"""Redundancy weights of scans over a circle or an arc: the share of each ray where a scan measures a line twice.

The ray at the angle β and the fan angle γ is the ray at β + 180° − 2γ with −γ, seen from the other end. The weights of
both add to 1.
"""

import math

import torch
from torch import Tensor

from unseen.physics.scan_geometry import ScanGeometry
from unseen.physics.view_angles import WIDEST_GAP

DISTANT = 1e6  # image radii
FAR_SIDE = 0.8  # of the detector's longer side: an arc's views of a shorter one are refused; above, corners are missed


def redundancy_weights(geometry: ScanGeometry) -> Tensor:
    """Return the weights of filtered backprojection: (views, columns), float64.

    A full circle measures each line twice: ½, or, where an offset detector sees one side of the image farther than the
    other, a smooth step from 0 to 1 across the part that is measured twice (G. Wang, X-ray micro-CT with a displaced
    detector array, Med. Phys. 29(7), 2002). A short scan gets Parker's weights (D. L. Parker, Optimal short scan
    convolution reconstruction for fanbeam CT, Med. Phys. 9(2), 1982), with the fan angle of the arc that was measured.

    Args:
        geometry: of the scan. Parallel rays have views over 360°.

    Raises:
        ValueError: the views cover less than 180° and the fan angle, or the detector's offset leaves lines unmeasured.
    """
    reach = _reach(geometry)
    fan = (geometry.positions(-1) / reach).atan()  # (columns,)
    left, right, needed = _fan_angles(geometry)
    begin, arc = measured_arc(geometry.degrees)
    if arc == 360:
        weights = _displaced(fan, left, right) if is_displaced(geometry) else torch.full_like(fan, 0.5)
        return weights.expand(len(geometry.degrees), -1)
    check_both_sides(geometry, arc)
    seen = min(needed, max(-left, right))
    if arc < 180 + 2 * math.degrees(seen) - 1e-9:
        raise ValueError(
            f"Filtered backprojection of a fan or cone beam needs views over 180° and the fan angle, here "
            f"{180 + 2 * math.degrees(seen):.1f}°, but they cover {arc:.1f}°. Use A.pinv(y) or a reconstruction with a "
            "prior."
        )
    return _parker((geometry.degrees - begin).remainder(360).deg2rad()[:, None], fan, math.radians(arc))


def check_both_sides(geometry: ScanGeometry, arc: float) -> None:
    """Raise ValueError for views of an arc whose detector shows much less of one side of the image than of the other.

    Args:
        geometry: of the scan.
        arc: that the views cover, in degrees.
    """
    first, last = geometry.ends
    if is_displaced(geometry) and min(-first, last) < FAR_SIDE * max(-first, last):
        half = geometry.half_width
        raise ValueError(
            f"The detector reaches from {first:.4g} to {last:.4g}, so it shows one side of the image only (all of it "
            f"takes {-half:.4g} to {half:.4g}). Filtered backprojection then needs views over 360°, but they cover "
            f"{arc:.1f}°. Use A.pinv(y) or a reconstruction with a prior."
        )


def is_displaced(geometry: ScanGeometry) -> bool:
    """Return True if the detector's offset shows one side of the image farther than the other."""
    left, right, needed = _fan_angles(geometry)
    element = geometry.spacing[-1] / _reach(geometry)
    return abs(left + right) > element and min(-left, right) < needed - element


def _reach(geometry: ScanGeometry) -> float:
    """Return the distance from source to detector.

    Of parallel rays it is so large that fan angles are proportional to places.
    """
    if geometry.source_distance is None:
        return DISTANT * geometry.radius
    return geometry.source_distance + geometry.detector_distance


def _fan_angles(geometry: ScanGeometry) -> tuple[float, float, float]:
    """Return the fan angles of the detector's two ends, and of the image's corners."""
    (first, last), reach = geometry.ends, _reach(geometry)
    needed = math.asin(geometry.radius * geometry.magnification / reach)
    return math.atan(first / reach), math.atan(last / reach), needed


def measured_arc(degrees: Tensor) -> tuple[float, float]:
    """Return where the arc that the views cover begins, and its length, in degrees; 360 for a full circle.

    Half a step before the first view and after the last one belong to it.

    >>> measured_arc(torch.arange(0, 360, 10.0)), measured_arc(torch.arange(350, 550, 10.0))
    ((0.0, 360.0), (345.0, 200.0))
    """
    ordered = degrees.remainder(360).sort().values
    gaps = ordered.roll(-1) - ordered
    gaps[-1] += 360
    widest = int(gaps.argmax())
    if float(gaps[widest]) <= min(WIDEST_GAP * 360 / len(degrees), 180):
        return 0.0, 360.0
    if len(degrees) == 1:
        return float(degrees), 0.0
    arc = 360 - float(gaps[widest])
    step = arc / (len(degrees) - 1)
    return float(ordered.roll(-1)[widest]) - step / 2, arc + step


def _displaced(fan: Tensor, left: float, right: float) -> Tensor:
    """Wang's weights; both ends of the detector are fan angles."""
    overlap = min(-left, right)
    if overlap <= 0:
        raise ValueError(
            f"The detector sees fan angles from {math.degrees(left):.1f}° to {math.degrees(right):.1f}°, without the "
            "axis of rotation. Filtered backprojection needs a detector that sees the axis: check offset."
        )
    step = (1 + (math.pi / 2 * (fan / overlap).clamp(-1, 1)).sin()) / 2
    return step if right > -left else 1 - step


def _parker(angle: Tensor, fan: Tensor, arc: float) -> Tensor:
    """Parker's weights of views at `angle`, (views, 1), from the arc's begin, in radians."""
    half = (arc - math.pi) / 2
    early, late = (half + fan).clamp(min=1e-9), (half - fan).clamp(min=1e-9)
    rise = (math.pi / 4 * angle / early).sin().square()
    fall = (math.pi / 4 * (arc - angle) / late).sin().square()
    weights = torch.where(angle < 2 * early, rise, torch.where(angle > math.pi + 2 * fan, fall, 1.0))
    return torch.where(fan.abs() < half, weights, 0.0)  # beyond, a ray misses the image
