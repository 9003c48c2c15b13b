"""`learn`: a reconstructor from measurements alone, its learner, and the checks before it.

What `learn` gives the training loop: the reconstructor, Adam, and the losses on a batch of measurements.

Measurements are looked at before anything is learnt from them: shape, kind of number, and whether all are finite.
"""

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unseen.artifacts.errors import UserError
from unseen.losses.loss import UNITS, Loss, Seen, Units
from unseen.physics.algebra import Shape, describe
from unseen.physics.measurement import Measurement
from unseen.physics.operator import Operator
from unseen.reconstruction.architectures import ArtifactRemoval
from unseen.reconstruction.reconstructor import Reconstructor
from unseen.training.learner import Step, steps_taken
from unseen.training.loop import Progress, train
from unseen.training.settings import Training

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
        units: Units = UNITS,
    ) -> None:
        self.units = units
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
            units=self.units,
        )
        parts = {
            name: loss.in_own_scale(loss(seen, generator=rng).mean(), self.units) for name, loss in self.losses.items()
        }
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
                "A of an image": _mark(self.process.A),
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
    """Two figures of what A makes of one image: another mask or other angles of the same shape give others."""
    dtype = torch.complex64 if A.complex_domain else torch.float32
    image = torch.randn(A.batch or 1, *A.domain, dtype=dtype, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        sizes = A(image).abs().double().flatten()
    return [f"{sizes.mean():.5g}", f"{(sizes * torch.linspace(0, 1, len(sizes), dtype=torch.float64)).mean():.5g}"]


Array = NDArray[Any]  # Any: numbers of whatever kind a file holds


class MeasurementError(UserError, ValueError):
    """Measurements or images that do not fit their process: what was expected, and what was seen."""


def tensor_of(values: Tensor | Array) -> Tensor:
    """A tensor as it is; an array as a tensor in single precision, real or complex.

    Raises:
        MeasurementError: an array of something else than numbers.

    >>> tensor_of(np.array([1, 2])).dtype, tensor_of(np.array([1j])).dtype
    (torch.float32, torch.complex64)
    """
    if isinstance(values, Tensor):
        return values
    values = np.asarray(values)
    if values.dtype.kind not in "biufc":
        raise MeasurementError(f"measurements and images are numbers, but got {values.dtype}.")
    return torch.from_numpy(np.ascontiguousarray(values, np.complex64 if values.dtype.kind == "c" else np.float32))


def check_measurements(y: Tensor, process: Measurement) -> None:
    """Raises MeasurementError, a ValueError, unless y is finite and has the shape and type of A's range."""
    A = process.A
    _check(y, A.range, f"Measurements by {A}", complex_expected=_measures_complex(A))


def check_images(x: Tensor, process: Measurement) -> None:
    """The same of images, (n, *A.domain)."""
    A = process.A
    _check(x, A.domain, f"Images of {A}", complex_expected=A.complex_domain)


def _check(tensor: Tensor, shape: Shape, what: str, *, complex_expected: bool) -> None:
    if tuple(tensor.shape[1:]) != tuple(shape) or len(tensor) == 0:
        expected = ", ".join(["n", *map(str, shape)])
        raise MeasurementError(f"{what} are ({expected}), n at least 1, but got {describe(tuple(tensor.shape))}.")
    if tensor.is_complex() != complex_expected or not (tensor.is_complex() or tensor.is_floating_point()):
        kind = "complex" if complex_expected else "real floating-point"
        raise MeasurementError(f"{what} are {kind} numbers, but got {tensor.dtype}.")
    finite = torch.isfinite(tensor)
    if not bool(finite.all()):
        bad = int((~finite).sum())
        raise MeasurementError(f"{what} are finite, but {bad} of {tensor.numel()} numbers are NaN or infinite.")


def _measures_complex(A: Operator) -> bool:
    nothing = torch.zeros(A.batch or 1, *A.domain, dtype=torch.complex64 if A.complex_domain else torch.float32)
    with torch.no_grad():
        return A(nothing).is_complex()


PREPARED_ON = 64  # measurements from which a network's units are found: enough for a root mean square


def learn(
    measurements: Tensor | Array,
    process: Measurement,
    *,
    losses: Sequence[Loss],
    truth: Tensor | Array | None = None,
    operators: Tensor | None = None,
    network: Reconstructor | nn.Module | None = None,
    training: Training | None = None,
    learning_rate: float = 5e-4,
    milestones: Sequence[int] = (),
    folder: Path | None = None,
    validate: Callable[[Reconstructor, int], Mapping[str, float]] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Reconstructor:
    """Train f(y, process) → x̂ by Adam on the weighted sum of `losses`, each in the reconstructor's own scale.

    That scale is the size of f's first images, and of what white noise of that size adds to a measurement: so the
    same images in other units, or measured by 2 · A, are learnt alike, and the same weights balance the losses.

    The same seed, settings, measurements, device and number of threads give the same weights, bit for bit, also where
    an interrupted training is resumed from its folder.

    Args:
        measurements: (n, *A.range), on the CPU. An array, here and as `truth`, becomes a tensor in single precision.
        process: how they were made. Where A has an operator for each of several samples, see `operators`.
        losses: the terms of the objective: MC and EQ are EI; SURE and REQ, REI.
        truth: (n, *A.domain), for losses that need x; None: it was never seen.
        operators: (n,), which of A's operators each measurement was made with; None: the i-th with the i-th.
        network: a reconstructor, trained in place (further, if it was trained); or any network from images to
            images, which becomes an `ArtifactRemoval`'s; None: an `ArtifactRemoval`, whose first weights are
            drawn from `training.seed`.
        training: epochs, batch size, seed, precision, device; None: 100 epochs, batches of 4.
        learning_rate: of Adam, > 0; its weight decay is 1e-8.
        milestones: after so many epochs each, the rate is divided by 10.
        folder: for the log and the checkpoint from which the same call resumes; None: nothing is written.
        validate: called after each epoch with f, in eval mode, and the number of epochs done; what it returns is kept
            in `f.history.validation`, and changes nothing.
        progress: called after each step.

    Returns:
        f, in eval mode, on the CPU; `f.history` holds every loss.

    Raises:
        ValueError: measurements, truth or operators do not fit the process or are not finite, or a loss needs the
            truth and there is none.
        TrainingError: the checkpoint belongs to another training, a device is missing, a loss is NaN.
        KeyboardInterrupt: Ctrl-C, after the batch and its checkpoint.

    Source: settings of Chen, Tachella & Davies, ICCV 2021 and CVPR 2022 (Adam, rate 5e-4, weight decay 1e-8, steps of
    0.1).
    """
    training = training or Training(epochs=100, batch_size=4)
    y, x = tensor_of(measurements), None if truth is None else tensor_of(truth)
    check_measurements(y, process)
    rows = _operator_rows(len(y), process, operators)
    if x is not None:
        check_images(x, process)
    _check_settings(y, x, losses, learning_rate, milestones)
    f = _reconstructor(network, process, seed=training.seed)
    some = torch.arange(min(PREPARED_ON, len(y)))
    first, measured_by = y[some], process.select(rows[some])
    if not f.trained_on:
        f.prepare(first, measured_by)
    learner = ReconstructionLearner(
        f,
        process,
        losses,
        learning_rate=learning_rate,
        milestones=milestones,
        steps_per_epoch=max(1, len(y) // min(training.batch_size, len(y))),
        units=Units.of(f.size_of_images(first, measured_by), first, measured_by),
    )
    data = (y, rows) if x is None else (y, rows, x)

    def validated(epochs: int) -> Mapping[str, float]:
        return {} if validate is None else validate(f, epochs)

    f.history = train(
        learner,
        data,
        training,
        folder=folder,
        validate=None if validate is None else validated,
        progress=progress,
        identity=learner.identity(),
    )
    threads = training.threads or torch.get_num_threads()
    f.trained_on = f"{f.history.device} ({platform.machine()}), {threads} thread(s)"
    f.training_digests = tuple(map(_digest, y))
    f.process = process
    return f


def _reconstructor(network: Reconstructor | nn.Module | None, process: Measurement, *, seed: int) -> Reconstructor:
    if isinstance(network, Reconstructor):
        return network
    if network is not None:
        return ArtifactRemoval.for_process(process, network=network)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ArtifactRemoval.for_process(process)


def _operator_rows(n: int, process: Measurement, operators: Tensor | None) -> Tensor:
    """(n,), int64: which of A's operators each measurement was made with; zeros where one A serves all."""
    count = process.A.batch
    if operators is None:
        if count not in (None, n):
            raise ValueError(
                f"A has {count} operators and there are {n} measurements: say by operators=(n,) which was made with "
                "which."
            )
        return torch.zeros(n, dtype=torch.int64) if count is None else torch.arange(n)
    if count is None:
        raise ValueError("operators assigns one of A's operators to each measurement, but A has only one operator.")
    whole = not (operators.is_floating_point() or operators.is_complex() or operators.dtype == torch.bool)
    if tuple(operators.shape) != (n,) or not whole or not bool(((operators >= 0) & (operators < count)).all()):
        raise ValueError(
            f"operators are {n} whole numbers from 0 to {count - 1}, one for each measurement, but got "
            f"{operators.dtype} of shape {tuple(operators.shape)}"
            + (f" from {operators.min()} to {operators.max()}." if operators.numel() else ".")
        )
    return operators.to(torch.int64)


def _check_settings(
    measurements: Tensor,
    truth: Tensor | None,
    losses: Sequence[Loss],
    learning_rate: float,
    milestones: Sequence[int],
) -> None:
    if not losses or not all(isinstance(loss, Loss) for loss in losses):
        raise ValueError(f"losses is at least one Loss, such as [MeasurementConsistency()], but got {list(losses)}.")
    if truth is None and (needing := [type(loss).__name__ for loss in losses if "x" in loss.needs]):
        raise ValueError(f"{', '.join(needing)} needs the truth: give truth=(n, *A.domain).")
    if truth is not None and len(truth) != len(measurements):
        raise ValueError(f"There are {len(measurements)} measurements, but {len(truth)} images of the truth.")
    if not learning_rate > 0:
        raise ValueError(f"The learning rate is above 0, but got {learning_rate}.")
    if any(epoch < 1 for epoch in milestones):
        raise ValueError(f"milestones are numbers of epochs, at least 1 each, but got {list(milestones)}.")


def _digest(y: Tensor) -> str:
    raw = y.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    return hashlib.sha256(raw.numpy().data).hexdigest()
