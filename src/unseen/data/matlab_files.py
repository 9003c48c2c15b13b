"""Variables of MATLAB's .mat files, with the type and the order of axes that MATLAB gives them.

Version 7.3 is HDF5, which lists the axes in reverse; h5py reads it. SciPy reads version 4. Versions 5 to 7 are read
here, since a damaged byte in such a file can end the process of SciPy's reader (format: MathWorks, MAT-File Format,
R2023b, chapter 1).
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

NUMBERS: dict[str, type[np.generic]] = {
    "double": np.float64,
    "single": np.float32,
    "logical": np.bool_,
    "int8": np.int8,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "uint8": np.uint8,
    "uint16": np.uint16,
    "uint32": np.uint32,
    "uint64": np.uint64,
}
"""MATLAB's classes of numeric arrays, and the type of each in NumPy."""
FOREIGN = ""
"""Class of an HDF5 variable that MATLAB did not write."""

_Order = Literal["little", "big"]
_Numbers = NDArray[Any]  # Any: of the variable's class
_HDF5, _AFTER_HEADER = b"\x89HDF\r\n\x1a\n", 512
_VERSION_73 = (b"\x00\x02IM", b"\x02\x00MI")
_ORDERS: dict[bytes, _Order] = {b"IM": "little", b"MI": "big"}
_HEADER, _HEAD = 128, 4096  # bytes of a file's header; bytes of a variable that hold its class and name
_MATRIX, _COMPRESSED = 14, 15  # types of elements
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_CLASSES = (
    "", "cell", "struct", "object", "char", "sparse", "double", "single", "int8", "uint8", "int16", "uint16", "int32",
    "uint32", "int64", "uint64", "function", "opaque",
)  # fmt: skip
_LOGICAL, _COMPLEX = 0x200, 0x800  # flags of a variable


def variables(path: Path) -> dict[str, str]:
    """Return MATLAB's class of each variable by name, such as `{"DATA": "double"}`.

    Args:
        path: a .mat file.

    Raises:
        ImportError: the file has version 7.3, and h5py is not installed.
        ValueError: the file is damaged; so do OSError, RuntimeError and zlib.error.

    >>> import tempfile
    >>> from scipy.io import savemat
    >>> path = Path(tempfile.mkdtemp()) / "images.mat"
    >>> savemat(path, {"DATA": np.zeros((2, 1, 8, 8)), "scan": {"date": 1}})
    >>> variables(path)
    {'DATA': 'double', 'scan': 'struct'}
    """
    match _version(path):
        case 7.3:
            import h5py

            with h5py.File(path, "r") as file:
                return {name: _hdf5_class(file[name]) for name in file if not name.startswith("#")}  # #refs#
        case 4:
            from scipy.io import whosmat

            with _version_4(path) as file:
                return {name: kind for name, _, kind in whosmat(file)}
        case _:
            return {name: kind for name, (kind, _) in _located(path).items()}


def values(path: Path, name: str, kind: str) -> _Numbers:
    """Return the numbers of a variable, complex where MATLAB's are.

    Args:
        path: a .mat file.
        name: of the variable.
        kind: its class, one of `NUMBERS`.

    Raises:
        ValueError: the file is damaged; so do OSError, RuntimeError and zlib.error.

    >>> import tempfile
    >>> from scipy.io import savemat
    >>> path = Path(tempfile.mkdtemp()) / "mask.mat"
    >>> savemat(path, {"mask": np.eye(2, dtype=bool)})
    >>> values(path, "mask", "logical").tolist()
    [[True, False], [False, True]]
    """
    match _version(path):
        case 7.3:
            stored = _hdf5_values(path, name)
        case 4:
            from scipy.io import loadmat

            with _version_4(path) as file:
                stored = np.asarray(loadmat(file, variable_names=[name])[name])
        case _:
            stored = _values(path, _located(path)[name][1])
    # MATLAB stores doubles that are whole numbers as integers, and complex numbers have the class of their parts
    found = stored if np.iscomplexobj(stored) else stored.astype(NUMBERS[kind], copy=False)
    return np.require(found, requirements=["C", "W"])


def _version(path: Path) -> float:
    """Return the version of a file: 4, 7.3, or 7 for those between.

    Raises:
        ValueError: it has no header of MATLAB.
    """
    with path.open("rb") as file:
        start = file.read(_AFTER_HEADER + len(_HDF5))
    if start.startswith(_HDF5) or start[_AFTER_HEADER:] == _HDF5 or start[124:_HEADER] in _VERSION_73:
        return 7.3
    if 0 in start[:4]:
        return 4
    if start[126:_HEADER] not in _ORDERS:
        raise ValueError("its first bytes are not those of MATLAB")
    return 7


