"""Products, shapes and precision of tensors, as operators and their solvers need them."""

from collections.abc import Callable

import torch
from torch import Tensor

Shape = tuple[int, ...]


def in_own_precision(act: Callable[[Tensor], Tensor], tensor: Tensor) -> Tensor:
    """Return act(tensor), also of an empty batch, in the tensor's own precision, also under autocast."""
    if not tensor.numel() and not len(tensor):
        return in_own_precision(act, torch.cat([tensor, tensor.new_zeros(1, *tensor.shape[1:])]))[:0]
    if not torch.is_autocast_enabled("cpu" if tensor.is_cpu else tensor.device.type):
        return act(tensor)
    with torch.autocast(tensor.device.type, enabled=False):
        return act(tensor)


def result_dtype(dtype: torch.dtype, *, complex_numbers: bool) -> torch.dtype:
    """Return the type of an operator's result, in the precision of its input.

    Complex numbers have single precision at least: torch has few operations on complex numbers of half precision.

    Args:
        dtype: of the input, floating-point or complex.
        complex_numbers: whether the result is complex.

    Example:
        >>> result_dtype(torch.float16, complex_numbers=False), result_dtype(torch.float16, complex_numbers=True)
        (torch.float16, torch.complex64)
    """
    return torch.promote_types(dtype, torch.complex64) if complex_numbers else dtype.to_real()


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
