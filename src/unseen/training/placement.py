"""Placement of a training: Fabric on one device, and what lies there while it trains.

Lightning Fabric moves modules to the device and sets the precision. Each process of a training on several devices has
one device and a Fabric of its own.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import platform
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from unseen.artifacts.installing import install_command
from unseen.training.learner import Learner
from unseen.training.precision import warn_of_emulation
from unseen.training.ranks import Ranks
from unseen.training.settings import Training, TrainingError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

# Measured with four 64 px, 32-feature DCGAN nets (GANomaly), batch 32, on an EPYC with AVX512-BF16: channels-last takes
# 1-9 % off a step in fp32 and in bf16, on one thread and on two, though the films have one channel.
_LAYOUT = torch.channels_last


def fabric_of(settings: Training, ranks: Ranks | None = None) -> Fabric:
    """Return Fabric on this process's device; for Fabric there is one process."""
    try:
        import lightning_fabric  # noqa: F401 - checks that it is installed
    except ImportError as error:
        raise TrainingError(f"training needs Lightning Fabric: {install_command('unseen[train]')}") from error
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # at INFO it announces the precision on stderr
    kind, _, index = settings.device.partition(":")
    if kind == "cuda" and (not torch.cuda.is_available() or int(index or 0) >= torch.cuda.device_count()):
        raise TrainingError(
            f"training.device is {settings.device}, but torch sees {torch.cuda.device_count()} CUDA devices. "
            "Use auto or cpu."
        )

    warn_of_emulation(settings.precision, settings.device)
    devices: tuple[int, ...] = (int(index),) if index else ()
    if ranks is not None and (kind == "cuda" or (kind == "auto" and torch.cuda.is_available())):
        devices = (ranks.place.local,)
    return _fabric(kind, devices, settings.precision)


@functools.cache
def _fabric(accelerator: str, devices: tuple[int, ...], precision: str) -> Fabric:
    """Return the Fabric that trainings with the same settings share.

    It holds no state of a training. Making one takes 7 ms, since it reads the entry points of all installed packages.

    Args:
        accelerator: kind of device.
        devices: their numbers; empty: one, of any number.
        precision: of the settings.
    """
    from lightning_fabric import Fabric
    from lightning_fabric.plugins import MixedPrecision, Precision
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment

    class Rounded(MixedPrecision):
        """Nothing scales the loss, as fp16 would ask for: a learner may take slopes itself, as a critic's penalty."""

        backward = Precision.backward

    one_process = LightningEnvironment()  # also inside a cluster job that was given several
    given = list(devices) or 1
    if precision == "fp32":
        return Fabric(accelerator=accelerator, devices=given, plugins=[one_process])
    kind = _fabric(accelerator, devices, "fp32").device.type
    return Fabric(accelerator=accelerator, devices=given, plugins=[one_process, Rounded("bf16-mixed", kind)])


def threads_of(settings: Training) -> int:
    """Return the number of CPU threads of each process.

    >>> threads_of(Training(threads=3))
    3
    """
    return settings.threads or max(1, torch.get_num_threads() // settings.devices)


def computed_on(device: str, settings: Training) -> str:
    """Return the devices of a finished training, the processor and its threads, for a model's card."""
    return f"{device} ({platform.machine()}), {threads_of(settings)} thread(s)"


def rows_of(data: Sequence[Tensor], rows: Tensor, fabric: Fabric) -> tuple[Tensor, ...]:
    """Return these rows of each tensor on the device: (rows, ...) each."""
    return tuple(_moved(tensor[rows], fabric.device) for tensor in data)


def _moved(tensor: Tensor, device: torch.device) -> Tensor:
    if tensor.ndim == 4 and tensor.is_floating_point():
        return tensor.to(device, memory_format=_LAYOUT)
    return tensor.to(device)


@contextlib.contextmanager
def own_rng_and_threads(settings: Training, device: torch.device) -> Iterator[None]:
    """Set torch's generators and number of threads for the training; the caller's are restored at the end."""
    threads = torch.get_num_threads()
    torch.set_num_threads(threads_of(settings))
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            yield
    finally:
        torch.set_num_threads(threads)


@contextlib.contextmanager
def wrapped(learner: Learner, fabric: Fabric) -> Iterator[None]:
    """Put the learner's modules on the device under Fabric; the plain ones are put back, at rest on the CPU."""
    plain = dict(learner.modules)
    try:
        for name, module in plain.items():
            # mypy: torch types `to` by overloads that leave the memory format alone out
            learner.modules[name] = fabric.setup_module(module.to(memory_format=_LAYOUT))  # type: ignore[call-overload]
        yield
    finally:
        learner.modules.update(plain)
        rest(learner)


def rest(learner: Learner) -> None:
    """Put the modules on the CPU, contiguous, in eval mode."""
    for module in learner.modules.values():
        module.to("cpu", memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
