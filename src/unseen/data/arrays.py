"""Arrays and operators in files: `.npy`, `.npz`, HDF5, NIfTI, and TOML for operators.

HDF5 and NIfTI need the extra `unseen[imaging]`. No pickle is opened.

An operator in a TOML file: its name among `unseen.physics.OPERATORS`, and what it is made from.

    operator = "fourier-mask"
    mask = "mask.npy"  # an array: a file beside this one, {file = "scan.h5", name = "mask"}, or the numbers themselves
    real = true

The entries are the arguments of the operator's class, by their names there. An operator that is made from another
(`frames`) has a table for it, such as `[A]`.
"""

import inspect
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from unseen.artifacts.errors import UserError, reason_of
from unseen.artifacts.registry import UnknownName, did_you_mean, imported
from unseen.physics import OPERATORS
from unseen.physics.operator import Operator

Array = NDArray[Any]  # Any: numbers of whatever kind the file holds

_KINDS = "biufc"  # bool, whole, real and complex numbers


class ArrayError(UserError, ValueError):
    """A file that is no array of numbers: which, why, and what to do."""


def read_array(path: Path | str, *, name: str | None = None) -> Array:
    """The array of numbers in a file, in memory, with the type and the axes that it has there.

    Args:
        path: `.npy`; `.npz`; HDF5: `.h5`, `.hdf5`; NIfTI: `.nii`, `.nii.gz`, whose axes are x, y, z and on, and whose
            scaling is applied.
        name: which one, where a `.npz` or an HDF5 file holds several, such as `kspace`.

    Raises:
        ArrayError: another kind of file, no such array, one of several that is not named, no numbers, or a file that is
            cut short; or the extra is not installed.
        OSError: there is no such file, or it may not be read.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "y.npy"
    >>> np.save(path, np.array([1 + 2j, 3]))
    >>> read_array(path).tolist()
    [(1+2j), (3+0j)]
    """
    path = Path(path)
    ending = ".nii.gz" if path.name.lower().endswith(".nii.gz") else path.suffix.lower()
    if ending not in _READERS:
        raise ArrayError(f"{path}: arrays are read from {', '.join(_READERS)}. Save it as one of these.")
    with path.open("rb"):
        pass  # an OSError of our own, for every format alike
    try:
        array = _READERS[ending](path, name)
    except ArrayError:
        raise
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise ArrayError(f"{path}: cannot be read as {ending} ({reason_of(error)}). Write or copy it again.") from error
    if array.dtype.kind not in _KINDS:
        raise ArrayError(f"{path}: holds {array.dtype}, and numbers were expected.")
    return array


def _npy(path: Path, name: str | None) -> Array:
    _no_name(path, name)
    mapped: Array = np.load(path, mmap_mode="r", allow_pickle=False)  # mapped: a false header allocates nothing
    return np.array(mapped)


def _npz(path: Path, name: str | None) -> Array:
    with np.load(path, allow_pickle=False) as archive:
        array: Array = archive[_chosen(path, name, list(archive.files))]
        return array


def _hdf5(path: Path, name: str | None) -> Array:
    try:
        import h5py
    except ImportError as error:
        raise ArrayError(f'{path}: HDF5 needs h5py: pip install "unseen[imaging]"') from error
    with h5py.File(path, "r") as file:
        names: list[str] = []
        file.visititems(lambda found, item: names.append(found) if isinstance(item, h5py.Dataset) else None)
        return np.asarray(file[_chosen(path, name, names)][()])


def _nifti(path: Path, name: str | None) -> Array:
    _no_name(path, name)
    try:
        import nibabel
    except ImportError as error:
        raise ArrayError(f'{path}: NIfTI needs NiBabel: pip install "unseen[imaging]"') from error
    try:
        image: Any = nibabel.load(path)  # Any: NiBabel's type of every kind of image has no data
        return np.asanyarray(image.dataobj)
    except (nibabel.filebasedimages.ImageFileError, nibabel.spatialimages.HeaderDataError) as error:
        raise ArrayError(f"{path}: is no NIfTI file ({error}). Write or copy it again.") from error


def _chosen(path: Path, name: str | None, names: list[str]) -> str:
    if name is None and len(names) == 1:
        return names[0]
    if name is None or name.strip("/") not in names:
        seen = f"there is no {name} in it" if name is not None else f"it holds {len(names)} arrays"
        raise ArrayError(f"{path}: {seen}. Name one of: {', '.join(sorted(names)[:20])}.")
    return name.strip("/")


def _no_name(path: Path, name: str | None) -> None:
    if name is not None:
        raise ArrayError(f"{path}: holds one array, which has no name, but {name} was asked for. Leave the name out.")


_READERS: dict[str, Callable[[Path, str | None], Array]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".nii": _nifti,
    ".nii.gz": _nifti,
}


class OperatorError(UserError, ValueError):
    """A file that describes no operator: which file, which entry, and what was expected."""


def read_operator(path: Path | str) -> Operator:
    """The operator that a TOML file describes.

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
    unseen.data.arrays.OperatorError: scan.toml: angels: unknown; did you mean angles?
    """
    path = Path(path)
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OperatorError(f"{path}: cannot be read ({error.strerror}). Give the TOML file of an operator.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OperatorError(f"{path}: is no TOML ({error}).") from error
    return _operator(path, str(path), entries)


def _operator(path: Path, place: str, entries: dict[str, Any]) -> Operator:  # Any: TOML
    """The operator of a table; `place` is where it stands, for errors."""
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
        raise OperatorError(f"{place}: {entry}: {reason_of(error)}, but got {given!r}") from error
