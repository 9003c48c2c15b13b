"""An operator in a TOML file: its name among `unseen.physics.OPERATORS`, and what it is made from.

    operator = "fourier-mask"
    mask = "mask.npy"  # an array: a file beside this one, {file = "scan.h5", name = "mask"}, or the numbers themselves
    real = true

The entries are the arguments of the operator's class, by their names there.
"""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from unseen.artifacts.errors import UserError
from unseen.artifacts.registry import UnknownName, unknown
from unseen.data.arrays import ArrayError, read_array
from unseen.physics import OPERATORS
from unseen.physics.operator import Operator


class OperatorError(UserError, ValueError):
    """A file that describes no operator: which file, which entry, and what was expected."""


def read_operator(path: Path | str) -> Operator:
    """The operator that a TOML file describes.

    Args:
        path: of the file; arrays that it names are looked for beside it.

    Raises:
        OperatorError: the file is no TOML, names no operator, or the operator cannot be made from its entries.
        OSError: there is no such file, or it may not be read.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "scan.toml"
    >>> _ = path.write_text('operator = "tomography"\\nsize = 32\\nangles = [0, 45.0, 90]')
    >>> read_operator(path).range
    (1, 3, 46)
    >>> _ = path.write_text('operator = "tomography"\\nsize = 32\\nangels = 3')
    >>> read_operator(path)  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    unseen.data.operator_file.OperatorError: scan.toml: angels: unknown; did you mean angles?
    """
    path = Path(path)
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OperatorError(f"{path}: is no TOML ({error}).") from error
    if "operator" not in entries:
        raise OperatorError(f'{path}: has no line such as operator = "mask". There are {", ".join(OPERATORS)}.')
    name = str(entries.pop("operator"))
    try:
        kind = OPERATORS.load(name)
    except UnknownName as error:
        raise OperatorError(f"{path}: {error}") from error
    hints = get_type_hints(kind.__init__)
    parameters = inspect.signature(kind).parameters
    for entry in entries:
        if entry not in parameters:
            raise OperatorError(f"{path}: {entry}: {unknown(entry, parameters)}")
    for entry, parameter in parameters.items():
        if parameter.default is parameter.empty and entry not in entries:
            raise OperatorError(f"{path}: {entry}: missing; {name} is made from {', '.join(parameters)}")
    try:
        made: Operator = kind(**{entry: _value(path, entry, told, hints[entry]) for entry, told in entries.items()})
    except OperatorError:
        raise
    except ValueError as error:
        raise OperatorError(f"{path}: {error}") from error
    return made


def _value(path: Path, entry: str, told: object, hint: Any) -> object:  # Any: a type as annotations spell it
    kinds = get_args(hint) or (hint,)
    array = Tensor in kinds
    if array and (isinstance(told, str | list | Mapping) or int not in kinds):
        return _array(path, entry, told)
    try:
        told = tuple(told) if isinstance(told, list) else told
        return TypeAdapter(int if array else hint).validate_python(told, strict=True)
    except ValidationError as error:
        raise OperatorError(f"{path}: {entry}: {error.errors()[0]['msg'].lower()}, but got {told!r}") from error


def _array(path: Path, entry: str, told: object) -> Tensor:
    try:
        if isinstance(told, list):
            return torch.tensor(told, dtype=torch.float64)
        table: Mapping[str, object] = told if isinstance(told, Mapping) else {"file": told}
        named, name = table.get("file"), table.get("name")
        if not isinstance(named, str) or not isinstance(name, str | None) or not table.keys() <= {"file", "name"}:
            raise ArrayError('an array is "mask.npy", {file = "scan.h5", name = "mask"} or numbers')
        return torch.from_numpy(read_array(path.parent / named, name=name))
    except FileNotFoundError as error:
        raise OperatorError(f"{path}: {entry}: there is no file {named} beside it") from error
    except (OSError, ValueError, TypeError) as error:
        raise OperatorError(f"{path}: {entry}: {error}, but got {told!r}") from error
