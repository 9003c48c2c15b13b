"""Training loop: epochs, batches, steps; a log line each; a checkpoint now and then. There is no other.

Lightning Fabric moves modules to the device and sets the precision; everything else is in plain sight below.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import time
import warnings
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from unseen.artifacts.folder_lock import locked
from unseen.training import checkpoint
from unseen.training.checkpoint import Checkpoint, DataPosition
from unseen.training.freed_memory import freed_memory_kept
from unseen.training.history import History, Log
from unseen.training.interrupt import Stop, deferred_interrupt
from unseen.training.learner import Learner
from unseen.training.limits import RunStopped, time_is_up, under_limits
from unseen.training.placement import fabric_of, own_rng_and_threads, rest, rows_of, wrapped
from unseen.training.progress import Progress
from unseen.training.ranks import LostProcess, Ranks, asked, check_hooks, together
from unseen.training.settings import Training, TrainingError
from unseen.training.shares import as_part_of_the_batch

if TYPE_CHECKING:
    from lightning_fabric import Fabric

DIVERGED = 1e6
"""A loss diverges when it is above so many times the largest of its first values, and of 1."""
FIRST_STEPS = 3


def train(
    learner: Learner,
    data: Sequence[Tensor],
    settings: Training,
    *,
    folder: Path | None = None,
    validate: Callable[[int], Mapping[str, float]] | None = None,
    progress: Callable[[Progress], None] | None = None,
    identity: str = "",
) -> History:
    """Train ``learner`` on ``data``; where ``folder`` holds a checkpoint of this very training, go on from it.

    Same seed, settings, films, device and number of threads: same weights bit for bit, also over a SIGKILL. The
    learner's networks are built, and seeded, by the caller. They are given back in eval mode, on the CPU.

    On several devices, each process computes its share of each batch. Draws and BatchNorm are those of the whole batch
    (`shares`), so the losses are those of one device but for rounding. This process alone writes and reports.

    Args:
        learner: networks, optimisers and losses; its modules are changed in place.
        data: CPU tensors of one first length n, such as images ``(n, 1, height, width)`` and masks alike.
        settings: how long, on what.
        folder: gets ``log.csv`` and ``checkpoint.pt``, and ``epochs.csv`` where there is ``validate``; made if missing.
            None: nothing is written.
        validate: called after each epoch with the number of epochs done, modules in eval mode on the device; its
            values are kept in the history. It cannot disturb the training's random draws.
        progress: called after each step.
        identity: anything further that sets this training apart (the method's settings, a recipe's digest): a
            checkpoint with another identity is refused.

    Warns:
        UserWarning: a loss has grown to more than a million times its first values (once for each loss).

    Raises:
        TrainingError: Fabric or the device is missing, the checkpoint belongs to another training, a loss is NaN, a
            process that shares the training ended.
        FolderInUse: another process trains in `folder`.
        KeyboardInterrupt: Ctrl-C, after the batch and its checkpoint.
        RunStopped: the time of `limits.limited` has passed; after the batch and its checkpoint.

    >>> from types import SimpleNamespace
    >>> from unseen.training import Step, Training
    >>> line = torch.nn.Linear(1, 1)
    >>> learner = SimpleNamespace(
    ...     modules={"line": line},
    ...     optimisers={"loss": torch.optim.SGD(line.parameters(), lr=0.1)},
    ...     steps=lambda batch, rng: iter([Step("loss", learner.modules["line"](batch[0]).square().mean())]),
    ...     after_step=lambda parts, rng: None,
    ... )
    >>> train(learner, [torch.ones(8, 1)], Training(epochs=2, batch_size=4, device="cpu")).steps
    4
    """
    settings = under_limits(settings)
    if folder is not None:
        nearest = next(one for one in (folder, *folder.parents) if one.exists())
        if nearest.is_file():
            raise TrainingError(
                f"folder={str(folder)!r}: {nearest} is a file. Give the log and the checkpoint another folder."
            )
    if torch.is_inference_mode_enabled():
        raise TrainingError(
            "nothing is trained under torch.inference_mode. Leave it, or use torch.no_grad in its place."
        )
    n = _length(data)
    size = min(settings.batch_size, n)
    if size < asked(settings):
        raise TrainingError(
            f"a batch of {size} cannot be shared by {asked(settings)} processes. Give fewer devices, or larger batches."
        )
    path = folder / "checkpoint.pt" if folder is not None else None
    marks = checkpoint.fingerprint(learner, data, settings, identity=identity) if path is not None else {}

    def begun() -> Checkpoint | None:
        return None if path is None else checkpoint.read(path, marks=marks)

    found = begun()
    if found is None or found.place.epoch < settings.epochs:
        with contextlib.nullcontext() if folder is None else locked(folder):
            found = begun()  # another process may have written it before the lock
            if found is None or found.place.epoch < settings.epochs:
                return _led(learner, data, settings, found, kept=_Kept(folder, marks, validate, progress))
    found.restore_modules(learner)
    rest(learner)
    return found.history


def _led(
    learner: Learner, data: Sequence[Tensor], settings: Training, found: Checkpoint | None, *, kept: _Kept
) -> History:
    """Run the training that is left, on this process's device or shared with others."""
    with together(settings) as ranks:
        if ranks is None:
            return _trained(learner, data, settings, found, kept=kept)
        check_hooks(learner.optimisers)
        try:
            ranks.send((learner, tuple(data), settings, found, kept.validate is not None))
            return _trained(learner, data, settings, found, kept=kept, ranks=ranks)
        except LostProcess as error:
            cure = "; it resumes from its checkpoint." if kept.folder is not None else "."
            raise LostProcess(f"{error} Start the same training again{cure}") from error


