"""Forward differences of images; zero across the last row and the last column (Neumann).

Chambolle, "An algorithm for total variation minimization and applications", JMIV 20, 2004, §2.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

NORM = math.sqrt(8)  # of `differences`: below it for every size, and as near as one likes (Chambolle 2004, theorem 3.1)


def total_variation(x: Tensor) -> Tensor:
    """TV(x) per sample: (batch,), for x of shape (batch, channels, height, width), real or complex."""
    return moduli(differences(x)).flatten(1).sum(1)


def differences(x: Tensor) -> Tensor:
    """D x: to the next row and to the next column; zero across the boundary.

    Args:
        x: (batch, channels, height, width).

    Returns:
        (batch, 2, channels, height, width).
    """
    result = x.new_zeros(len(x), 2, *x.shape[1:])
    result[:, 0, :, :-1, :] = x[..., 1:, :] - x[..., :-1, :]
    result[:, 1, :, :, :-1] = x[..., :, 1:] - x[..., :, :-1]
    return result


def differences_adjoint(q: Tensor) -> Tensor:
    """D* q, minus the divergence: (batch, 2, channels, height, width) → (batch, channels, height, width)."""
    down, right = q[:, 0, :, :-1, :], q[:, 1, :, :, :-1]
    x = torch.zeros_like(q[:, 0])
    x[..., 1:, :].add_(down)  # `+=` on a part of a tensor writes it twice
    x[..., :-1, :].sub_(down)
    x[..., :, 1:].add_(right)
    x[..., :, :-1].sub_(right)
    return x


def shortened(q: Tensor, longest: Tensor) -> Tensor:
    """Return the nearest field to q, (batch, numbers, channels, height, width), whose vectors are no longer than
    `longest` (batch, 1, 1, 1).
    """
    lengths = moduli(q)
    return q * (longest.unsqueeze(1) / lengths.clamp(min=torch.finfo(lengths.dtype).tiny)).clamp(max=1)


def moduli(q: Tensor) -> Tensor:
    """Return the vectors' lengths: (batch, numbers, channels, height, width) → (batch, 1, channels, height, width)."""
    if q.requires_grad:
        lengths: Tensor = torch.linalg.vector_norm(q, dim=1, keepdim=True)  # whose gradient at 0 is 0, not NaN
        return lengths
    found, *others = q.abs().unbind(dim=1)
    for other in others:
        found = torch.hypot(found, other)  # ten times as fast
    return found.unsqueeze(1)
