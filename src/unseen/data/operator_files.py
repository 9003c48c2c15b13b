"""Operators from TOML files.

A file has the operator's name among `unseen.physics.OPERATORS` and the arguments that it is made from.

    operator = "fourier-mask"
    mask = "mask.npy"  # an array: a file beside this one, {file = "scan.h5", name = "mask"}, or the numbers themselves
    real = true

The entries are the arguments of the operator's class, by their names there. An operator that is made from another
(`frames`) has a table for it, such as `[A]`. `array_files` reads the arrays.
"""

import inspect
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from unseen.artifacts.errors import UserError, reason_of
from unseen.artifacts.registry import UnknownName, did_you_mean, imported
from unseen.data.array_files import ENDINGS, ArrayError, read_array
from unseen.physics import OPERATORS
from unseen.physics.operator import Operator


class OperatorError(UserError, ValueError):
    """A file that describes no operator: which file, which entry, and what was expected."""


def read_operator(path: Path | str) -> Operator:
    """Return the operator that a TOML file describes.

    `operator = "mask"` names one of `unseen.physics.OPERATORS`, `own = "package.module:Class"` a class of your own, to
    be imported. The other entries are what it is made from.

    Args:
        path: of the file; arrays that it names are looked for beside it.

    Raises:
        OperatorError: the file cannot be read, is no TOML, names no operator, or the operator cannot be made from its
            entries.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "scan.toml"
    >>> _ = path.write_text('operator = "tomography"\\nsize = 32\\nangles = [0, 45.0, 90]')
    >>> read_operator(path).range
    (1, 3, 46)
    >>> _ = path.write_text('operator = "tomography"\\nsize = 32\\nangels = 3')
    >>> read_operator(path)  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    unseen.data.operator_files.OperatorError: scan.toml: angels: unknown; did you mean angles?
    """
    path = Path(path)
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OperatorError(f"{path}: cannot be read ({error.strerror}). Give the TOML file of an operator.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        if path.suffix.lower() in ENDINGS:
            raise OperatorError(
                f"{path}: is an array, and an operator is described in a .toml file. For a mask, write two lines into "
                f'scan.toml, operator = "mask" and mask = "{path.name}", and give scan.toml.'
            ) from error
        raise OperatorError(f"{path}: is no TOML ({error}).") from error
    return _operator(path, str(path), entries)


def files_of_operator(path: Path | str) -> list[Path]:
    """Return the files of an operator: its TOML file, and those beside it that its entries name.

    Args:
        path: of a file that `read_operator` reads.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "scan.toml"
        >>> _ = path.write_text('operator = "mask"\\nmask = {file = "scan.h5", name = "mask"}')
        >>> [file.name for file in files_of_operator(path)]
        ['scan.toml', 'scan.h5']
    """
    path = Path(path)
    return [path, *(path.parent / name for name in _names(tomllib.loads(path.read_text(encoding="utf-8"))))]


def _names(given: object, key: str = "") -> Iterator[str]:
    """Yield the texts of nested entries that can be names of files."""
    if isinstance(given, Mapping):
        for entry, value in given.items():
            yield from _names(value, entry)
    elif isinstance(given, str) and key not in ("operator", "own", "name"):
        yield given


def _operator(path: Path, place: str, entries: dict[str, Any]) -> Operator:  # Any: TOML
    """Return the operator of a table; `place` is where it stands, for errors."""
    if ("operator" in entries) == ("own" in entries):
        raise OperatorError(
            f'{place}: needs one line such as operator = "mask", or own = "package.module:Class". There are '
            f"{', '.join(OPERATORS)}."
        )
    own = "own" in entries
    name = str(entries.pop("own" if own else "operator"))
    try:
        kind = imported(name) if own else OPERATORS.load(name)
    except UnknownName as error:
        raise OperatorError(f"{place}: {error}") from error
    if not (isinstance(kind, type) and issubclass(kind, Operator)):
        raise OperatorError(f"{place}: {name} is no class of operators (a subclass of unseen.physics.Operator).")
    hints = get_type_hints(kind.__init__)
    parameters = inspect.signature(kind).parameters
    for entry in entries:
        if entry not in parameters:
            raise OperatorError(f"{place}: {entry}: {did_you_mean(entry, parameters)}")
    for entry, parameter in parameters.items():
        if parameter.default is parameter.empty and entry not in entries:
            raise OperatorError(f"{place}: {entry}: missing; {name} is made from {', '.join(parameters)}")
    try:
        make: Callable[..., Operator] = kind
        made = make(**{entry: _value(path, place, entry, given, hints[entry]) for entry, given in entries.items()})
    except OperatorError:
        raise
    except ValueError as error:
        raise OperatorError(f"{place}: {error}") from error
    return made


def _value(
    path: Path, place: str, entry: str, given: object, hint: Any
) -> object:  # Any: a type as annotations spell it
    kinds = get_args(hint) or (hint,)
    if Operator in kinds:
        if not isinstance(given, Mapping):
            raise OperatorError(
                f'{place}: {entry}: an operator is a table, such as {{operator = "mask", mask = "mask.npy"}}'
            )
        return _operator(path, f"{place}: {entry}", dict(given))
    array = Tensor in kinds
    if array and (isinstance(given, str | list | Mapping) or int not in kinds):
        return _array(path, place, entry, given)
    try:
        given = tuple(given) if isinstance(given, list) else given
        return TypeAdapter(int if array else hint).validate_python(given, strict=True)
    except ValidationError as error:
        raise OperatorError(f"{place}: {entry}: {error.errors()[0]['msg'].lower()}, but got {given!r}") from error


def _array(path: Path, place: str, entry: str, given: object) -> Tensor:
    try:
        if isinstance(given, list):
            return torch.tensor(given, dtype=torch.float64)
        table: Mapping[str, object] = given if isinstance(given, Mapping) else {"file": given}
        named, name = table.get("file"), table.get("name")
        if not isinstance(named, str) or not isinstance(name, str | None) or not table.keys() <= {"file", "name"}:
            raise ArrayError('an array is "mask.npy", {file = "scan.h5", name = "mask"} or numbers')
        return torch.from_numpy(read_array(path.parent / named, name=name))
    except FileNotFoundError as error:
        raise OperatorError(f"{place}: {entry}: there is no file {named} beside it") from error
    except (OSError, ValueError, TypeError) as error:
        if isinstance(error, ArrayError) and isinstance(given, str):  # it names the file
            raise OperatorError(f"{place}: {entry}: {error}") from error
        raise OperatorError(f"{place}: {entry}: {reason_of(error)}, but got {given!r}") from error