def take_part(
    ranks: Ranks, learner: Learner, data: Sequence[Tensor], settings: Training, found: Checkpoint | None, waits: bool
) -> None:
    """Compute this process's share of a training that rank 0 leads.

    Args:
        ranks: the group.
        learner: as rank 0 began with it; and so on to `found`.
        data: all films.
        settings: of the training.
        found: the checkpoint that it resumes from.
        waits: whether rank 0 validates after each epoch.
    """
    _trained(learner, data, settings, found, kept=_Kept(), ranks=ranks, waits=waits)


@dataclass(frozen=True)
class _Kept:
    """Tasks of the first process besides computing."""

    folder: Path | None = None
    marks: Mapping[str, str] = field(default_factory=dict)
    validate: Callable[[int], Mapping[str, float]] | None = None
    progress: Callable[[Progress], None] | None = None


def _trained(
    learner: Learner,
    data: Sequence[Tensor],
    settings: Training,
    found: Checkpoint | None,
    *,
    kept: _Kept,
    ranks: Ranks | None = None,
    waits: bool = False,
) -> History:
    """Train for the epochs that are left, on this process's device."""
    n, folder = len(data[0]), kept.folder
    size = min(settings.batch_size, n)
    per_epoch = settings.steps_per_epoch(n)  # of full batches: BatchNorm and the step size would see another noise
    steps = settings.epochs * per_epoch
    path = folder / "checkpoint.pt" if folder is not None else None
    fabric = fabric_of(settings, ranks)
    device = str(fabric.device) if ranks is None else f"{ranks.place.size} × {fabric.device}"
    history = History(parts={}, steps=0, seconds=0.0, device=device, steps_per_epoch=per_epoch)
    place = DataPosition()
    rng = torch.Generator().manual_seed(_derived(settings.seed, "draws"))
    with (
        freed_memory_kept(),
        torch.enable_grad(),  # whatever the caller's setting
        own_rng_and_threads(settings, fabric.device),
        wrapped(learner, fabric),
        deferred_interrupt() as stop,
    ):
        torch.manual_seed(_derived(settings.seed, "torch"))  # dropout, and whatever draws without a generator
        if found is not None:
            found.restore(learner, rng, device=fabric.device)
            place, history = found.place, replace(found.history, device=device)
        first, began, saved = history.steps, time.monotonic(), time.monotonic()
        before_s = history.seconds
        diverged: set[str] = set()  # losses that a warning named

        with contextlib.closing(Log(history, path=folder / "log.csv" if folder is not None else None)) as log:

            def save(place: DataPosition) -> None:
                nonlocal history, saved
                history = replace(history, steps=len(history.clock_s), seconds=before_s + time.monotonic() - began)
                if path is not None:
                    checkpoint.write(
                        path, learner, rng, place=place, history=history, marks=kept.marks, device=fabric.device
                    )
                saved = time.monotonic()

            for epoch in range(place.epoch, settings.epochs):
                order = torch.randperm(n, generator=torch.Generator().manual_seed(_derived(settings.seed, epoch)))
                start = place.position if epoch == place.epoch else 0
                for module in learner.modules.values():
                    module.train()

                for position in range(start, per_epoch):
                    over = time_is_up()  # asked before the batch, so that all processes stop after the same one
                    stop.asked = stop.asked or over
                    rows = order[position * size : (position + 1) * size]  # (batch,)
                    if ranks is None:
                        losses, stopped = _one_batch(learner, rows_of(data, rows, fabric), rng, fabric), stop
                    else:
                        losses, stopped = _shared_batch(learner, data, rows, rng, fabric, ranks=ranks, stop=stop)
                    step = epoch * per_epoch + position + 1
                    _finite(losses, learner, step=step, epoch=epoch)
                    if ranks is None or ranks.place.first:
                        diverged |= _warn_of_divergence(
                            losses, learner, history.parts, known=diverged, step=step, epoch=epoch
                        )
                    learner.after_step(losses, rng)

                    spent = time.monotonic() - began
                    log.add(losses, seconds=before_s + spent)
                    if kept.progress is not None:
                        left = spent / (step - first) * (steps - step)
                        kept.progress(Progress(step, steps, epoch + 1, losses, before_s + spent, left))
                    if stopped.asked:
                        save(DataPosition(epoch, position + 1))
                        if over:
                            raise RunStopped(
                                f"the training stopped at step {step} of {steps}, since its time is up. "
                                "Start it again: it resumes from its checkpoint."
                            )
                        raise KeyboardInterrupt
                    by_clock = time.monotonic() - saved >= settings.checkpoint_every_s
                    every = settings.checkpoint_every_steps
                    if step < steps and (by_clock or (every is not None and step % every == 0)):
                        save(DataPosition(epoch, position + 1))

                if kept.validate is not None:
                    for name, value in _validated(learner, kept.validate, epoch + 1, fabric.device).items():
                        history.validation.setdefault(name, [math.nan] * epoch).append(float(value))
                    if folder is not None:
                        history.write_epochs(folder)
                    if ranks is not None:
                        ranks.pass_on(f"validated {epoch}")
                elif waits and ranks is not None:
                    ranks.wait_for(f"validated {epoch}")
            save(DataPosition(settings.epochs, 0))
    return history


