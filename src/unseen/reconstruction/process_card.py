"""Card of a measurement process: a table and tensors for a bundle, and the process made from them again.

The card has registry keys and the arguments that made each part.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from unseen.artifacts.registry import Registry
from unseen.physics import LINKS, NOISES, OPERATORS
from unseen.physics.immutability import Recorded, functions_within, made_from
from unseen.physics.measurement import Link, Measurement
from unseen.physics.noise import Noise
from unseen.physics.numpy_arrays import readable
from unseen.physics.operator import Operator

_COMPOSITIONS = Registry(
    package="physics",
    kind="part of a process",
    names={  # the keys that cards hold
        "composition.Composed": "operator:Composed",
        "composition.Scaled": "operator:Scaled",
        "composition.Stacked": "stacked:Stacked",
        "composition.Restricted": "operator:Restricted",
        "composition.Sum": "operator:Sum",
        "composition.Transposed": "operator:Transposed",
    },
)
_PARTS = (OPERATORS, LINKS, NOISES, _COMPOSITIONS)
PREFIX = "process"  # what the names of a process's tensors begin with

_AGAIN = "give the process when loading: load(folder, process=…)"


class NotDescribed(ValueError):
    """A process that cannot be written down: which part, and why."""


def described(process: Measurement) -> tuple[dict[str, object], dict[str, Tensor]]:
    """Return the process as a JSON-able table, and the tensors that it names, `process.0` and on.

    Raises:
        NotDescribed: a part holds a function, is of a class that no registry of `unseen.physics` names, or was changed
            since it was made.

    >>> from unseen.physics import Gaussian, Identity
    >>> described(Measurement(Identity((1, 4, 4)), noise=Gaussian(0.1)))[0]["noise"]
    {'part': 'gaussian', 'arguments': [0.1], 'named': {}}
    """
    tensors: dict[str, Tensor] = {}
    parts = {"A": process.A, "link": process.link, "noise": process.noise}
    for part in parts.values():
        for holder, _ in functions_within(part):
            raise NotDescribed(
                f"{type(holder).__name__} holds a function, which a bundle cannot hold. Write the operator as a class, "
                f"or {_AGAIN}."
            )
    table = {name: None if part is None else _described(part, tensors) for name, part in parts.items()}
    if _probe(rebuilt(table, tensors).A, process.A):
        raise NotDescribed(
            f"{process.A} does not compute the same as an operator rebuilt from its arguments. Leave the arrays that "
            f"it was made from unchanged, or {_AGAIN}."
        )
    return table, tensors


def rebuilt(table: Mapping[str, object], tensors: Mapping[str, Tensor]) -> Measurement:
    """Return the process that `described` wrote down.

    Raises:
        UnknownName, ValueError, TypeError, KeyError: it is not such a table.
    """
    A, link, noise = (_value(table.get(name), tensors) for name in ("A", "link", "noise"))
    if not isinstance(A, Operator) or not isinstance(link, Link | None) or not isinstance(noise, Noise | None):
        raise TypeError(f"a process is an operator, a link and a noise, but got {A!r}, {link!r} and {noise!r}")
    return Measurement(A, link=link, noise=noise)


def _described(value: object, tensors: dict[str, Tensor]) -> object:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(readable(value))
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
    raise NotDescribed(f"a {type(value).__name__} cannot be written into a card. Give numbers and arrays, or {_AGAIN}.")


def _key(part: Recorded) -> str:
    for registry in _PARTS:
        if (key := registry.key_of(type(part))) is not None:
            return key
    raise NotDescribed(
        f"{type(part).__name__} is no operator, link or noise with a name. Register it, such as by "
        f"OPERATORS.register(key, class), or by an entry point of your package, or {_AGAIN}."
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
    """Return True if the two differ on an image."""
    if (rebuilt.domain, rebuilt.range, rebuilt.batch) != (A.domain, A.range, A.batch):
        return True
    dtype = torch.complex64 if A.complex_domain else torch.float32
    x = torch.randn(A.batch or 1, *A.domain, dtype=dtype, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        one, other = A(x), rebuilt(x)
    return bool((one - other).abs().max() > 1e-5 * other.abs().max().clamp(min=torch.finfo(torch.float32).tiny))
