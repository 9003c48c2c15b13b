"""Products, shapes and precision of tensors, as operators and their solvers need them."""

from collections.abc import Callable

import torch
from torch import Tensor

Shape = tuple[int, ...]


def in_own_precision(act: Callable[[Tensor], Tensor], tensor: Tensor) -> Tensor:
    """act(tensor), an empty batch too, in the tensor's own precision, also where a network runs under autocast."""
    if not len(tensor):
        return in_own_precision(act, tensor.new_zeros(1, *tensor.shape[1:]))[:0]
    if not torch.is_autocast_enabled(tensor.device.type):
        return act(tensor)
    with torch.autocast(tensor.device.type, enabled=False):
        return act(tensor)


def describe(shape: Shape) -> str:
    """Return a shape as error messages show it: `(1, 64, 64)`."""
    return "(" + ", ".join(map(str, shape)) + ")"


def inner(u: Tensor, v: Tensor) -> Tensor:
    """Re Σ conj(u) v per sample.

    Args:
        u: (batch, ...), real or complex.
        v: of u's shape.

    Returns:
        (batch, 1, ...), real, ready to multiply either.
    """
    product = (u.conj() * v).real if u.is_complex() or v.is_complex() else u * v
    return product.sum(dim=tuple(range(1, product.ndim)), keepdim=True)


def lengths(u: Tensor) -> Tensor:
    """√⟨u, u⟩ per sample, as (batch, 1, ...)."""
    return inner(u, u).sqrt()