def _shared_batch(
    learner: Learner,
    data: Sequence[Tensor],
    rows: Tensor,
    rng: torch.Generator,
    fabric: Fabric,
    *,
    ranks: Ranks,
    stop: Stop,
) -> tuple[dict[str, float], Stop]:
    """Compute this process's share of a batch.

    Return the whole batch's losses, and whether rank 0 was asked to stop.
    """
    share = ranks.share(len(rows))
    with as_part_of_the_batch(share, ranks.sum):
        own = _one_batch(
            learner, rows_of(data, rows[share.rows], fabric), rng, fabric, weight=share.weight, ranks=ranks
        )
    ranks.follow(rng)
    numbers = [*(share.weight * value for value in own.values()), float(stop.asked and ranks.place.first)]
    *means, asked_to = ranks.sum(torch.tensor(numbers, dtype=torch.float64)).tolist()
    return dict(zip(own, means, strict=True)), Stop(asked=bool(asked_to))


def _one_batch(
    learner: Learner,
    batch: tuple[Tensor, ...],
    rng: torch.Generator,
    fabric: Fabric,
    *,
    weight: float = 1.0,
    ranks: Ranks | None = None,
) -> dict[str, float]:
    """Drive the learner's steps on one batch, of which several processes have a share of `weight` each; return every
    loss and part as a number."""
    logged: dict[str, Tensor] = {}
    steps = learner.steps(batch, rng)
    while True:
        with fabric.autocast():  # round the forward passes alone; leaving it forgets the cast weights of the last step
            step = next(steps, None)
        if step is None:
            break
        optimiser = learner.optimisers[step.optimiser]
        optimiser.zero_grad(set_to_none=True)
        weights = [one for group in optimiser.param_groups for one in group["params"]]
        loss = step.loss if ranks is None else step.loss * weight
        fabric.backward(loss, inputs=weights, retain_graph=step.graph_is_shared)  # no gradient for other weights
        if ranks is not None:
            ranks.sum_gradients(weights)
        optimiser.step()
        logged[step.optimiser] = step.loss.detach()
        logged.update({name: part.detach() for name, part in step.parts.items()})
    for optimiser in learner.optimisers.values():
        optimiser.zero_grad(set_to_none=True)  # the next batch's forward passes need not hold these gradients
    if not logged:
        return {}
    values: list[float] = torch.stack([value.double() for value in logged.values()]).tolist()  # one wait for the device
    return dict(zip(logged, values, strict=True))


