"""The training loop, and the precision that a device computes fastest in.

Whether a device computes in bfloat16: it then takes half the time of single precision, and elsewhere up to three
times as long.

The training loop: epochs, batches, steps; a log line each; a checkpoint now and then. There is no other.

Lightning Fabric moves modules to the device and sets the precision; everything else is in plain sight below.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from unseen.training import checkpoint
from unseen.training.checkpoint import Place, deferred_interrupt
from unseen.training.history import History, Log
from unseen.training.learner import Learner
from unseen.training.settings import Training, TrainingError

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def fastest_precision(device: str = "auto") -> Literal["fp32", "bf16"]:
    """bf16 where the device has instructions for it, else fp32.

    Args:
        device: auto, cpu, mps, cuda or cuda:1, as in `Training.device`.

    >>> fastest_precision("cpu") in ("fp32", "bf16")
    True
    """
    kind = device.partition(":")[0]
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "cpu"
    if kind == "cuda":
        return (
            "bf16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
        )
    found = torch.cpu.get_capabilities() if kind == "cpu" else {}
    return "bf16" if any(name.endswith("bf16") and there is True for name, there in found.items()) else "fp32"


# Measured with four 64 px, 32-feature DCGAN nets (GANomaly), batch 32, on an EPYC with AVX512-BF16: channels-last takes
# 1-9 % off a step in fp32 and in bf16, on one thread and on two, though the films have one channel.
_LAYOUT = torch.channels_last


@dataclass(frozen=True)
class Progress:
    """How far a training is, after each step. ``str(progress)`` is a line to print.

    Args:
        step: batches that are done.
        steps: batches of the whole training.
        epoch: the current one, from 1.
        losses: what the step logged.
        seconds: spent so far.
        remaining_s: seconds to go at this run's pace.

    >>> str(Progress(step=3, steps=9, epoch=1, losses={"loss": 0.5}, seconds=1.0, remaining_s=62.0))
    'step 3/9  epoch 1  loss 0.5  1:02 left'
    """

    step: int
    steps: int
    epoch: int
    losses: Mapping[str, float]
    seconds: float
    remaining_s: float

    def __str__(self) -> str:
        losses = "  ".join(f"{name} {value:.4g}" for name, value in self.losses.items())
        minutes, seconds = divmod(round(self.remaining_s), 60)
        return f"step {self.step}/{self.steps}  epoch {self.epoch}  {losses}  {minutes}:{seconds:02d} left"


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

    Raises:
        TrainingError: Fabric or the device is missing, the checkpoint belongs to another training, a loss is NaN.
        KeyboardInterrupt: Ctrl-C, after the batch and its checkpoint.

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
    n = _length(data)
    size = min(settings.batch_size, n)
    per_epoch = n // size  # a short last batch is dropped: BatchNorm and the step size would see another noise
    steps = settings.epochs * per_epoch
    path = folder / "checkpoint.pt" if folder is not None else None
    marks = checkpoint.fingerprint(learner, data, settings, identity=identity) if path is not None else {}
    found = checkpoint.read(path, marks=marks) if path is not None else None
    if found is not None and found.place.epoch == settings.epochs:
        found.restore_modules(learner)
        _rest(learner)
        return found.history
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)

    fabric = _fabric(settings)
    history = History(parts={}, steps=0, seconds=0.0, device=str(fabric.device), steps_per_epoch=per_epoch)
    place = Place()
    rng = torch.Generator().manual_seed(_derived(settings.seed, "draws"))
    with _own_rng_and_threads(settings, fabric.device), _wrapped(learner, fabric), deferred_interrupt() as stop:
        torch.manual_seed(_derived(settings.seed, "torch"))  # dropout, and whatever draws without a generator
        if found is not None:
            found.restore(learner, rng, device=fabric.device)
            place, history = found.place, replace(found.history, device=str(fabric.device))
        first, began, saved = history.steps, time.monotonic(), time.monotonic()
        before_s = history.seconds

        with contextlib.closing(Log(history, path=folder / "log.csv" if folder is not None else None)) as log:

            def save(place: Place) -> None:
                nonlocal history, saved
                history = replace(history, steps=len(history.clock_s), seconds=before_s + time.monotonic() - began)
                if path is not None:
                    checkpoint.write(
                        path, learner, rng, place=place, history=history, marks=marks, device=fabric.device
                    )
                saved = time.monotonic()

            for epoch in range(place.epoch, settings.epochs):
                order = torch.randperm(n, generator=torch.Generator().manual_seed(_derived(settings.seed, epoch)))
                start = place.position if epoch == place.epoch else 0
                for module in learner.modules.values():
                    module.train()

                for position in range(start, per_epoch):
                    rows = order[position * size : (position + 1) * size]  # (batch,)
                    batch = tuple(_moved(tensor[rows], fabric.device) for tensor in data)  # (batch, ...) each
                    losses = _one_batch(learner, batch, rng, fabric)
                    step = epoch * per_epoch + position + 1
                    _finite(losses, learner, step=step, epoch=epoch)
                    learner.after_step(losses, rng)

                    spent = time.monotonic() - began
                    log.add(losses, seconds=before_s + spent)
                    if progress is not None:
                        left = spent / (step - first) * (steps - step)
                        progress(Progress(step, steps, epoch + 1, losses, before_s + spent, left))
                    if stop.asked:
                        save(Place(epoch, position + 1))
                        raise KeyboardInterrupt
                    by_clock = time.monotonic() - saved >= settings.checkpoint_every_s
                    every = settings.checkpoint_every_steps
                    if step < steps and (by_clock or (every is not None and step % every == 0)):
                        save(Place(epoch, position + 1))

                if validate is not None:
                    for name, value in _validated(learner, validate, epoch + 1, fabric.device).items():
                        history.validation.setdefault(name, [math.nan] * epoch).append(float(value))
                    if folder is not None:
                        history.write_epochs(folder)
            save(Place(settings.epochs, 0))
    return history


def _one_batch(learner: Learner, batch: tuple[Tensor, ...], rng: torch.Generator, fabric: Fabric) -> dict[str, float]:
    """Drive the learner's steps on one batch; return every loss and part as a number."""
    logged: dict[str, Tensor] = {}
    steps = learner.steps(batch, rng)
    while True:
        with fabric.autocast():  # round the forward passes alone; leaving it forgets the cast weights of the last step
            step = next(steps, None)
        if step is None:
            break
        optimiser = learner.optimisers[step.optimiser]
        optimiser.zero_grad(set_to_none=True)
        weights = [weight for group in optimiser.param_groups for weight in group["params"]]
        fabric.backward(step.loss, inputs=weights, retain_graph=step.graph_is_shared)  # no gradient for other weights
        optimiser.step()
        logged[step.optimiser] = step.loss.detach()
        logged.update({name: part.detach() for name, part in step.parts.items()})
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


