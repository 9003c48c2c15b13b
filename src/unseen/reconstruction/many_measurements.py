"""Reconstruction of arrays of measurements, as they come from files."""

from collections.abc import Callable

import torch
from torch import Tensor

from unseen.physics.measurement import Measurement
from unseen.reconstruction.measurements import (
    Array,
    MeasurementError,
    check_measurements,
    operator_rows,
    tensor_of,
)
from unseen.reconstruction.reconstructor import Reconstructor, check_levels
from unseen.reconstruction.start_noise import warn_of_scale


def reconstructed(
    f: Reconstructor, measurements: Array, *, operators: Array | None = None, batch_size: int = 8
) -> Tensor:
    """x̂ of every measurement under the process that f has learnt under, on whatever device f is.

    Args:
        f: with its process, as `load` gives it.
        measurements, operators, batch_size: as in `applied`.

    Returns:
        (n, *A.domain), on the CPU.

    Raises:
        MeasurementError: as in `applied`, or f does not know its process.

    Warns:
        UserWarning: the measurements are in other units than those of the training.
    """
    process = f.process
    if process is None:
        raise MeasurementError(
            "this model was saved without its process, so it must be given one: load(folder, process=…), or --operator "
            "scan.toml on the command line."
        )
    y = tensor_of(measurements)
    check_levels(f, y)
    device = next(f.parameters()).device
    images = applied(f, process, measurements, operators=operators, batch_size=batch_size, device=device)
    if f.trained_on and process.batch is None:
        some = y[None] if tuple(y.shape) == tuple(process.A.range) else y[:batch_size]
        warn_of_scale(f, some.to(device), process)
    return images


def applied(
    f: Callable[[Tensor, Measurement], Tensor],
    process: Measurement,
    measurements: Array,
    *,
    operators: Array | None = None,
    batch_size: int = 8,
    device: torch.device | str = "cpu",
) -> Tensor:
    """f(y, process), some measurements at a time.

    Args:
        f: y (batch, *A.range) and its process to x̂ (batch, *A.domain).
        process: what measured.
        measurements: (n, *A.range), or one, A.range; whole numbers and double precision become single precision.
        operators: (n,), which of A's operators each was made with, where A has several.
        batch_size: how many go through f at a time.
        device: where f computes.

    Returns:
        (n, *A.domain), on the CPU.

    Raises:
        MeasurementError: they are not what A measures, or operators are missing or wrong.
    """
    A = process.A
    y = tensor_of(measurements)
    if tuple(y.shape) == tuple(A.range):
        y = y[None]
    check_measurements(y, process)
    if (A.batch is None) != (operators is None):
        needed = "is one for all: leave operators out" if A.batch is None else f"has {A.batch}: say which was used"
        raise MeasurementError(f"A {needed}.")
    rows = operator_rows(len(y), process, operators)
    images = []
    with torch.no_grad():
        for start in range(0, len(y), batch_size):
            part = slice(start, start + batch_size)
            images.append(f(y[part].to(device), process.select(rows[part])).cpu())
    return torch.cat(images)