def _validated(
    learner: Learner, validate: Callable[[int], Mapping[str, float]], epochs: int, device: torch.device
) -> Mapping[str, float]:
    """Call ``validate`` without any effect on the training."""
    for module in learner.modules.values():
        module.eval()
    with torch.no_grad(), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        return validate(epochs)


def _finite(losses: Mapping[str, float], learner: Learner, *, step: int, epoch: int) -> None:
    for name in learner.optimisers:
        if not math.isfinite(losses.get(name, 0.0)):
            raise TrainingError(
                f"the loss of {name} is {losses[name]} at step {step} (epoch {epoch + 1}). "
                "Check the films for NaN, lower the learning rate, or use precision fp32."
            )


def _warn_of_divergence(
    losses: Mapping[str, float],
    learner: Learner,
    before: Mapping[str, Sequence[float]],
    *,
    known: Container[str],
    step: int,
    epoch: int,
) -> set[str]:
    """Warn once of each loss that is far above its first values, and return their names.

    It does not stop: the best weights of an earlier epoch can still be what it returns.

    Args:
        losses: of this step.
        learner: whose optimisers name the losses.
        before: each loss at all steps before.
        known: losses that a warning has named.
        step: from 1.
        epoch: from 0.
    """
    found = set()
    for name in learner.optimisers:
        first = [abs(value) for value in before.get(name, ())[:FIRST_STEPS] if not math.isnan(value)]
        if name in known or not first or abs(losses.get(name, 0.0)) <= DIVERGED * max(1.0, *first):
            continue
        found.add(name)
        warnings.warn(
            f"The training diverges: the loss of {name} is {losses[name]:.3g} at step {step} (epoch {epoch + 1}), and "
            f"was at most {max(first):.3g} in the first {len(first)} steps. Lower the learning rate, or clip the "
            "gradients in an optimiser of your own.",
            UserWarning,
            stacklevel=3,
        )
    return found


def _length(data: Sequence[Tensor]) -> int:
    lengths = [len(tensor) for tensor in data]
    if not lengths or min(lengths) != max(lengths) or lengths[0] == 0:
        raise TrainingError(f"data needs tensors of one length, at least 1; seen lengths {lengths}.")
    return lengths[0]


def _derived(seed: int, purpose: str | int) -> int:
    """Return a seed of its own for each purpose and each epoch, so that no two streams are alike."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:7], "big")
