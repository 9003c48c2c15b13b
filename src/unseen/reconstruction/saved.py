"""A reconstructor read back from its bundle, and on arrays of measurements, as they come from files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from unseen.artifacts import bundle
from unseen.artifacts.card import Card
from unseen.artifacts.recipe import validated
from unseen.physics.measurement import Measurement
from unseen.physics.operator import Operator
from unseen.reconstruction import RECONSTRUCTORS
from unseen.reconstruction.architectures import ArtifactRemoval
from unseen.reconstruction.measurements import Array, MeasurementError, check_measurements, tensor_of
from unseen.reconstruction.process_card import PREFIX, rebuilt
from unseen.reconstruction.reconstructor import OWN_NETWORK, WEIGHTS, Reconstructor

save = Reconstructor.save
"""f.save(folder, …), as a function of f."""


def load(
    folder: Path | str, *, network: nn.Module | None = None, process: Measurement | Operator | None = None
) -> Reconstructor:
    """Read a reconstructor back, in eval mode, on the CPU; `f.process` is what it has learnt under, `f.card` its card.

    Args:
        folder: the bundle's.
        network: where f holds a network of your own, one made as that was: it gets the weights.
        process: in the place of the bundle's, which has none where a part of it was not registered.

    Raises:
        BundleError: naming the file, the cause and the cure.

    >>> import tempfile
    >>> import torch
    >>> from unseen.physics import Identity
    >>> from unseen.reconstruction import ArtifactRemoval
    >>> f = ArtifactRemoval(features=4)
    >>> f.process = Measurement(Identity((1, 16, 16)))
    >>> f.trained_on = "cpu"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     card = f.save(f"{folder}/f")
    ...     again = load(f"{folder}/f")
    >>> again.config.features
    4
    """
    read = bundle.load(folder)
    card = read.card
    if card.kind != "reconstruction":
        raise bundle.BundleError(
            f"{folder}: holds a {card.kind} model, not one that reconstructs. Give a bundle that "
            "`unseen.reconstruction.save` wrote."
        )
    f = _made(card, network, folder)
    weights = {name: t for name, t in read.tensors.items() if not name.startswith(f"{PREFIX}.")}
    try:
        f.load_state_dict({name.removeprefix(f"{WEIGHTS}."): tensor for name, tensor in weights.items()}, strict=True)
    except RuntimeError as error:
        cure = "Copy the whole bundle again." if network is None else "Make the network as it was made for training."
        raise bundle.BundleError(
            f"{read.folder}: the weights do not fit {card.name} as its card describes it ({error}). {cure}"
        ) from error
    if process is not None:
        f.process = process if isinstance(process, Measurement) else Measurement(process)
    elif card.process is not None:
        try:
            f.process = rebuilt(card.process, read.tensors)
        except (ValueError, LookupError, TypeError, RuntimeError) as error:
            raise bundle.BundleError(
                f"{read.folder}: its process cannot be rebuilt ({error}). Register the parts that are your own, give "
                "process=…, copy the bundle again, or update unseen."
            ) from error
    f.trained_on, f.training_digests, f.card = card.trained_on, tuple(card.training_films), card
    return f.eval()


def _made(card: Card, network: nn.Module | None, folder: Path | str) -> Reconstructor:
    kind: type[Reconstructor] = RECONSTRUCTORS.load(card.name)
    own = card.config.get(OWN_NETWORK)
    settings = {name: value for name, value in card.config.items() if name != OWN_NETWORK}
    if own is None and network is None:
        return kind(validated(settings, kind.Config, where="config"))
    if own is None:
        raise bundle.BundleError(f"{folder}: holds its own network; leave network=… out.")
    if network is None:
        raise bundle.BundleError(
            f"{folder}: holds the weights of a network of your own ({own}), which no card can describe. Give one made "
            "in the same way: load(folder, network=…), or --network package.module:Class on the command line."
        )
    return ArtifactRemoval(validated(settings, ArtifactRemoval.Config, where="config"), network=network)


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
    """
    process = f.process
    if process is None:
        raise MeasurementError(
            "this model was saved without its process, so it must be given one: load(folder, process=…), or --operator "
            "scan.toml on the command line."
        )
    device = next(f.parameters()).device
    return applied(f, process, measurements, operators=operators, batch_size=batch_size, device=device)


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
    rows = _rows(operators, len(y), A.batch)
    images = []
    with torch.no_grad():
        for start in range(0, len(y), batch_size):
            part = slice(start, start + batch_size)
            images.append(f(y[part].to(device), process.select(rows[part])).cpu())
    return torch.cat(images)


def grey(image: Array) -> Image.Image:
    """An image (channels, height, width) to look at: 8 bits, black at its least value and white at its greatest.

    Three channels are red, green and blue; otherwise the first is shown. Of complex images, the modulus.
    """
    shown = np.abs(image) if np.iscomplexobj(image) else image
    shown = np.moveaxis(shown, 0, -1) if len(shown) == 3 else shown[0]
    levels = np.interp(shown, (shown.min(), shown.max()), (0, 255))  # one value alone: white
    return Image.fromarray(np.uint8(levels.round()))


def _rows(operators: Array | None, n: int, count: int | None) -> Tensor:
    if operators is None or count is None:
        return torch.zeros(n, dtype=torch.int64)
    if (
        operators.shape != (n,)
        or operators.dtype.kind not in "iu"
        or not ((operators >= 0) & (operators < count)).all()
    ):
        raise MeasurementError(
            f"operators are {n} whole numbers from 0 to {count - 1}, one for each measurement, but got "
            f"{operators.dtype} of shape {operators.shape}."
        )
    return torch.from_numpy(operators.astype(np.int64))
