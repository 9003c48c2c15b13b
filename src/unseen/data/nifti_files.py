"""Volumes in NIfTI files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from unseen.artifacts.errors import reason_of
from unseen.artifacts.installing import install_command
from unseen.data.array_files import ArrayError
from unseen.data.volume import Volume


def read_nifti(path: Path | str) -> Volume:
    """Return the volume of a NIfTI file, with its axes ordered as DICOM's axial slices.

    Slices go from the feet to the head, rows from the front to the back, columns from the patient's right to the left,
    as closely as the file's axes allow without interpolation.

    Args:
        path: `.nii` or `.nii.gz`, of three axes.

    Raises:
        ArrayError: the file is no NIfTI of three axes, or NiBabel is not installed.
        OSError: there is no such file, or it may not be read.

    Example:
        >>> import nibabel, numpy, tempfile
        >>> path = Path(tempfile.mkdtemp()) / "volume.nii.gz"
        >>> nibabel.save(nibabel.Nifti1Image(numpy.zeros((6, 5, 4), numpy.float32), numpy.diag([2.0, 2, 3, 1])), path)
        >>> read_nifti(path).values.shape
        (4, 5, 6)

    Source: the NIfTI-1 standard: x to the right, y to the front, z to the head.
    """
    path = Path(path)
    try:
        import nibabel
    except ImportError as error:
        raise ArrayError(f"{path}: NIfTI needs NiBabel: {install_command('unseen[imaging]')}") from error
    with path.open("rb"):
        pass  # an OSError of our own
    try:
        image: Any = nibabel.load(path)  # Any: NiBabel's type of every kind of image has no affine
        if len(image.shape) != 3:
            raise ArrayError(f"{path}: has {len(image.shape)} axes, and a volume has 3. Take one volume of it.")
        canonical: Any = nibabel.as_closest_canonical(image)  # type: ignore[no-untyped-call]
        values = np.asarray(canonical.dataobj, dtype=np.float32)
        affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ canonical.affine  # to the left, to the back, to the head
    except ArrayError:
        raise
    except (OSError, ValueError, EOFError, nibabel.filebasedimages.ImageFileError) as error:
        raise ArrayError(f"{path}: cannot be read as NIfTI ({reason_of(error)}). Write or copy it again.") from error
    last = np.array([values.shape[0] - 1, values.shape[1] - 1, 0, 1])
    axes = np.stack([affine[:3, 2], -affine[:3, 1], -affine[:3, 0]])
    spacing = np.linalg.norm(axes, axis=1)
    origin = affine @ last
    return Volume(
        np.ascontiguousarray(values[::-1, ::-1].transpose(2, 1, 0)),
        (float(spacing[0]), float(spacing[1]), float(spacing[2])),
        (float(origin[0]), float(origin[1]), float(origin[2])),
        axes / spacing[:, None],
    )
