"""A measurement process as a table and tensors, for a bundle: registry keys and the arguments that made each part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from unseen.artifacts.registry import Registry
from unseen.physics import LINKS, NOISES, OPERATORS
from unseen.physics.link import Link
from unseen.physics.measurement import Measurement
from unseen.physics.noise import Noise
from unseen.physics.operator import Operator
from unseen.physics.recorded import Recorded, made_from

_COMPOSITIONS = {
    f"composition.{name}": f"composition:{name}" for name in ("Composed", "Scaled", "Stacked", "Restricted")
}
_PARTS = Registry(room="physics", kind="part of a process", names=OPERATORS | LINKS | NOISES | _COMPOSITIONS)
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
    table = {name: None if part is None else _told(part, tensors) for name, part in parts.items()}
    if _probe(rebuilt(table, tensors).A, process.A):
        raise NotDescribed(f"{process.A} does something else than one made anew from what it was made from.")
    return table, tensors


def rebuilt(table: Mapping[str, object], tensors: Mapping[str, Tensor]) -> Measurement:
    """The process that `described` told.

    Raises:
        UnknownName, ValueError, TypeError, KeyError: it is not such a table.
    """
    A, link, noise = (_value(table.get(name), tensors) for name in ("A", "link", "noise"))
    if not isinstance(A, Operator) or not isinstance(link, Link | None) or not isinstance(noise, Noise | None):
        raise TypeError(f"a process is an operator, a link and a noise, but got {A!r}, {link!r} and {noise!r}")
    return Measurement(A, link=link, noise=noise)


def _told(value: object, tensors: dict[str, Tensor]) -> object:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Tensor):
        name = f"{PREFIX}.{len(tensors)}"
        tensors[name] = torch.view_as_real(value.detach().resolve_conj()) if value.is_complex() else value.detach()
        return {"complex" if value.is_complex() else "tensor": name}
    if isinstance(value, Sequence):
        return {"tuple": [_told(entry, tensors) for entry in value]}
    if isinstance(value, Recorded):
        arguments, named = made_from(value)
        return {
            "part": _key(value),
            "arguments": [_told(entry, tensors) for entry in arguments],
            "named": {name: _told(entry, tensors) for name, entry in named.items()},
        }
    raise NotDescribed(f"a {type(value).__name__} cannot be written into a card.")


def _key(part: Recorded) -> str:
    kind = type(part)
    place = f"{kind.__module__.removeprefix('unseen.physics.')}:{kind.__name__}"
    for key, known in _PARTS.names.items():
        if known == place:
            return key
    raise NotDescribed(f"{kind.__name__} is no operator, link or noise that `unseen.physics` knows by name.")


def _value(told: object, tensors: Mapping[str, Tensor]) -> object:
    if not isinstance(told, Mapping):
        return told
    if "tensor" in told:
        return tensors[told["tensor"]]
    if "complex" in told:
        return torch.view_as_complex(tensors[told["complex"]].contiguous())
    if "tuple" in told:
        return tuple(_value(entry, tensors) for entry in told["tuple"])
    made: object = _PARTS.load(str(told["part"]))(
        *(_value(entry, tensors) for entry in told["arguments"]),
        **{name: _value(entry, tensors) for name, entry in told["named"].items()},
    )
    return made


def _probe(rebuilt: Operator, A: Operator) -> bool:
    """Whether the two differ on a picture."""
    if (rebuilt.domain, rebuilt.range, rebuilt.batch) != (A.domain, A.range, A.batch):
        return True
    dtype = torch.complex64 if A.complex_domain else torch.float32
    x = torch.randn(A.batch or 1, *A.domain, dtype=dtype, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        one, other = A(x), rebuilt(x)
    return bool((one - other).abs().max() > 1e-5 * other.abs().max().clamp(min=torch.finfo(torch.float32).tiny))
