"""Sums of squares per sample, at least in single precision whatever precision the network runs in."""

import torch
from torch import Tensor


def at_least_single(tensor: Tensor) -> Tensor:
    """Return the tensor in single precision, or as it is where it is finer.

    Args:
        tensor: real or complex, of any shape.

    Example:
        >>> import torch
        >>> at_least_single(torch.ones(1, dtype=torch.bfloat16)).dtype, at_least_single(torch.ones(1).double()).dtype
        (torch.float32, torch.float64)
    """
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def mean_square(tensor: Tensor) -> Tensor:
    """‖tensor‖² / n per sample, over its n real components: (batch,), at least in single precision."""
    return squares(tensor) / (tensor[0].numel() * (2 if tensor.is_complex() else 1) if len(tensor) else 1)


def squares(tensor: Tensor) -> Tensor:
    """‖tensor‖² per sample, real or complex: (batch,), at least in single precision."""
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor)
    tensor = tensor.to(torch.promote_types(tensor.dtype, torch.float32))
    return tensor.flatten(1).square().sum(dim=1)
