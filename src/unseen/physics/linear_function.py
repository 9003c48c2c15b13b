"""Linear function for autograd, with its adjoint as derivative."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

Map = Callable[[Tensor], Tensor]


def linear(tensor: Tensor, act: Map, adjoint: Map, *, per_sample: bool = False) -> Tensor:
    """act(tensor), whose derivative is adjoint, and whose derivative's derivative is act again.

    Inside, both run without autograd: they may work in place and in buffers.

    Args:
        tensor: (batch, ...).
        act: a linear map.
        adjoint: its adjoint under Re Σ conj(u) v.
        per_sample: whether the maps take batches of one size alone, since each sample has a map of its own. It decides
            how `torch.func.vmap` calls them: once per element, or else once with a larger batch.

    Example:
        >>> x = torch.ones(2, 3, requires_grad=True)
        >>> y = linear(x, lambda u: 2 * u, lambda v: 2 * v)
        >>> torch.autograd.grad(y.sum(), x)[0].tolist()[0]
        [2.0, 2.0, 2.0]
    """
    if not _needs_derivatives(tensor):
        with torch.no_grad():
            return act(tensor)
    result: Tensor = _Linear.apply(tensor, act, adjoint, per_sample)  # type: ignore[no-untyped-call]
    return result


def _needs_derivatives(tensor: Tensor) -> bool:
    """Return True if autograd, forward mode or a transformation of torch.func may follow the tensor.

    Otherwise the autograd function is skipped: it costs a fifth of the time of a blur of one 256² image.
    """
    return (
        (tensor.requires_grad and torch.is_grad_enabled())
        or torch.autograd.forward_ad._current_level >= 0
        or torch._C._are_functorch_transforms_active()  # vmap needs the Function without autograd, too
    )


class _Linear(torch.autograd.Function):
    """`ctx` and `info` are Any, since torch gives them no type that takes attributes or that is public."""

    @staticmethod
    def forward(tensor: Tensor, act: Map, adjoint: Map, per_sample: bool) -> Tensor:
        del adjoint, per_sample
        return act(tensor)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Map, Map, bool], output: Tensor) -> None:
        del output
        _, ctx.act, ctx.adjoint, ctx.per_sample = inputs

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        return linear(gradient, ctx.adjoint, ctx.act, per_sample=ctx.per_sample), None, None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, act: None, adjoint: None, per_sample: None) -> Tensor:
        return linear(tangent, ctx.act, ctx.adjoint, per_sample=ctx.per_sample)

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int, None, None, None], tensor: Tensor, act: Map, adjoint: Map, per_sample: bool
    ) -> tuple[Tensor, int]:
        del info
        whole = partial(linear, act=act, adjoint=adjoint, per_sample=per_sample)
        return batched(whole, tensor.movedim(in_dims[0], 0), per_sample=per_sample), 0


def batched(act: Map, tensor: Tensor, *, per_sample: bool) -> Tensor:
    """Return act of each element of an axis before the batch.

    Args:
        act: from (batch, ...) to (batch, ...).
        tensor: (elements, batch, ...).
        per_sample: whether act takes batches of one size alone.

    Returns:
        (elements, batch, ...).

    Example:
        >>> batched(torch.neg, torch.ones(2, 3, 4), per_sample=False).shape
        torch.Size([2, 3, 4])
    """
    if per_sample:
        return torch.stack([act(one) for one in tensor])
    flat = act(tensor.flatten(0, 1))
    return flat.reshape(*tensor.shape[:2], *flat.shape[1:])
