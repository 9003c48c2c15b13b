"""Checks of measurements and settings before a training, and warnings of measurements that fit neither their images nor
the stated noise or mask; operator and noise level of each measurement.

The checks cover the shape, the kind of number, whether all are finite, and which operator each measurement was made
with.
"""

import math
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, SequentialSampler

from unseen.artifacts.errors import UserError
from unseen.losses.loss import Loss, noise_energy, observed
from unseen.losses.sums import squares
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.measurement import Measurement
from unseen.physics.numpy_arrays import MASKED
from unseen.physics.operator import Operator
from unseen.physics.shape_remedies import shape_remedy
from unseen.physics.tensor_products import Shape, describe

Array = NDArray[Any]  # Any: numbers of whatever kind a file holds


class MeasurementError(UserError, ValueError):
    """Measurements or images that do not fit their process: what was expected, and what was seen."""


def tensor_of(values: Tensor | Array) -> Tensor:
    """Return a tensor as it is; an array as a tensor in single precision, real or complex.

    Raises:
        MeasurementError: an array of something else than numbers, or one with masked values.

    >>> tensor_of(np.array([1, 2])).dtype, tensor_of(np.array([1j])).dtype
    (torch.float32, torch.complex64)
    """
    if isinstance(values, Tensor):
        return values
    if np.ma.is_masked(values):
        raise MeasurementError(MASKED)
    values = np.asarray(values)
    if values.dtype.kind not in "biufc":
        raise MeasurementError(f"measurements and images are numbers, but got {values.dtype}.")
    numbers = np.ascontiguousarray(values, np.complex64 if values.dtype.kind == "c" else np.float32)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")  # nothing here writes to it
        return torch.from_numpy(numbers)


def gathered(measurements: Tensor | Array | Iterable[Tensor | Array], *, ordered: bool = False) -> Tensor:
    """Return measurements as one tensor, (n, *A.range).

    Those of an iterable go to a temporary file that is mapped into memory, so that they may be more than memory holds.

    Args:
        measurements: (n, *A.range); or an iterable of measurements, A.range each; or a `DataLoader` of batches of them.
        ordered: whether their order matters, since others (such as truths) go with them.

    Raises:
        MeasurementError: they differ in shape or kind, or there is none; a `DataLoader` shuffles where the order
            matters, or gives other tensors besides the measurements.

    >>> gathered(np.full((1, 2), i) for i in range(3)).shape
    torch.Size([3, 1, 2])
    """
    if isinstance(measurements, Tensor | np.ndarray):
        return tensor_of(measurements)
    shape, kind, count = None, np.dtype(np.float32), 0
    with tempfile.TemporaryFile() as file:  # gone with the last mapping
        for one in _one_by_one(measurements, ordered=ordered):
            array = tensor_of(one).detach().cpu().numpy()
            if shape is None:
                shape, kind = array.shape, array.dtype
            if (array.shape, array.dtype) != (shape, kind):
                raise MeasurementError(
                    f"measurements are alike, but number {count} is {array.dtype} of shape {array.shape}, and the "
                    f"first is {kind} of shape {shape}."
                )
            file.write(array.tobytes())
            count += 1
        if shape is None:
            raise MeasurementError("there is no measurement to learn from.")
        file.flush()
        return torch.from_numpy(np.asarray(np.memmap(file, kind, mode="c", shape=(count, *shape))))


def _one_by_one(measurements: Iterable[Tensor | Array], *, ordered: bool) -> Iterator[Tensor | Array]:
    if not isinstance(measurements, DataLoader):
        yield from map(_alone, measurements)
        return
    if ordered and not isinstance(measurements.sampler, SequentialSampler):
        raise MeasurementError(
            "the DataLoader draws measurements in another order than the truth, operators, noise levels or subjects "
            "that go with them. Make it with shuffle=False: learn draws its own batches."
        )
    for batch in measurements:
        if measurements.batch_size is None and measurements.batch_sampler is None:
            yield _alone(batch)
        else:
            yield from tensor_of(_alone(batch))


def _alone(item: object) -> Tensor | Array:
    """Return a measurement, or the only element of a tuple such as a `TensorDataset` gives."""
    if isinstance(item, list | tuple):
        if len(item) != 1:
            raise MeasurementError(
                f"a measurement is one tensor or array, but got {len(item)} together. Give the measurements alone, and "
                "images that are known as truth=(n, *A.domain)."
            )
        item = item[0]
    if not isinstance(item, Tensor | np.ndarray):
        raise MeasurementError(f"a measurement is one tensor or array, but got a {type(item).__name__}.")
    return item


def check_measurements(y: Tensor, process: Measurement) -> None:
    """Raise MeasurementError, a ValueError, unless y is finite and has the shape and type of A's range."""
    A = process.A
    _check(y, A.range, f"Measurements by {A}", complex_expected=_measures_complex(A))


