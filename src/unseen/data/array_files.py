"""Arrays from files: `.npy`, `.npz`, HDF5, NIfTI, MATLAB's `.mat`.

HDF5, NIfTI and `.mat` of version 7.3 need the extra `unseen[imaging]`. No pickle is opened. `operator_files` reads
operators.
"""

import tokenize
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unseen.artifacts.errors import UserError, reason_of
from unseen.artifacts.installing import install_command
from unseen.data import matlab_files

Array = NDArray[Any]  # Any: numbers of whatever kind the file holds
_KINDS = "biufc"  # bool, whole, real and complex numbers
_OF_TORCH = (".pt", ".pth")
_DAMAGED = (  # raised by NumPy, zipfile, h5py and NiBabel for files with damaged bytes
    OSError,
    ValueError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    EOFError,
    TypeError,
    SyntaxError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


class ArrayError(UserError, ValueError):
    """A file that is no array of numbers: which, why, and what to do."""


class ArrayNotChosen(ArrayError):
    """A file of several arrays, of which none was named, or another than there are."""


def read_array(path: Path | str, *, name: str | None = None) -> Array:
    """Return the array of numbers in a file, in memory, with the type and the axes that it has there.

    Args:
        path: `.npy`; `.npz`; HDF5: `.h5`, `.hdf5`; NIfTI: `.nii`, `.nii.gz`, whose axes are x, y, z and on, and whose
            scaling is applied; `.mat`, with MATLAB's order of axes in every version.
        name: which one, where a `.npz`, an HDF5 or a `.mat` file holds several, such as `kspace`.

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
        remedy = "Save it as one of these."
        if ending in _OF_TORCH:
            stem = path.name.split(".")[0]
            remedy = f'Convert it: np.save("{stem}.npy", torch.load("{path.name}", map_location="cpu").numpy()).'
        raise ArrayError(f"{path}: arrays are read from {', '.join(_READERS)}. {remedy}")
    with path.open("rb"):
        pass  # an OSError of our own, for every format alike
    try:
        array = _READERS[ending](path, name)
    except ArrayError:
        raise
    except _DAMAGED as error:
        if "allow_pickle" in str(error) or "Python objects" in str(error):  # NumPy's two messages
            raise ArrayError(
                f"{path}: holds Python objects, and numbers were expected. Save the numbers as an array of one type."
            ) from error
        raise ArrayError(f"{path}: cannot be read as {ending} ({reason_of(error)}). Write or copy it again.") from error
    if array.dtype.kind not in _KINDS:
        raise ArrayError(f"{path}: holds {array.dtype}, and numbers were expected.")
    return array


def _npy(path: Path, name: str | None) -> Array:
    _no_name(path, name)
    with path.open("rb") as file:
        if file.read(len(np.lib.format.MAGIC_PREFIX)) != np.lib.format.MAGIC_PREFIX:
            raise ArrayError(f"{path}: is no .npy file: its first bytes are others. Write or copy it again.")
    mapped: Array = np.load(path, mmap_mode="r", allow_pickle=False)  # mapped: a false header allocates nothing
    return np.array(mapped)


def _npz(path: Path, name: str | None) -> Array:
    if not zipfile.is_zipfile(path):
        raise ArrayError(f"{path}: is no .npz file, or its end is missing. Write or copy it again.")
    with np.load(path, allow_pickle=False) as archive:
        return np.asarray(archive[_chosen(path, name, list(archive.files))])


def _hdf5(path: Path, name: str | None) -> Array:
    try:
        import h5py
    except ImportError as error:
        raise ArrayError(f"{path}: HDF5 needs h5py: {install_command('unseen[imaging]')}") from error
    with h5py.File(path, "r") as file:
        names: list[str] = []
        file.visititems(lambda found, item: names.append(found) if isinstance(item, h5py.Dataset) else None)
        return np.asarray(file[_chosen(path, name, names)][()])


def _nifti(path: Path, name: str | None) -> Array:
    _no_name(path, name)
    try:
        import nibabel
    except ImportError as error:
        raise ArrayError(f"{path}: NIfTI needs NiBabel: {install_command('unseen[imaging]')}") from error
    try:
        image: Any = nibabel.load(path)  # Any: NiBabel's type of every kind of image has no data
        return np.asanyarray(image.dataobj)
    except (nibabel.filebasedimages.ImageFileError, nibabel.spatialimages.HeaderDataError) as error:
        raise ArrayError(f"{path}: is no NIfTI file ({error}). Write or copy it again.") from error


def _mat(path: Path, name: str | None) -> Array:
    try:
        held = matlab_files.variables(path)
    except ImportError as error:
        raise ArrayError(
            f"{path}: a .mat file of version 7.3 needs h5py: {install_command('unseen[imaging]')}. Or save it in "
            "MATLAB with -v7"
        ) from error
    if held and set(held.values()) == {matlab_files.FOREIGN}:
        raise ArrayError(
            f"{path}: is HDF5 of another program than MATLAB, so the order of its axes is not known. If it is that of "
            "NumPy, rename the file to .h5."
        )
    arrays = [found for found, kind in held.items() if kind in matlab_files.NUMBERS]
    other = name if name in held and name not in arrays else None
    if other is None and not arrays and len(held) == 1:
        (other,) = held
    if other is not None:
        raise _no_array(path, other, held[other])
    if not arrays:
        kinds = ", ".join(f"{found} ({kind})" for found, kind in sorted(held.items())[:20])
        raise ArrayError(f"{path}: holds no array of numbers{kinds and f', but {kinds}'}. Save one in it.")
    chosen = _chosen(path, name, arrays)
    array = matlab_files.values(path, chosen, held[chosen])
    if not array.size:
        raise ArrayError(f"{path}: {chosen} is empty, and numbers were expected.")
    return array


def _no_array(path: Path, name: str, kind: str) -> ArrayError:
    """Return the error about a variable of MATLAB that is no array of numbers."""
    dense = {"struct": f"{name}.field", "cell": f"cat(3, {name}{{:}})", "sparse": f"full({name})"}.get(kind)
    remedy = f"In MATLAB: array = {dense}; save('array.mat', 'array')" if dense else "Save an array of numbers."
    return ArrayError(f"{path}: {name} is of MATLAB's class {kind}, and an array of numbers was expected. {remedy}")


def _chosen(path: Path, name: str | None, names: list[str]) -> str:
    if name is None and len(names) == 1:
        return names[0]
    if name is None or name.strip("/") not in names:
        seen = f"there is no {name} in it" if name is not None else f"it holds {len(names)} arrays"
        raise ArrayNotChosen(f"{path}: {seen}. Name one of: {', '.join(sorted(names)[:20])}.")
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
    ".mat": _mat,
}
ENDINGS = tuple(_READERS)
"""Endings of the files that are read."""
