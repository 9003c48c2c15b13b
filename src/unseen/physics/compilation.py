"""Operators in functions that `torch.compile` compiles."""

from collections.abc import Callable

import torch
from torch import Tensor

REASON = (
    "Operators run outside of compiled graphs: they keep their tensors between calls, and their solvers stop by values."
    " Call torch.compile without fullgraph=True."
)
Act = Callable[[Tensor], Tensor]


def uncompiled(act: Act, tensor: Tensor) -> Tensor:
    """Return act(tensor), outside of the graph where `torch.compile` makes one: the graph is divided in two there.

    Args:
        act: a function of a tensor.
        tensor: its argument.

    Example:
        >>> uncompiled(torch.neg, torch.ones(1))
        tensor([-1.])
    """
    if torch.compiler.is_dynamo_compiling():
        if not _outside:
            torch._dynamo.graph_break(msg=REASON)  # which fullgraph=True reports
            _outside.append(torch.compiler.disable(_apply, reason=REASON))  # type: ignore[no-untyped-call]
        return _outside[0](act, tensor)
    return act(tensor)


def _apply(act: Act, tensor: Tensor) -> Tensor:
    return act(tensor)


_outside: list[Callable[[Act, Tensor], Tensor]] = []
"""`_apply`, which is not compiled; made at its first use, since torch's compiler takes seconds to import."""
