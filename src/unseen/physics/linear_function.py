"""Linear function for autograd, with its adjoint as derivative."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Map = Callable[[Tensor], Tensor]


def linear(tensor: Tensor, act: Map, adjoint: Map) -> Tensor:
    """act(tensor), whose derivative is adjoint, and whose derivative's derivative is act again.

    Inside, both run without autograd: they may work in place and in buffers.

    Args:
        tensor: (batch, ...).
        act: a linear map.
        adjoint: its adjoint under Re Σ conj(u) v.

    Example:
        >>> x = torch.ones(2, 3, requires_grad=True)
        >>> y = linear(x, lambda u: 2 * u, lambda v: 2 * v)
        >>> torch.autograd.grad(y.sum(), x)[0].tolist()[0]
        [2.0, 2.0, 2.0]
    """
    if not torch.is_grad_enabled():
        return act(tensor)
    result: Tensor = _Linear.apply(tensor, act, adjoint)  # type: ignore[no-untyped-call]
    return result


class _Linear(torch.autograd.Function):
    """`ctx` is Any, since torch gives it no type that takes attributes."""

    @staticmethod
    def forward(tensor: Tensor, act: Map, adjoint: Map) -> Tensor:
        del adjoint
        return act(tensor)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Map, Map], output: Tensor) -> None:
        del output
        _, ctx.act, ctx.adjoint = inputs

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return linear(gradient, ctx.adjoint, ctx.act), None, None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, act: None, adjoint: None) -> Tensor:
        return linear(tangent, ctx.act, ctx.adjoint)
