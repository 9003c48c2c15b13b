"""Ordered subsets of measurements, one after the other in each iteration of SIRT and OSEM."""

from __future__ import annotations

import torch
from torch import Tensor

from unseen.losses.loss import observed
from unseen.physics.argument_checks import is_count
from unseen.physics.circular_scan_operator import CircularScan
from unseen.physics.measurement import Measurement
from unseen.physics.operator import Operator


def ordered_subsets(A: Operator, y: Tensor, count: int) -> list[tuple[Operator, Tensor]]:
    """Return the operator and the measurements of each subset: s, s + count, … along the first axis after the channels.

    A subset of the views of a tomography costs its share of a projection. Of other operators all of A is applied and
    the rest set to zero.

    Args:
        A: one operator for all samples or one for each.
        y: (batch, *A.range).
        count: number of subsets.

    Raises:
        ValueError: there are fewer than `count` places along the axis, or count < 1.

    Example:
        >>> from unseen.physics import Tomography
        >>> A = Tomography(8, angles=5)
        >>> [(part.range, tuple(seen.shape)) for part, seen in ordered_subsets(A, torch.ones(2, *A.range), 2)]
        [((1, 3, 12), (2, 1, 3, 12)), ((1, 2, 12), (2, 1, 2, 12))]
    """
    axis = min(1, len(A.range) - 1)
    places = A.range[axis]
    if not (is_count(count) and count <= places):
        raise ValueError(f"subsets is 1 to {places} for this operator, but got {count!r}.")
    if count == 1:
        return [(A, y)]
    if isinstance(A, CircularScan):
        return [(A.views(range(first, places, count)), y[:, :, first::count]) for first in range(count)]
    parts = []
    for first in range(count):
        kept = torch.zeros(A.range, dtype=torch.bool)
        kept.movedim(axis, 0)[first::count] = True
        part = A.restrict(kept)
        parts.append((part, observed(Measurement(part), y)))
    return parts
