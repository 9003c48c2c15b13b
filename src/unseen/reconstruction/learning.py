"""`learn`: a reconstructor from measurements alone (or with the truth, for those who have it), on the common loop."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from unseen.losses.loss import Loss
from unseen.physics.measurement import Measurement
from unseen.reconstruction.artifact_removal import ArtifactRemoval
from unseen.reconstruction.checking import Array, check_measurements, check_pictures, tensor_of
from unseen.reconstruction.learner import ReconstructionLearner
from unseen.reconstruction.reconstructor import Reconstructor
from unseen.training.loop import Progress, train
from unseen.training.settings import Training

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
    """Train f(y, process) → x̂ by Adam on the weighted sum of `losses`.

    The same seed, settings, measurements, device and number of threads give the same weights, bit for bit, also where
    a training that was killed goes on from its folder.

    Args:
        measurements: (n, *A.range), on the CPU. An array, here and as `truth`, becomes a tensor in single precision.
        process: how they were made. Where A has an operator for each of several samples, see `operators`.
        losses: what is descended: MC and EQ are EI; SURE and REQ, REI.
        truth: (n, *A.domain), for losses that need x; None: it was never seen.
        operators: (n,), which of A's operators each measurement was made with; None: the i-th with the i-th.
        network: a reconstructor, trained in place (further, if it was trained); or any network from pictures to
            pictures, which becomes an `ArtifactRemoval`'s; None: an `ArtifactRemoval`, whose first weights are
            drawn from `training.seed`.
        training: epochs, batch size, seed, precision, device; None: 100 epochs, batches of 4.
        learning_rate: of Adam, > 0; its weight decay is 1e-8.
        milestones: after so many epochs each, the rate is divided by 10.
        folder: gets the log and the checkpoint from which the same call goes on; None: nothing is written.
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
        check_pictures(x, process)
    _check_settings(y, x, losses, learning_rate, milestones)
    f = _reconstructor(network, process, seed=training.seed)
    if not f.trained_on:
        some = torch.arange(min(PREPARED_ON, len(y)))
        f.prepare(y[some], process.select(rows[some]))
    learner = ReconstructionLearner(
        f,
        process,
        losses,
        learning_rate=learning_rate,
        milestones=milestones,
        steps_per_epoch=max(1, len(y) // min(training.batch_size, len(y))),
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
    """(n,), int64: which of A's operators each measurement was made with; noughts where one A serves all."""
    count = process.A.batch
    if operators is None:
        if count not in (None, n):
            raise ValueError(
                f"A has {count} operators and there are {n} measurements: say by operators=(n,) which was made with "
                "which."
            )
        return torch.zeros(n, dtype=torch.int64) if count is None else torch.arange(n)
    if count is None:
        raise ValueError("operators says which of A's operators each measurement was made with, but A is one for all.")
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
        raise ValueError(f"There are {len(measurements)} measurements, but {len(truth)} pictures of the truth.")
    if not learning_rate > 0:
        raise ValueError(f"The learning rate is above 0, but got {learning_rate}.")
    if any(epoch < 1 for epoch in milestones):
        raise ValueError(f"milestones are numbers of epochs, at least 1 each, but got {list(milestones)}.")


def _digest(y: Tensor) -> str:
    raw = y.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    return hashlib.sha256(raw.numpy().data).hexdigest()
