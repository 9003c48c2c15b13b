"""Files of MRI scans for tests, written with NumPy's transforms."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

XML = (
    '<?xml version="1.0"?><ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><experimentalConditions>'
    "<H1resonanceFrequency_Hz>63500000</H1resonanceFrequency_Hz></experimentalConditions><encoding>"
    "<encodedSpace><matrixSize><x>{readout}</x><y>{lines}</y><z>1</z></matrixSize>"
    "<fieldOfView_mm><x>{twice}</x><y>{down}</y><z>4</z></fieldOfView_mm></encodedSpace>"
    "<reconSpace><matrixSize><x>{x}</x><y>{y}</y><z>1</z></matrixSize>"
    "<fieldOfView_mm><x>{across}</x><y>{down}</y><z>4</z></fieldOfView_mm></reconSpace>"
    "<encodingLimits><kspace_encoding_step_1><minimum>0</minimum><maximum>{last}</maximum><center>{centre}</center>"
    "</kspace_encoding_step_1></encodingLimits><trajectory>cartesian</trajectory></encoding></ismrmrdHeader>"
)


def transform(images: NDArray[np.complexfloating], axes: tuple[int, ...] = (-2, -1)) -> NDArray[np.complexfloating]:
    """Return the unitary centred transform, as fastMRI's `fft2c`."""
    return np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(images, axes=axes), axes=axes, norm="ortho"), axes=axes)


def inverse(kspace: NDArray[np.complexfloating], axes: tuple[int, ...] = (-2, -1)) -> NDArray[np.complexfloating]:
    """Return the inverse of `transform`."""
    return np.fft.fftshift(np.fft.ifftn(np.fft.ifftshift(kspace, axes=axes), axes=axes, norm="ortho"), axes=axes)


def middle(images: NDArray[np.number], size: tuple[int, int]) -> NDArray[np.number]:
    """Return the middle of images, as fastMRI's `center_crop` for even differences."""
    top, left = images.shape[-2] // 2 - size[0] // 2, images.shape[-1] // 2 - size[1] // 2
    return images[..., top : top + size[0], left : left + size[1]]


def coil_images(slices: int, coils: int, height: int, width: int, *, rows: int) -> NDArray[np.complexfloating]:
    """Return images that are zero outside their middle `rows`."""
    drawn = np.random.default_rng(0).normal(size=(2, slices, coils, height, width))
    images = drawn[0] + 1j * drawn[1]
    top = height // 2 - rows // 2
    images[:, :, :top] = images[:, :, top + rows :] = 0
    return images


def header(*, readout: int = 24, lines: int = 14, x: int = 12, y: int = 10) -> str:
    return XML.format(
        readout=readout, lines=lines, x=x, y=y, twice=360, across=180, down=150, last=lines - 1, centre=lines // 2
    )


def write_fastmri(
    path: Path,
    kspace: NDArray[np.complexfloating],
    *,
    mask: object = None,
    image: object = None,
    xml: str | None = None,
) -> Path:
    """Write a file as fastMRI's: multi-coil k-space has four axes, single-coil k-space three."""
    with h5py.File(path, "w") as file:
        file["kspace"] = kspace.astype(np.complex64)
        if mask is not None:
            file["mask"] = mask
        if image is not None:
            file["reconstruction_rss" if kspace.ndim == 4 else "reconstruction_esc"] = image
        file["ismrmrd_header"] = (xml or header()).encode()
        file.attrs.update({"acquisition": "AXT2", "max": 1.5, "norm": 20.0, "patient_id": "synthetic"})
    return path