def _length(data: Sequence[Tensor]) -> int:
    lengths = [len(tensor) for tensor in data]
    if not lengths or min(lengths) != max(lengths) or lengths[0] == 0:
        raise TrainingError(f"data needs tensors of one length, at least 1; seen lengths {lengths}.")
    return lengths[0]


def _derived(seed: int, purpose: str | int) -> int:
    """A seed of its own for each purpose and each epoch, so that no two streams are alike."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{purpose}".encode()).digest()[:7], "big")


def _fabric(settings: Training) -> Fabric:
    try:
        from lightning_fabric import Fabric
        from lightning_fabric.plugins import MixedPrecision, Precision
        from lightning_fabric.plugins.environments.lightning import LightningEnvironment
    except ImportError as error:
        raise TrainingError('training needs Lightning Fabric: pip install "unseen[train]"') from error
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # at INFO it announces the precision on stderr
    kind, _, index = settings.device.partition(":")
    if kind == "cuda" and (not torch.cuda.is_available() or int(index or 0) >= torch.cuda.device_count()):
        raise TrainingError(
            f"training.device is {settings.device}, but torch sees {torch.cuda.device_count()} CUDA devices. "
            "Use auto or cpu."
        )

    class Rounded(MixedPrecision):
        """Nothing scales the loss, as fp16 would ask for: a learner may take slopes itself, as a critic's penalty."""

        backward = Precision.backward

    devices = [int(index)] if index else 1
    one_process = LightningEnvironment()  # also inside a cluster job that was given several
    fabric = Fabric(accelerator=kind, devices=devices, plugins=[one_process])
    if settings.precision == "fp32":
        return fabric
    rounded = Rounded("bf16-mixed", fabric.device.type)
    return Fabric(accelerator=kind, devices=devices, plugins=[one_process, rounded])


def _moved(tensor: Tensor, device: torch.device) -> Tensor:
    if tensor.ndim == 4 and tensor.is_floating_point():
        return tensor.to(device, memory_format=_LAYOUT)
    return tensor.to(device)


@contextlib.contextmanager
def _own_rng_and_threads(settings: Training, device: torch.device) -> Iterator[None]:
    """Torch's generators and number of threads for the training; the caller's are given back after."""
    threads = torch.get_num_threads()
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            yield
    finally:
        torch.set_num_threads(threads)


@contextlib.contextmanager
def _wrapped(learner: Learner, fabric: Fabric) -> Iterator[None]:
    """The learner's modules on the device under Fabric; the plain ones are put back, at rest on the CPU."""
    plain = dict(learner.modules)
    try:
        for name, module in plain.items():
            # mypy: torch types `to` by overloads that leave the memory format alone out
            learner.modules[name] = fabric.setup_module(module.to(memory_format=_LAYOUT))  # type: ignore[call-overload]
        yield
    finally:
        learner.modules.update(plain)
        _rest(learner)


def _rest(learner: Learner) -> None:
    for module in learner.modules.values():
        module.to("cpu", memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
