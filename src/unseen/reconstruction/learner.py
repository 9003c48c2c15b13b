"""What `learn` gives the training loop: the reconstructor, Adam, and the losses on a batch of measurements."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from unseen.losses.loss import Loss, Seen
from unseen.physics.measurement import Measurement
from unseen.physics.operator import Operator
from unseen.reconstruction.reconstructor import Reconstructor
from unseen.training.learner import Step, steps_taken

WEIGHT_DECAY = 1e-8  # the authors', in all of their problems
RATE_FALLS_TO = 0.1  # at each milestone


@runtime_checkable
class WithCritic(Protocol):
    """A loss that has a network of its own, which learns beside the reconstructor, a step after each of its steps."""

    critic: nn.Module

    def critic_loss(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        """What the critic descends, one value per sample: (batch,); the reconstructor's graph is gone by then."""
        ...


class ReconstructionLearner:
    """The law of `training.Learner`; a batch is (y, rows of operators), or (y, rows of operators, x)."""

    def __init__(
        self,
        f: Reconstructor,
        process: Measurement,
        losses: Sequence[Loss],
        *,
        learning_rate: float,
        milestones: Sequence[int],
        steps_per_epoch: int,
    ) -> None:
        self.process, self.losses = process, dict(zip(_names(losses), losses, strict=True))
        self.learning_rate, self.falls_at = learning_rate, sorted(epochs * steps_per_epoch for epochs in milestones)
        self.critics = {f"{name} critic": loss for name, loss in self.losses.items() if isinstance(loss, WithCritic)}
        self.modules: dict[str, nn.Module] = {"reconstructor": _UnderFabric(f)}
        self.modules |= {name: loss.critic for name, loss in self.critics.items()}
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "loss" if name == "reconstructor" else name: torch.optim.Adam(
                module.parameters(), lr=learning_rate, weight_decay=WEIGHT_DECAY
            )
            for name, module in self.modules.items()
        }

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        y, rows, *truth = batch
        self._set_rates()
        wrapped = self.modules["reconstructor"]

        def f(y: Tensor, process: Measurement) -> Tensor:
            reconstruction: Tensor = wrapped(lambda: (y, process))
            return reconstruction

        seen = Seen(
            y,
            self.process.select(rows.cpu()),
            f,
            x=truth[0] if truth else None,
            modules=(wrapped,),
            pool=None if self.process.A.batch is None else self.process.A,
        )
        parts = {name: loss(seen, generator=rng).mean() for name, loss in self.losses.items()}
        yield Step("loss", torch.stack([self.losses[name].weight * part for name, part in parts.items()]).sum(), parts)
        for name, loss in self.critics.items():
            yield Step(name, loss.critic_loss(seen, generator=rng).mean())

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Nothing to do."""

    def identity(self) -> str:
        """What else sets this training apart, as text."""
        return json.dumps(
            {
                "losses": [repr(loss) for loss in self.losses.values()],
                "falls_at": self.falls_at,
                "process": repr(self.process),
                "A of a picture": _mark(self.process.A),
            }
        )

    def _set_rates(self) -> None:
        """The rate is a function of the steps that Adam has counted, which a checkpoint holds."""
        for optimiser in self.optimisers.values():
            done = steps_taken(optimiser)
            rate = self.learning_rate * RATE_FALLS_TO ** sum(done >= fall for fall in self.falls_at)
            for group in optimiser.param_groups:
                group["lr"] = rate


class _UnderFabric(nn.Module):
    """f for Fabric, which rounds every tensor that it is handed to bfloat16, and takes dataclasses apart: what f is
    given goes past it in a function."""

    def __init__(self, f: Reconstructor) -> None:
        super().__init__()
        self.f = f

    def forward(self, given: Callable[[], tuple[Tensor, Measurement]]) -> Tensor:
        reconstruction: Tensor = self.f(*given())
        return reconstruction


def _names(losses: Sequence[Loss]) -> list[str]:
    """A name in the log for each loss: its class's, numbered where there are several of one."""
    kinds = [type(loss).__name__ for loss in losses]
    seen: Counter[str] = Counter()
    names = []
    for kind in kinds:
        seen[kind] += 1
        names.append(kind if kinds.count(kind) == 1 else f"{kind} {seen[kind]}")
    return names


def _mark(A: Operator) -> list[str]:
    """Two figures of what A makes of one picture: another mask or other angles of the same shape give others."""
    dtype = torch.complex64 if A.complex_domain else torch.float32
    picture = torch.randn(A.batch or 1, *A.domain, dtype=dtype, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        sizes = A(picture).abs().double().flatten()
    return [f"{sizes.mean():.5g}", f"{(sizes * torch.linspace(0, 1, len(sizes), dtype=torch.float64)).mean():.5g}"]
