"""Learner: what the training loop gets from a method: networks, optimisers and, batch by batch, the losses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Step:
    """One optimiser's step: the loop zeroes that optimiser's gradients, goes back from ``loss`` to that optimiser's
    weights alone, and steps.

    Args:
        optimiser: a key of the learner's ``optimisers``; ``loss`` is logged under this name.
        loss: scalar, the weighted sum that the optimiser minimises.
        parts: scalars to log beside it, by name; the names differ from the optimisers' names.
        graph_is_shared: a later step of this batch goes back through a part of this loss's graph, one whose weights no
            step in between changes.

    >>> Step("generator", torch.tensor(0.5)).optimiser
    'generator'
    """

    optimiser: str
    loss: Tensor
    parts: Mapping[str, Tensor] = field(default_factory=dict)
    graph_is_shared: bool = False


class Learner(Protocol):
    """The laws that the loop relies on:

    - every weight, buffer and running average that training changes lies in ``modules``; every optimiser in
      ``optimisers``; nothing else carries over from batch to batch, so a checkpoint of these is a checkpoint of all;
    - networks are called as ``self.modules["e1"](x)``: while training, the loop wraps the dictionary's entries. A
      method by name works too (``self.modules["d"].features(x)``), a slice does not; in bf16 it returns bfloat16, so
      take ``.float()`` before a loss;
    - the loop calls ``train()`` on every module at the start of each epoch; what shall rest is set so in ``steps``;
    - random draws come from ``rng`` (a CPU generator: draw on the CPU, then move), or are torch's own (dropout);
    - ``steps`` yields; the loop takes the optimiser's step, then resumes it: what follows sees the new weights.
      Alternation of a GAN is thus the order of lines in ``steps``. A graph is gone back through once, unless the step
      that comes first sets ``graph_is_shared``.

    >>> class Mean:
    ...     def __init__(self):
    ...         self.modules = {"network": nn.Linear(1, 1)}
    ...         self.optimisers = {"loss": torch.optim.SGD(self.modules["network"].parameters(), lr=0.1)}
    ...
    ...     def steps(self, batch, rng):
    ...         (x,) = batch
    ...         yield Step("loss", (self.modules["network"](x) - x).square().mean())
    ...
    ...     def after_step(self, parts, rng): ...
    >>> [step.optimiser for step in Mean().steps((torch.ones(8, 1),), torch.Generator())]
    ['loss']
    """

    modules: dict[str, nn.Module]
    optimisers: dict[str, torch.optim.Optimizer]

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        """Yield the steps on one batch: each tensor ``(batch, ...)``, on the modules' device."""
        ...

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Re-initialise or clip weights; called after each batch with what was logged, outside of autocast."""
        ...


def steps_taken(optimiser: torch.optim.Optimizer) -> int:
    """Return the number of steps taken, as the optimiser counts them: a checkpoint holds that.

    >>> steps_taken(torch.optim.Adam([torch.zeros(1)]))
    0
    """
    return max((int(state["step"]) for state in optimiser.state.values()), default=0)
