"""Angles of the views of a scan, and the share of the circle of each."""

from collections.abc import Sequence

import torch
from torch import Tensor

from unseen.physics.algebra import describe

WIDEST_GAP = 3  # mean gaps between views


def view_degrees(angles: int | Tensor | Sequence[float]) -> Tensor:
    if isinstance(angles, int):
        if angles < 1:
            raise ValueError(f"angles is a number of views above 0, or a row of degrees, but got {angles}.")
        return torch.arange(angles, dtype=torch.float64) * 180 / angles
    given = angles.detach() if isinstance(angles, Tensor) else torch.as_tensor(angles, dtype=torch.float64)
    if given.ndim != 1 or not len(given) or given.is_complex() or not bool(given.isfinite().all()):
        shown = f"a tensor of shape {describe(tuple(given.shape))}" if given.ndim != 1 else given.tolist()
        raise ValueError(f"angles is a number of views above 0, or a row of finite degrees, but got {shown}.")
    return given.to("cpu", torch.float64, copy=True)


def angular_spans(degrees: Tensor) -> Tensor:
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
