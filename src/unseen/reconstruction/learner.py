"""Learner of a reconstructor: Adam, the losses on a batch, and the text that identifies an interrupted training.

A loss may have a critic (`WithCritic`), which is trained in turns with the reconstructor.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from unseen.losses.loss import Loss, Seen
from unseen.physics.measurement import Measurement
from unseen.physics.operator import Operator
from unseen.reconstruction.held_out import Best, HeldOut, MeasurementSet, names_of
from unseen.reconstruction.reconstructor import Reconstructor
from unseen.reconstruction.tensor_digests import digest
from unseen.training.fused_adam import FusedAdam
from unseen.training.learner import Step, steps_taken

WEIGHT_DECAY = 1e-8  # of the authors, in all of their problems
RATE_FALLS_TO = 0.1  # at each milestone


@runtime_checkable
class WithCritic(Protocol):
    """Loss with a network of its own, which is trained by a step after each step of the reconstructor."""

    critic: nn.Module
    critic_rate: ClassVar[float | None]
    """Learning rate of Adam; None: that of the reconstructor."""

    def critic_loss(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        """Return the loss of the critic, (batch,); the computation graph of the reconstructor is freed before."""
        ...


class ReconstructionLearner:
    """Learner of a reconstructor (`training.Learner`); a batch is the index of its measurements: (index,)."""

    def __init__(
        self,
        f: Reconstructor,
        learnt: MeasurementSet,
        losses: Sequence[Loss],
        *,
        learning_rate: float,
        milestones: Sequence[int],
        steps_per_epoch: int,
        held_out: HeldOut | None = None,
        optimiser: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer] | None = None,
        schedule: Callable[[int], float] | None = None,
    ) -> None:
        self.f, self.learnt, self.units, self.held_out, self.schedule = f, learnt, learnt.units, held_out, schedule
        self.process, self.losses = learnt.process, dict(zip(names_of(losses), losses, strict=True))
        self.learning_rate, self.falls_at = learning_rate, sorted(epochs * steps_per_epoch for epochs in milestones)
        self.critics = {f"{name} critic": loss for name, loss in self.losses.items() if isinstance(loss, WithCritic)}
        self.modules: dict[str, nn.Module] = {"reconstructor": _UnderFabric(f)}
        self.modules |= {name: loss.critic for name, loss in self.critics.items()}
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "loss" if name == "reconstructor" else name: FusedAdam(
                module.parameters(), lr=self._rate_of(name), weight_decay=WEIGHT_DECAY
            )
            for name, module in self.modules.items()
        }
        self.given = None if optimiser is None else optimiser(f.parameters())
        if self.given is not None:
            self.optimisers["loss"] = self.given
        self.rates = [[group["lr"] for group in optimiser.param_groups] for optimiser in self.optimisers.values()]
        self.taken = _Taken()
        if schedule is not None:
            self.modules["steps"] = self.taken
        self.best = None if held_out is None else Best(f)
        if self.best is not None:
            self.modules["best"] = self.best

    def _rate_of(self, name: str) -> float:
        rate = self.critics[name].critic_rate if name in self.critics else None
        return self.learning_rate if rate is None else rate

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        (index,) = batch
        self._set_rates()
        wrapped = self.modules["reconstructor"]

        def f(y: Tensor, process: Measurement) -> Tensor:
            reconstruction: Tensor = wrapped(lambda: (y, process))
            return reconstruction

        seen = self.learnt.seen(index, f, modules=(wrapped,))
        parts = {
            name: loss.in_own_scale(loss(seen, generator=rng).mean(), self.units) for name, loss in self.losses.items()
        }
        yield Step("loss", torch.stack([self.losses[name].weight * part for name, part in parts.items()]).sum(), parts)
        for name, loss in self.critics.items():
            yield Step(name, loss.critic_loss(seen, generator=rng).mean())

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Count the step."""
        self.taken.steps += 1

    def identity(self, began_with: str = "") -> str:
        """Return the text that identifies this training, besides its settings: losses, operator, noise, measurements.

        Args:
            began_with: digest of the weights of a trained network; empty for a new one.
        """
        return json.dumps(
            {
                "losses": [repr(loss) for loss in self.losses.values()],
                "falls_at": self.falls_at,
                "reconstructor": f"{self.f.own_network or self.f.key} {self.f.config.model_dump_json()}",
                "process": repr(self.process),
                "measurements": digest(*(tensor for tensor in (self.learnt.y, self.learnt.x) if tensor is not None)),
                "learnt from": digest(torch.arange(len(self.learnt)) if self.learnt.at is None else self.learnt.at),
                "A of an image": operator_mark(self.process.A),
            }
            | ({} if self.process.A.batch is None else {"operators": digest(self.learnt.rows)})
            | ({} if self.held_out is None else {"judged by": [repr(loss) for loss in self.held_out.losses.values()]})
            | ({"began with": began_with} if began_with else {})
        )

    def judged(self, f: Reconstructor) -> Mapping[str, float]:
        """Validate f on held-out measurements; the weights of the least risk are kept."""
        if self.held_out is None or self.best is None:
            return {}
        found = self.held_out.judged(f)
        if self.held_out.chooses:
            self.best.consider(f, found[self.held_out.name])
        return found

    def _set_rates(self) -> None:
        """Set the learning rates, functions of the number of steps, which a checkpoint contains."""
        for optimiser, rates in zip(self.optimisers.values(), self.rates, strict=True):
            if self.schedule is not None:
                factor = self.schedule(int(self.taken.steps))
            elif optimiser is self.given:
                continue
            else:
                factor = RATE_FALLS_TO ** sum(steps_taken(optimiser) >= fall for fall in self.falls_at)
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * factor


class _Taken(nn.Module):
    """Number of steps; a module, so that a checkpoint contains it."""

    steps: Tensor  # ()

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))


class _UnderFabric(nn.Module):
    """Reconstructor whose arguments are given in a function.

    Fabric would round tensors among the arguments to bfloat16, and take dataclasses apart.
    """

    def __init__(self, f: Reconstructor) -> None:
        super().__init__()
        self.f = f

    def forward(self, given: Callable[[], tuple[Tensor, Measurement]]) -> Tensor:
        reconstruction: Tensor = self.f(*given())
        return reconstruction


def operator_mark(A: Operator) -> list[str]:
    """Return three figures of A x for one random x; they differ between operators of the same shape.

    Args:
        A: the operator. The figures are rounded, so that they are the same on each machine.

    Example:
        >>> from unseen.physics import Identity
        >>> A = Identity((1, 8, 8))
        >>> operator_mark(2 * A) == operator_mark(A), operator_mark(-1 * A) == operator_mark(A)
        (False, False)
    """
    dtype = torch.complex64 if A.complex_domain else torch.float32
    rng = torch.Generator().manual_seed(0)
    image = torch.randn(A.batch or 1, *A.domain, dtype=dtype, generator=rng)
    with torch.no_grad():
        seen = A(image)
    size = seen.abs().double().flatten()
    other = seen + torch.randn(seen.shape, dtype=seen.dtype, generator=rng)  # shows signs and phases of A, too
    place = torch.linspace(0, 1, len(size), dtype=torch.float64)
    return [f"{size.mean():.5g}", f"{(size * place).mean():.5g}", f"{other.abs().double().mean():.5g}"]