def check_images(x: Tensor, process: Measurement) -> None:
    """Raise MeasurementError unless images, (n, *A.domain), are finite and have the shape and type of A's domain."""
    A = process.A
    _check(x, A.domain, f"Images of {A}", complex_expected=A.complex_domain)


def _check(tensor: Tensor, shape: Shape, what: str, *, complex_expected: bool) -> None:
    if tuple(tensor.shape[1:]) != tuple(shape) or len(tensor) == 0:
        expected = ", ".join(["n", *map(str, shape)])
        got = tuple(tensor.shape)
        remedy = shape_remedy(got, tuple(shape), complex_too=complex_expected)
        raise MeasurementError(f"{what} are ({expected}), n at least 1, but got {describe(got)}.{remedy}")
    if tensor.is_complex() != complex_expected or not (tensor.is_complex() or tensor.is_floating_point()):
        kind = "complex" if complex_expected else "real floating-point"
        whole = not (tensor.is_complex() or tensor.is_floating_point())
        remedy = " Convert them: .float(), divided by 255 if they are pixels of 8 bits." if whole else ""
        raise MeasurementError(f"{what} are {kind} numbers, but got {tensor.dtype}.{remedy}")
    bad = sum(
        int((~torch.isfinite(part)).sum()) for part in torch.split(tensor, 64)
    )  # a mapped file is not read at once
    if bad:
        raise MeasurementError(f"{what} are finite, but {bad} of {tensor.numel()} numbers are NaN or infinite.")


def _measures_complex(A: Operator) -> bool:
    nothing = torch.zeros(A.batch or 1, *A.domain, dtype=torch.complex64 if A.complex_domain else torch.float32)
    with torch.no_grad():
        return A(nothing).is_complex()


def operator_rows(n: int, process: Measurement, operators: Tensor | Array | Sequence[int] | None) -> Tensor:
    """(n,), int64: the operator and the noise level of each measurement; zeros where the process has one of each.

    Raises:
        MeasurementError: operators are missing or wrong, or the noise has levels for another number of measurements.
    """
    count = process.A.batch
    if operators is None:
        if count not in (None, n):
            raise MeasurementError(
                f"A has {count} operators and there are {n} measurements: give operators=(n,), the index of the "
                "operator of each."
            )
        if process.batch not in (None, n):
            raise MeasurementError(
                f"The noise has {process.batch} levels, in the order of the measurements, of which there are {n}. "
                "Give one level for each measurement, or one for all."
            )
        return torch.zeros(n, dtype=torch.int64) if process.batch is None else torch.arange(n)
    if count is None:
        raise MeasurementError(
            "operators assigns one of A's operators to each measurement, but A has only one operator."
        )
    rows = np.asarray(operators.cpu() if isinstance(operators, Tensor) else operators)
    if rows.shape != (n,) or rows.dtype.kind not in "iu" or not ((rows >= 0) & (rows < count)).all():
        raise MeasurementError(
            f"operators are {n} whole numbers from 0 to {count - 1}, one for each measurement, but got "
            f"{rows.dtype} of shape {rows.shape}"
            + (f" from {rows.min()} to {rows.max()}." if rows.size and rows.dtype.kind in "iuf" else ".")
        )
    return torch.from_numpy(rows.astype(np.int64))


def check_rate(name: str, rate: object) -> None:
    """Raise ValueError, naming it, unless a learning rate is a finite number above 0."""
    if not (isinstance(rate, int | float | np.number) and 0 < rate < math.inf):
        raise ValueError(f"{name} is a finite number above 0, but got {rate!r}.")


TOO_MUCH_NOISE = 1.5
"""Ratio of the noise's variance to the mean square of measurements, which contain it: above 1 by chance at most."""
OTHER_SAMPLES = 0.1
"""Share of samples of k-space, of those in the mask and of the others, above which the mask is of other data."""
MORE_SAMPLES = 1.5
"""Ratio of samples outside of the mask to those that are missing in it; they are as many if the order is another."""
OTHER_IMAGES = 0.25
"""Share of the energy of measurements, without noise, above which a truth is of other images or in other units."""
NOISE_ALONG = 0.03
"""Largest share of the difference's energy along A x for noise. For other images this share is at least 0.06."""


