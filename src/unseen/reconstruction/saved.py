"""A reconstructor on disk: its bundle, the card of its process, and its application to files of measurements.

A measurement process as a table and tensors, for a bundle: registry keys and the arguments that made each part.

A reconstructor to a bundle, and back: its weights, its settings, and the process that it has learnt under.

A reconstructor on arrays of measurements, as they come from files.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from unseen import __version__
from unseen.artifacts import bundle
from unseen.artifacts.recipe import validated
from unseen.artifacts.registry import Registry
from unseen.physics import LINKS, NOISES, OPERATORS
from unseen.physics.algebra import Recorded, made_from
from unseen.physics.measurement import Link, Measurement
from unseen.physics.noise import Noise
from unseen.physics.operator import Operator
from unseen.reconstruction import RECONSTRUCTORS
from unseen.reconstruction.measurements import Array, MeasurementError, check_measurements, tensor_of
from unseen.reconstruction.reconstructor import Reconstructor

_COMPOSITIONS = Registry(
    package="physics",
    kind="part of a process",
    names={  # the keys that cards hold
        "composition.Composed": "operator:Composed",
        "composition.Scaled": "operator:Scaled",
        "composition.Stacked": "composition:Stacked",
        "composition.Restricted": "operator:Restricted",
        "composition.Sum": "operator:Sum",
        "composition.Transposed": "operator:Transposed",
    },
)
_PARTS = (OPERATORS, LINKS, NOISES, _COMPOSITIONS)
PREFIX = "process"  # what the names of a process's tensors begin with


class NotDescribed(ValueError):
    """A process that cannot be written down: which part, and why."""


def described(process: Measurement) -> tuple[dict[str, object], dict[str, Tensor]]:
    """The process as a JSON-able table, and the tensors that it names, `process.0` and on.

    Raises:
        NotDescribed: a part is of a class that no registry of `unseen.physics` names, or was changed since it was
            made.

    >>> from unseen.physics import Gaussian, Identity
    >>> described(Measurement(Identity((1, 4, 4)), noise=Gaussian(0.1)))[0]["noise"]
    {'part': 'gaussian', 'arguments': [0.1], 'named': {}}
    """
    tensors: dict[str, Tensor] = {}
    parts = {"A": process.A, "link": process.link, "noise": process.noise}
    table = {name: None if part is None else _described(part, tensors) for name, part in parts.items()}
    if _probe(rebuilt(table, tensors).A, process.A):
        raise NotDescribed(f"{process.A} does not compute the same as an operator rebuilt from its arguments.")
    return table, tensors


def rebuilt(table: Mapping[str, object], tensors: Mapping[str, Tensor]) -> Measurement:
    """The process that `described` wrote down.

    Raises:
        UnknownName, ValueError, TypeError, KeyError: it is not such a table.
    """
    A, link, noise = (_value(table.get(name), tensors) for name in ("A", "link", "noise"))
    if not isinstance(A, Operator) or not isinstance(link, Link | None) or not isinstance(noise, Noise | None):
        raise TypeError(f"a process is an operator, a link and a noise, but got {A!r}, {link!r} and {noise!r}")
    return Measurement(A, link=link, noise=noise)


def _described(value: object, tensors: dict[str, Tensor]) -> object:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Tensor):
        name = f"{PREFIX}.{len(tensors)}"
        tensors[name] = torch.view_as_real(value.detach().resolve_conj()) if value.is_complex() else value.detach()
        return {"complex" if value.is_complex() else "tensor": name}
    if isinstance(value, Sequence):
        return {"tuple": [_described(entry, tensors) for entry in value]}
    if isinstance(value, Recorded):
        arguments, named = made_from(value)
        return {
            "part": _key(value),
            "arguments": [_described(entry, tensors) for entry in arguments],
            "named": {name: _described(entry, tensors) for name, entry in named.items()},
        }
    raise NotDescribed(f"a {type(value).__name__} cannot be written into a card.")


def _key(part: Recorded) -> str:
    for registry in _PARTS:
        if (key := registry.key_of(type(part))) is not None:
            return key
    raise NotDescribed(
        f"{type(part).__name__} is no operator, link or noise with a name. "
        "Register it by an entry point of your package"
    )


def _value(stored: object, tensors: Mapping[str, Tensor]) -> object:
    if not isinstance(stored, Mapping):
        return stored
    if "tensor" in stored:
        return tensors[stored["tensor"]]
    if "complex" in stored:
        return torch.view_as_complex(tensors[stored["complex"]].contiguous())
    if "tuple" in stored:
        return tuple(_value(entry, tensors) for entry in stored["tuple"])
    name = str(stored["part"])
    registry = next((registry for registry in _PARTS if name in registry), _COMPOSITIONS)
    made: object = registry.load(name)(
        *(_value(entry, tensors) for entry in stored["arguments"]),
        **{name: _value(entry, tensors) for name, entry in stored["named"].items()},
    )
    return made


def _probe(rebuilt: Operator, A: Operator) -> bool:
    """Whether the two differ on an image."""
    if (rebuilt.domain, rebuilt.range, rebuilt.batch) != (A.domain, A.range, A.batch):
        return True
    dtype = torch.complex64 if A.complex_domain else torch.float32
    x = torch.randn(A.batch or 1, *A.domain, dtype=dtype, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        one, other = A(x), rebuilt(x)
    return bool((one - other).abs().max() > 1e-5 * other.abs().max().clamp(min=torch.finfo(torch.float32).tiny))


_WEIGHTS = "reconstructor"  # what the names of its tensors begin with


def save(
    f: Reconstructor,
    folder: Path | str,
    *,
    recipe_digest: str | None = None,
    metrics: dict[str, object] | None = None,
    data: str = "",
    licence: str = "",
) -> bundle.Card:
    """Write f as a bundle at `folder` (whole or not at all) and return its card.

    Args:
        f: trained by `learn`.
        folder: the bundle's own.
        recipe_digest: of the recipe that it was trained by, if any.
        metrics: what an evaluation found.
        data: which measurements it has learnt from, and where they are from.
        licence: what the weights may be used for.

    Raises:
        ValueError: f has not been trained, or holds a network of one's own, which a card cannot describe.
        BundleError: the folder holds something else.

    Warns:
        UserWarning: the process holds an operator, a link or a noise of one's own; the bundle is written without it.
    """
    if not f.trained_on or f.process is None:
        raise ValueError(f"this {f.key} has not been trained: there is nothing to save")
    if not f.can_be_saved:
        raise ValueError(
            f"this {f.key} holds a network of your own, which no card can describe. Keep its f.state_dict() with your "
            "code, or let learn(network=None) make the network."
        )
    tensors: dict[str, Tensor] = {f"{_WEIGHTS}.{name}": tensor for name, tensor in f.state_dict().items()}
    table: dict[str, object] | None = None
    try:
        table, of_process = described(f.process)
        tensors |= of_process
    except NotDescribed as reason:
        warnings.warn(f"The bundle at {folder} is written without its process: {reason}", stacklevel=2)
    card = bundle.Card(
        kind="reconstruction",
        name=f.key,
        config=f.config.model_dump(mode="json"),
        process=table,
        recipe_digest=recipe_digest,
        training_films=list(f.training_digests),
        facts={} if f.history is None else {"training_seconds": round(f.history.seconds, 3)},
        trained_on=f.trained_on,
        metrics=metrics or {},
        data=data,
        licence=licence,
        version=__version__,
    )
    f.card = bundle.save(folder, tensors, card)
    return f.card


def load(folder: Path | str) -> Reconstructor:
    """Read a reconstructor back, in eval mode, on the CPU; `f.process` is what it has learnt under, `f.card` its card.

    `f.process` is None where the bundle was written without it.

    Raises:
        BundleError: naming the file, the cause and the cure.
    """
    read = bundle.load(folder)
    card = read.card
    if card.kind != "reconstruction":
        raise bundle.BundleError(
            f"{folder}: holds a {card.kind} model, not one that reconstructs. Give a bundle that "
            "`unseen.reconstruction.save` wrote."
        )
    kind: type[Reconstructor] = RECONSTRUCTORS.load(card.name)
    f = kind(validated(card.config, kind.Config, where="config"))
    weights = {name: t for name, t in read.tensors.items() if not name.startswith(f"{PREFIX}.")}
    try:
        f.load_state_dict({name.removeprefix(f"{_WEIGHTS}."): tensor for name, tensor in weights.items()}, strict=True)
    except RuntimeError as error:
        raise bundle.BundleError(
            f"{read.folder}: the weights do not fit {card.name} as its card describes it ({error}). "
            "Copy the whole bundle again."
        ) from error
    if card.process is not None:
        try:
            f.process = rebuilt(card.process, read.tensors)
        except (ValueError, LookupError, TypeError, RuntimeError) as error:
            raise bundle.BundleError(
                f"{read.folder}: its process cannot be rebuilt ({error}). Copy the bundle again, or update unseen."
            ) from error
    f.trained_on, f.training_digests, f.card = card.trained_on, tuple(card.training_films), card
    return f.eval()


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
            "this model was saved without its process, so it must be called with one: f(y, process), from Python."
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
