"""K-space from HDF5 files of fastMRI and of ISMRMRD."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unseen.artifacts.errors import reason_of
from unseen.artifacts.installing import install_command
from unseen.data.array_files import ArrayError
from unseen.data.ismrmrd_files import read_acquisitions
from unseen.data.ismrmrd_header import IsmrmrdHeader, read_header
from unseen.data.kspace import KSpace
from unseen.data.readout_oversampling import remove_oversampling

RECONSTRUCTIONS = {4: ("reconstruction_rss",), 3: ("reconstruction_esc", "reconstruction_rss")}  # by axes of kspace


def read_kspace(path: Path | str, *, slices: slice | int | None = None, oversampled: bool = False) -> KSpace:
    """Return the k-space of a Cartesian scan, in centred order, from HDF5 of fastMRI or ISMRMRD.

    A file of fastMRI has `kspace`, (slices, coils, height, width) or (slices, height, width) of a single coil, complex;
    and, where they are known, `ismrmrd_header` (XML), `mask` (width,), `reconstruction_rss` or `reconstruction_esc`,
    and attributes. Lines that are zero in all coils and slices count as not measured, where there is no `mask`. A file
    of ISMRMRD has `dataset/data` and `dataset/xml` (see `ismrmrd_files`); it needs `pip install "unseen[ismrmrd]"`.

    Args:
        path: of the file.
        slices: which of them, such as `slice(10, 20)` or 15; only these are read from the disk. None: all.
        oversampled: keep the readout's oversampling. By default k-space is reduced to the field of view of the image
            that the header has: half of the samples, as a rule, and the same image.

    Raises:
        ArrayError: the file is no HDF5, has no complex `kspace` of three or four axes nor ISMRMRD's acquisitions, is
            cut short, or its header or mask does not go with it; or h5py or ismrmrd is not installed.
        OSError: there is no such file, or it may not be read.

    Example:
        >>> import h5py, tempfile
        >>> path = Path(tempfile.mkdtemp()) / "scan.h5"
        >>> with h5py.File(path, "w") as file:
        ...     file["kspace"] = np.ones((2, 3, 8, 6), np.complex64)
        >>> read_kspace(path, slices=1).kspace.shape
        (1, 3, 8, 6)

    Source: Zbontar et al., fastMRI, arXiv 1811.08839, and the format of its files at https://fastmri.org/dataset.
    """
    path = Path(path)
    try:
        import h5py
    except ImportError as error:
        raise ArrayError(f"{path}: HDF5 needs h5py: {install_command('unseen[imaging]')}") from error
    with path.open("rb"):
        pass  # an OSError of our own
    try:
        with h5py.File(path, "r") as file:
            acquisitions = "dataset/data" in file and "dataset/xml" in file
            if not acquisitions:
                scan, header = _fastmri(path, file, slices)
        if acquisitions:
            whole, header = read_acquisitions(path)
            scan = replace(whole, kspace=whole.kspace[_which(path, slices, len(whole.kspace))])
    except ArrayError:
        raise
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise ArrayError(f"{path}: cannot be read as k-space ({reason_of(error)}). Write or copy it again.") from error
    if header is None or oversampled:
        return scan
    try:
        return remove_oversampling(scan, _unfolded(header, scan.kspace.shape[-2]))
    except ValueError as error:
        raise ArrayError(f"{path}: {error}. Give oversampled=True.") from error


def _fastmri(path: Path, file: Any, slices: slice | int | None) -> tuple[KSpace, IsmrmrdHeader | None]:
    """`file` is Any, since h5py has no types."""
    stored = file.get("kspace")
    if stored is None:
        names: list[str] = sorted(file)
        raise ArrayError(
            f"{path}: has no kspace, but {', '.join(names[:10]) or 'nothing'}. Give a fastMRI file, or read an array "
            "of it by read_array(path, name=…)."
        )
    if stored.ndim not in (3, 4) or stored.dtype.kind != "c":
        raise ArrayError(
            f"{path}: kspace is {stored.dtype} of shape {stored.shape}. Write complex numbers, (slices, coils, height, "
            "width) or (slices, height, width)."
        )
    which = _which(path, slices, len(stored))
    kspace = np.asarray(stored[which])
    kspace = kspace if kspace.ndim == 4 else kspace[:, None]
    if not np.isfinite(kspace).all():
        raise ArrayError(
            f"{path}: kspace has values that are not finite. Set them to 0 and leave them out of the mask."
        )
    header = read_header(file["ismrmrd_header"][()]) if "ismrmrd_header" in file else None
    name = next((name for name in RECONSTRUCTIONS[stored.ndim] if name in file), None)
    image = None if name is None else np.asarray(file[name][which])
    size = kspace.shape[-2], kspace.shape[-1]
    inside = size if image is None else (image.shape[-2], image.shape[-1])
    pixel = None
    if header is not None:
        (x, y, _), (across, down, _) = header.image.matrix, header.image.field_of_view_mm
        inside = inside if image is not None else (x, y)
        pixel = across / x, down / y
    scan = KSpace(
        kspace,
        _mask(path, file, kspace),
        (min(inside[0], size[0]), min(inside[1], size[1])),
        pixel,
        image,
        dict(file.attrs),
    )
    return scan, header


def _which(path: Path, slices: slice | int | None, count: int) -> slice:
    if slices is None:
        return slice(None)
    if isinstance(slices, slice):
        return slices
    if not -count <= slices < count:
        raise ArrayError(
            f"{path}: has {count} slices, and slice {slices} was asked for. Give one from 0 to {count - 1}."
        )
    return slice(slices % count, slices % count + 1)


def _mask(path: Path, file: Any, kspace: NDArray[Any]) -> NDArray[np.bool_]:
    """(height, width); of the file's lines, or of the lines that are not zero."""
    height, width = kspace.shape[-2:]
    if "mask" not in file:
        lines = (kspace != 0).any(axis=(0, 1, 2))
    else:
        given = np.asarray(file["mask"][()])
        if given.shape != (width,) or not np.isin(given, (0, 1)).all():
            raise ArrayError(
                f"{path}: mask is {given.dtype} of shape {given.shape}, but kspace has {width} lines. Write a 0 or 1 "
                "for each line."
            )
        lines = given.astype(bool)
    mask: NDArray[np.bool_] = np.repeat(lines[None], height, axis=0)
    return mask


def _unfolded(header: IsmrmrdHeader, height: int) -> int:
    """Return the samples along the readout that cover the image's field of view."""
    encoded, image = header.encoded.field_of_view_mm[0], header.image.field_of_view_mm[0]
    return max(1, round(height * image / encoded)) if 0 < image < encoded else height
