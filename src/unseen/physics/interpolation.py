"""Linear interpolation at places along an axis."""

import torch
from torch import Tensor


def linear_neighbours(place: Tensor, count: int, dtype: torch.dtype) -> list[tuple[Tensor, Tensor]]:
    """Return the two indices next to each place, and their shares, which are 0 outside of 0 … count − 1.

    Args:
        place: in samples from the first one, of any shape.
        count: samples along the axis.
        dtype: of the shares.

    Example:
        >>> linear_neighbours(torch.tensor([0.25, -0.5, 7.0]), 2, torch.float32)
        [(tensor([0, 0, 1]), tensor([0.7500, 0.0000, 0.0000])), (tensor([1, 0, 1]), tensor([0.2500, 0.5000, 0.0000]))]
    """
    left = place.floor()
    share = (place - left).to(dtype)
    index = left.clamp(-2, count).long()  # beyond by two: neither neighbour is inside
    shares = ((index, 1 - share), (index + 1, share))
    return [(i.clamp(0, count - 1), part * ((i >= 0) & (i < count))) for i, part in shares]