def warn_of_units(y: Tensor, process: Measurement) -> None:
    """Warn where measurements are all zero, contain less than the noise of the process, or are of another mask.

    Args:
        y: (batch, *A.range), some measurements.
        process: how they were made, with the operators of these.
    """
    seen = observed(process, y)
    _warn_of_mask(y, process)
    energy = float(squares(seen).double().sum())
    if energy == 0:
        warnings.warn(
            "All measurements are zero where the operator observes them, so nothing can be learnt. Check how they were "
            f"read, and {process.A}.",
            stacklevel=3,
        )
    elif process.noise is not None:
        u = y if isinstance(process.noise, Gaussian) else y.clamp(min=0)
        stated = float(noise_energy(process.noise, process, u).double().expand(len(y)).sum())
        if stated > TOO_MUCH_NOISE * energy:
            warnings.warn(
                f"{process.noise} alone has {stated / energy:.3g} times the mean square of the measurements, which "
                "contain it. Give sigma and gain in the units of the measurements: of images in [0, 1], sigma is that "
                "of 8-bit images divided by 255.",
                stacklevel=3,
            )


def _warn_of_mask(y: Tensor, process: Measurement) -> None:
    """Warn where k-space is zero in the mask and not outside of it: another mask, or another order of k-space."""
    mask = process.A.observed()
    if mask is None or not y.is_complex():
        return
    inside = (mask(torch.ones_like(y)) != 0).expand_as(y)
    empty, others = (y == 0)[inside], (y != 0)[~inside]
    if int(others.sum()) > MORE_SAMPLES * int(empty.sum()):  # complete k-space that was filled up with zeros
        return
    zero, measured = (float(some.double().mean()) if len(some) else 0.0 for some in (empty, others))
    if min(zero, measured) > OTHER_SAMPLES:
        warnings.warn(
            f"{100 * zero:.0f} % of the samples in the mask are zero in the measurements, and {100 * measured:.0f} % "
            "of those outside are not. The mask is of other measurements, or in another order: check centred.",
            stacklevel=4,
        )


def warn_of_truth(x: Tensor, y: Tensor, process: Measurement) -> None:
    """Warn where measurements are not those of their images: other units, another order, another operator, or noise.

    Args:
        x: (batch, *A.domain), some images of the truth.
        y: (batch, *A.range), their measurements.
        process: how they were made, with the operators of these.
    """
    with torch.no_grad():
        u = process.mean(x.to(y.device))
    energy = float(squares(observed(process, y)).double().sum())
    difference, clean = (observed(process, some).flatten(1) for some in (y - u, u))
    rest = float(squares(difference).double().sum())
    if process.noise is not None:
        level = u if isinstance(process.noise, Gaussian) else u.clamp(min=0)
        rest -= TOO_MUCH_NOISE * float(noise_energy(process.noise, process, level).double().expand(len(y)).sum())
    if not rest <= OTHER_IMAGES * energy:
        share = f"by {rest / energy:.3g} of their energy" if energy else "which are zero"
        energies = squares(clean).double()
        lit = energies > 0
        along = (clean.conj() * difference).sum(1).abs().double()[lit] ** 2 / energies[lit]
        if bool(lit.any()) and float(along.sum()) <= NOISE_ALONG * rest:
            warnings.warn(
                f"The measurements differ from those of their images, {share}, and the difference is independent of "
                "the images, like noise. State the noise that y has: Measurement(A, noise).",
                stacklevel=3,
            )
            return
        warnings.warn(
            f"The measurements differ from those of their images, {share}, noise aside. Give both in one order, and in "
            "the units of the operator (pixels of 8 bits divided by 255), and state noise that y has: Measurement(A, "
            "noise).",
            stacklevel=3,
        )


def check_settings(
    measurements: Tensor,
    truth: Tensor | None,
    losses: Sequence[Loss],
    learning_rate: float,
    milestones: Sequence[int],
    hold_out: float | None,
) -> None:
    """Raise ValueError where something does not fit, before anything is trained."""
    if not losses:
        raise ValueError("losses is at least one Loss, such as [MeasurementConsistency()], but got none.")
    if truth is None and (needing := [type(loss).__name__ for loss in losses if "x" in loss.needs]):
        raise ValueError(f"{', '.join(needing)} needs the truth: give truth=(n, *A.domain).")
    if truth is not None and len(truth) != len(measurements):
        raise ValueError(f"There are {len(measurements)} measurements, but {len(truth)} images of the truth.")
    check_rate("The learning rate", learning_rate)
    if not isinstance(milestones, Iterable):
        raise TypeError(f"milestones are numbers of epochs, such as [50], but got {milestones!r}.")
    epochs: list[Any] = list(milestones)  # Any: the caller's own
    if not all(isinstance(epoch, int | float | np.number | Tensor) and epoch >= 1 for epoch in epochs):
        raise ValueError(f"milestones are numbers of epochs, at least 1 each, but got {list(milestones)}.")
    held: object = hold_out
    if held is not None and not (isinstance(held, int | float | np.number) and 0 <= held < 1):
        raise ValueError(f"hold_out is the share of held-out measurements, in [0, 1), but got {hold_out!r}.")
