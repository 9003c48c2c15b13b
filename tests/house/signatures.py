"""Constructors' signatures for type checkers, editors and the reference: made from each class's `Config`.

A detector takes its settings by name, and pydantic checks them when it runs. What a type checker sees is a block
`if TYPE_CHECKING:` in the class, which this module writes.

python -m tests.house.signatures           the classes whose block is out of date; exit status 1 if there are any
python -m tests.house.signatures --write   write them
"""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from unseen.detectors import METHODS
from unseen.priors import GENERATORS
from unseen.reconstruction import RECONSTRUCTORS

PLAIN = (bool, int, float, str, type(None))


def classes() -> Iterator[type[Any]]:
    """Those of this package that take the fields of their `Config` by name."""
    for registry in (METHODS, GENERATORS, RECONSTRUCTORS):
        for place in registry.own.values():
            module, _, name = place.partition(":")
            yield getattr(importlib.import_module(module), name)


def block(kind: type[Any]) -> str:
    """The block's source, as ruff lays it out."""
    model: type[BaseModel] = kind.Config
    config = "Config" if model.__qualname__ == f"{kind.__name__}.Config" else model.__name__
    words = [f"self, config: {config} | None = None, *"]
    words += list(_own_parameters(kind))
    required = [written(name, field) for name, field in model.model_fields.items() if field.is_required()]
    optional = [written(name, field) for name, field in model.model_fields.items() if not field.is_required()]
    named = ", ".join([*words, *required, *optional])
    source = f"class C:\n    if TYPE_CHECKING:\n\n        def __init__({named}) -> None: ...\n"
    command = [Path(sys.executable).with_name("ruff"), "format", "--line-length", "120", "-"]
    laid_out = subprocess.run(command, input=source, capture_output=True, text=True, check=True).stdout
    return laid_out.removeprefix("class C:\n")


def _own_parameters(kind: type[Any]) -> Iterator[str]:
    """The keywords that the constructor takes beside the settings."""
    for name, parameter in inspect.signature(kind.__init__).parameters.items():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            yield f"{name}: {parameter.annotation} = {parameter.default!r}"


def written(name: str, field: FieldInfo) -> str:
    """One keyword with its type and default; a default that is no plain value is written as `...`."""
    if field.is_required():
        return f"{name}: {type_of(field.annotation)}"
    default = field.default
    plain = isinstance(default, PLAIN) or (
        isinstance(default, tuple) and all(isinstance(one, PLAIN) for one in default)
    )
    shown = "..." if default is PydanticUndefined or not plain else repr(default)
    return f"{name}: {type_of(field.annotation)} = {shown}"


def type_of(annotation: Any) -> str:
    """The type as source.

    >>> type_of(int | None), type_of(tuple[int, ...]), type_of(typing.Literal["a"])
    ('int | None', 'tuple[int, ...]', "Literal['a']")
    """
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(repr, parts))}]"
    if origin in (typing.Union, types.UnionType):
        return " | ".join(map(type_of, parts))
    if origin is not None:
        return f"{origin.__name__}[{', '.join(map(type_of, parts))}]"
    if annotation is type(None):
        return "None"
    return "..." if annotation is Ellipsis else str(annotation.__name__)


def with_block(source: str, kind: type[Any]) -> str:
    """The module's source with the class's block; where the class has none, before its first method."""
    tree = ast.parse(source)
    (body,) = (node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == kind.__name__)
    lines = source.splitlines(keepends=True)
    there = next(
        (node for node in body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"), None
    )
    if there is not None:
        start, end = there.lineno - 1, typing.cast("int", there.body[-1].end_lineno)
        return "".join(lines[:start]) + block(kind) + "".join(lines[end:])
    method = next((node for node in body if isinstance(node, ast.FunctionDef)), None)
    if method is None:
        end = typing.cast("int", body[-1].end_lineno)
        return "".join(lines[:end]) + "\n" + block(kind) + "".join(lines[end:])
    start = min(node.lineno for node in (method, *method.decorator_list)) - 1
    while lines[start - 1].startswith("    #"):
        start -= 1
    return "".join(lines[:start]) + block(kind) + "\n" + "".join(lines[start:])


def path_of(kind: type[Any]) -> Path:
    """The file that defines a class."""
    return Path(inspect.getfile(kind))


def outdated() -> list[type[Any]]:
    """The classes whose block differs from their `Config`."""
    found = []
    for kind in classes():
        source = path_of(kind).read_text(encoding="utf-8")
        if with_block(source, kind) != source:
            found.append(kind)
    return found


if __name__ == "__main__":
    late = outdated()
    for kind in late:
        if "--write" in sys.argv:
            path = path_of(kind)
            path.write_text(with_block(path.read_text(encoding="utf-8"), kind), encoding="utf-8")
        print(f"{kind.__module__}.{kind.__qualname__}", "written" if "--write" in sys.argv else "is out of date")
    sys.exit(bool(late) and "--write" not in sys.argv)