@contextmanager
def _version_4(path: Path) -> Iterator[BinaryIO]:
    """Open a file for SciPy; its own errors, and MemoryError of a false size, become ValueError."""
    from scipy.io.matlab import MatReadError

    with path.open("rb") as file:
        try:
            yield file
        except (MatReadError, MemoryError) as error:
            raise ValueError(str(error) or "its size is too large") from error


def _hdf5_class(item: Any) -> str:  # Any: a group or a data set of h5py, which has no types
    if "MATLAB_sparse" in item.attrs:
        return "sparse"
    kind = item.attrs.get("MATLAB_class", FOREIGN)
    return kind.decode("ascii", "replace") if isinstance(kind, bytes) else str(kind)


def _hdf5_values(path: Path, name: str) -> _Numbers:
    import h5py

    with h5py.File(path, "r") as file:
        variable = file[name]
        if "MATLAB_empty" in variable.attrs:  # holds its size in place of numbers
            return np.empty(0)
        stored: _Numbers = variable[()]
    if stored.dtype.names == ("real", "imag"):
        stored = stored["real"] + 1j * stored["imag"]
    return stored.T


def _located(path: Path) -> dict[str, tuple[str, int]]:
    """Return the class of each variable, and where it begins, of versions 5 to 7."""
    found = {}
    with path.open("rb") as file:
        order, at = _order(file), _HEADER
        while at < path.stat().st_size:
            content, after = _variable(file, order, at, limit=_HEAD)
            (_, flags), *rest = _elements(content, order)
            bits = int.from_bytes(flags[:4], order)
            kind = _CLASSES[bits & 0xFF] if bits & 0xFF < len(_CLASSES) else f"number {bits & 0xFF}"
            _, label = rest[0 if kind == "opaque" else 1]  # before it is the size
            if name := bytes(label).decode("utf-8", "replace"):  # that of functions' data is empty
                found[name] = ("logical" if bits & _LOGICAL and kind in NUMBERS else kind), at
            at = after
    return found


def _values(path: Path, at: int) -> _Numbers:
    """Return the numbers of the variable that begins there, of versions 5 to 7."""
    with path.open("rb") as file:
        order = _order(file)
        content, _ = _variable(file, order, at)
    (_, flags), (_, size), _, *parts = _elements(content, order)
    shape = np.frombuffer(size, _type(6, order)).tolist()
    real, *rest = (np.frombuffer(part, _type(kind, order)) for kind, part in parts)
    if int.from_bytes(flags[:4], order) & _COMPLEX:
        (imaginary,) = rest
        real = real + 1j * imaginary
    return real.reshape(shape, order="F")


def _order(file: BinaryIO) -> _Order:
    return _ORDERS[file.read(_HEADER)[126:]]


def _type(kind: int, order: _Order) -> np.dtype[Any]:
    if kind not in _TYPES:
        raise ValueError(f"there is no type of numbers {kind}")
    return np.dtype(_TYPES[kind]).newbyteorder(order)


def _variable(file: BinaryIO, order: _Order, at: int, *, limit: int | None = None) -> tuple[memoryview, int]:
    """Return the first bytes of a variable, decompressed, without its tag; and where the next one begins."""
    end = file.seek(0, 2)
    file.seek(at)
    tag = file.read(8)
    kind, length = (int.from_bytes(tag[i : i + 4], order) for i in (0, 4))
    if at + 8 + length > end:
        raise ValueError("its end is missing")
    if kind not in (_MATRIX, _COMPRESSED):
        raise ValueError(f"there is no type of variables {kind}")
    content = file.read(length if limit is None else min(limit, length))
    if kind == _COMPRESSED:
        content = zlib.decompress(content) if limit is None else zlib.decompressobj().decompress(content, limit)
        content = content[8:]
    return memoryview(content), at + 8 + length


def _elements(content: memoryview, order: _Order) -> Iterator[tuple[int, memoryview]]:
    """Yield the type and the bytes of each element; up to four bytes are in the tag itself."""
    at = 0
    while at + 8 <= len(content):
        first, length = (int.from_bytes(content[i : i + 4], order) for i in (at, at + 4))
        if first >> 16:
            yield first & 0xFFFF, content[at + 4 : at + 4 + (first >> 16)]
            at += 8
        else:
            yield first, content[at + 8 : at + 8 + length]
            at += 8 + length + -length % 8
