"""Angles of the views of a scan, and the share of the circle of each."""

import math
import warnings
from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from unseen.physics.argument_checks import is_count
from unseen.physics.numpy_arrays import Array, readable
from unseen.physics.tensor_products import describe

AngleUnit = Literal["degrees", "radians"]
WIDEST_GAP = 3  # mean gaps between views
FEW_VIEWS = 4  # fewer are not questioned: [0, 1, 2] may be degrees


def view_degrees(
    angles: int | Tensor | Array | Sequence[float], *, unit: AngleUnit | None = None, period: float = 180
) -> Tensor:
    """Return the angles of the views in degrees: (views,), float64.

    Args:
        angles: number of views, spread evenly over the period; or the angles, (views,).
        unit: of the angles given. None: degrees, with a warning where they look like radians.
        period: 180 degrees for parallel rays, 360 for a fan or a cone.

    Raises:
        ValueError: angles are not positive, not finite or no row, or the unit is another.

    Warns:
        UserWarning: no unit was given, and more than four angles are all within 2π.

    Example:
        >>> view_degrees(4).tolist(), view_degrees([0.0, 3.141592653589793], unit="radians").tolist()
        ([0.0, 45.0, 90.0, 135.0], [0.0, 180.0])
    """
    if unit not in (None, *get_args(AngleUnit)):
        raise ValueError(f"unit is degrees or radians, but got {unit!r}.")
    if is_count(angles):
        degrees: Tensor = torch.arange(int(angles), dtype=torch.float64) * period / int(angles)
        return degrees
    if isinstance(angles, int):
        raise ValueError(f"angles is a number of views above 0, or a row of degrees, but got {angles}.")
    given = angles.detach() if isinstance(angles, Tensor) else torch.as_tensor(readable(angles), dtype=torch.float64)
    if given.ndim == 2 and 1 in given.shape:  # MATLAB's vectors have two axes
        given = given.flatten()
    if given.ndim != 1 or not len(given) or given.is_complex() or not bool(given.isfinite().all()):
        shown = f"a tensor of shape {describe(tuple(given.shape))}" if given.ndim != 1 else given.tolist()
        raise ValueError(f"angles is a number of views above 0, or a row of finite degrees, but got {shown}.")
    given = given.to("cpu", torch.float64, copy=True)
    if unit == "radians":
        return given.rad2deg()
    if unit is None and len(given) > FEW_VIEWS and float(given.abs().max()) <= 2 * math.pi:
        warnings.warn(
            f"All {len(given)} angles are within 2π and were taken as degrees: {float(given.min()):.3g}° to "
            f'{float(given.max()):.3g}°. Give unit="radians" for radians, or unit="degrees" to confirm degrees.',
            UserWarning,
            stacklevel=4,  # the caller of the operator's constructor, which another function wraps
        )
    return given


def angular_spans(degrees: Tensor, *, period: float = 180, short: bool = False) -> Tensor:
    """Return the half of the way between each view's neighbours, in radians: (views,).

    The sum is the period, unless a gap is wider than three mean ones (a wedge that no view saw) and counts as that.

    Args:
        degrees: (views,), float64.
        period: after which rays repeat: 180 degrees for parallel rays, 360 for a fan or a cone.
        short: views of an arc: the widest gap counts as the mean of the others.
    """
    order = degrees.remainder(period).argsort(stable=True)
    ordered = degrees.remainder(period)[order]
    gaps = torch.cat([ordered[1:], ordered[:1] + period]) - ordered  # from each view to the next
    if short:
        gaps[gaps.argmax()] = (period - gaps.max()) / (len(degrees) - 1)
    gaps = gaps.clamp(max=WIDEST_GAP * period / len(degrees))
    spans = torch.empty_like(gaps)
    spans[order] = (gaps + gaps.roll(1)) / 2
    return spans.deg2rad()
