"""Adam in one pass over the weights, on the CPU and on CUDA.

`torch.optim.Adam` reads and writes weights, gradients and moments in a dozen passes, unless it is fused. Fused on the
CPU, it takes the numbers in their order in memory, and is silently wrong where a gradient's order is not that of
its weight (PyTorch 2.13). `FusedAdam` puts them in one order first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import torch
from torch import Tensor


class FusedAdam(torch.optim.Adam):
    """`torch.optim.Adam`, fused where all weights of a group are real and on the CPU, or on CUDA.

    Its state dictionary is Adam's, so checkpoints of one are checkpoints of the other, those of Adam with `fused=True`
    among them. The step differs by rounding alone.

    >>> weight = torch.nn.Parameter(torch.ones(3))
    >>> optimiser = FusedAdam([weight], lr=0.1)
    >>> weight.sum().backward()
    >>> optimiser.step()
    >>> weight.detach()
    tensor([0.9000, 0.9000, 0.9000])
    """

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        if closure is not None:  # it makes gradients of its own
            loss: float = super().step(closure)
            return loss
        fused = [group for group in self.param_groups if _can_be_fused(group)]
        for group in fused:
            for weight in group["params"]:
                self._prepare(weight)
            group["fused"] = True
        try:
            super().step()
            return None
        finally:
            for group in fused:
                group["fused"] = None  # so that it never enters a checkpoint

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:  # Any: torch's states are untyped
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            if group["fused"]:  # loaded from a fused Adam, which keeps its counts of steps on the weights' device
                group["fused"] = None
                for weight in group["params"]:
                    if "step" in self.state.get(weight, {}):
                        self.state[weight]["step"] = self.state[weight]["step"].cpu()

    def _prepare(self, weight: Tensor) -> None:
        """Lay the weight's gradient and moments out in memory as the weight is, the count of steps on its device."""
        if weight.grad is not None:
            weight.grad = _laid_out_as(weight, weight.grad)
        state = self.state.get(weight, {})
        if "step" in state:  # counted on the CPU in steps that are not fused
            state["step"] = state["step"].to(weight.device)
        for name in ("exp_avg", "exp_avg_sq", "max_exp_avg_sq"):
            if name in state:
                state[name] = _laid_out_as(weight, state[name])


def _can_be_fused(group: dict[str, Any]) -> bool:  # Any: torch's groups are untyped
    if group["fused"] is not None or group["foreach"] or group["differentiable"] or group["capturable"]:
        return False
    return all(
        weight.device.type in ("cpu", "cuda")
        and weight.is_floating_point()
        and _orders(weight) != (False, False)
        and (weight.grad is None or (weight.grad.layout is torch.strided and weight.grad.dtype == weight.dtype))
        for weight in group["params"]
    )


def _laid_out_as(weight: Tensor, other: Tensor) -> Tensor:
    if any(both == (True, True) for both in zip(_orders(weight), _orders(other), strict=True)):
        return other
    return torch.empty_like(weight).copy_(other)


def _orders(tensor: Tensor) -> tuple[bool, bool]:
    """Return whether its numbers lie row by row, and whether they lie channels-last."""
    last = tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last)
    return tensor.layout is torch.strided and tensor.is_contiguous(), last
