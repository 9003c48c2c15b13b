"""The constructor of a class with settings as Python source, from its `Config`: for the reference, and for tests.

python docs/constructor_source.py unseen.detectors.dae:Dae
"""

from __future__ import annotations

import inspect
import types
import typing
from typing import Any

from unseen.artifacts.constructor import Configurable

PLAIN = (bool, int, float, str, type(None))


def constructor_of(kind: object) -> str | None:
    """Return the source of `__init__` with each setting as a keyword; None for a class without settings.

    >>> from unseen.detectors import AeU
    >>> constructor_of(AeU)[:84]
    'def __init__(self, config: AutoencoderSettings | None = None, *, view: View | None ='
    """
    if not (isinstance(kind, type) and issubclass(kind, Configurable)):
        return None
    words = [f"self, config: {kind.Config.__name__} | None = None, *"]
    words += [_written(one) for one in list(inspect.signature(kind).parameters.values())[1:]]
    return f"def __init__({', '.join(words).removesuffix(', *')}) -> None: ..."


def _written(parameter: inspect.Parameter) -> str:
    """Return one keyword with its type and default; a default that is no plain value is written as `...`."""
    annotation = parameter.annotation
    named = f"{parameter.name}: {annotation if isinstance(annotation, str) else type_of(annotation)}"
    default = parameter.default
    if default is inspect.Parameter.empty:
        return named
    plain = isinstance(default, PLAIN) or (
        isinstance(default, tuple) and all(isinstance(one, PLAIN) for one in default)
    )
    return f"{named} = {repr(default) if plain else '...'}"


def type_of(annotation: Any) -> str:
    """Return the type as source.

    >>> type_of(int | None), type_of(tuple[int, ...]), type_of(typing.Literal["a"])
    ('int | None', 'tuple[int, ...]', "Literal['a']")
    """
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return type_of(parts[0])
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(repr, parts))}]"
    if origin in (typing.Union, types.UnionType):
        return " | ".join(map(type_of, parts))
    if origin is not None:
        return f"{origin.__name__}[{', '.join(map(type_of, parts))}]"
    if annotation is type(None):
        return "None"
    return "..." if annotation is Ellipsis else str(annotation.__name__)


if __name__ == "__main__":
    import sys

    from unseen.artifacts.registry import imported

    print(constructor_of(imported(sys.argv[1])))
