"""K-space from ISMRMRD's HDF5 files: the acquisitions, each a line, put in their places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unseen.artifacts.installing import install_command
from unseen.data.array_files import ArrayError
from unseen.data.ismrmrd_header import IsmrmrdHeader, read_header
from unseen.data.kspace import KSpace

LARGEST = 2**31  # complex samples: 16 GB
SERIES = ("contrast", "phase", "repetition", "set")  # several images of one slice


def read_acquisitions(path: Path) -> tuple[KSpace, IsmrmrdHeader]:
    """Return the Cartesian k-space of an ISMRMRD file, and its header.

    Lines of noise, of phase correction and navigation, and calibration lines that are not part of the image are left
    out; reversed lines are turned; averages are averaged. Partitions of a three-dimensional scan are transformed to
    slices, which needs all partitions of a line. Zero-filled lines are not measured.

    Raises:
        ArrayError: the trajectory is not Cartesian, there are several contrasts, phases, repetitions or sets, lines lie
            outside the encoded matrix, or ismrmrd is not installed.

    Source: Inati et al., ISMRM raw data format, Magn. Reson. Med. 77 (2017) 411–421.
    """
    try:
        import ismrmrd
    except ImportError as error:
        raise ArrayError(f"{path}: ISMRMRD needs ismrmrd: {install_command('unseen[ismrmrd]')}") from error
    left_out = (
        ismrmrd.ACQ_IS_NOISE_MEASUREMENT,
        ismrmrd.ACQ_IS_PARALLEL_CALIBRATION,
        ismrmrd.ACQ_IS_NAVIGATION_DATA,
        ismrmrd.ACQ_IS_PHASECORR_DATA,
        ismrmrd.ACQ_IS_PHASE_STABILIZATION,
        ismrmrd.ACQ_IS_PHASE_STABILIZATION_REFERENCE,
        ismrmrd.ACQ_IS_HPFEEDBACK_DATA,
        ismrmrd.ACQ_IS_RTFEEDBACK_DATA,
        ismrmrd.ACQ_IS_DUMMYSCAN_DATA,
        ismrmrd.ACQ_IS_SURFACECOILCORRECTIONSCAN_DATA,
    )
    with ismrmrd.Dataset(str(path), mode="r") as file:
        header = read_header(file.read_xml_header())
        if header.trajectory != "cartesian":
            raise ArrayError(
                f"{path}: the trajectory is {header.trajectory}. Read its points and samples with ismrmrd, and give "
                "them to un.physics.NonCartesianFourier."
            )
        every = [file.read_acquisition(index) for index in range(file.number_of_acquisitions())]
        lines = [one for one in every if not any(one.is_flag_set(flag) for flag in left_out)]
        if not lines:
            raise ArrayError(f"{path}: has {len(every)} acquisitions, and none of an image. Give the file of a scan.")
        kspace, counts = _placed(path, header, lines, ismrmrd.ACQ_IS_REVERSE)
    kspace /= np.maximum(counts, 1)[:, None]
    measured: NDArray[np.bool_] = np.logical_or.reduce(counts > 0, axis=(0, 1))  # (readout, lines)
    if kspace.shape[2] > 1:
        if ((counts > 0) != measured).any():
            raise ArrayError(
                f"{path}: partitions of this three-dimensional scan are missing. Only scans that are accelerated along "
                "kspace_encode_step_1 are read."
            )
        kspace = np.fft.fftshift(
            np.fft.ifft(np.fft.ifftshift(kspace, axes=2), axis=2, norm="ortho"), axes=2
        )  # (slices, coils, partitions, readout, lines)
    kspace = kspace.swapaxes(1, 2).reshape(-1, kspace.shape[1], *kspace.shape[3:]).astype(np.complex64)
    (x, y, _), (across, down, _) = header.image.matrix, header.image.field_of_view_mm
    size = min(x, kspace.shape[-2]), min(y, kspace.shape[-1])
    return KSpace(kspace, measured, size, (across / x, down / y)), header


# Any: ismrmrd has no types
def _placed(
    path: Path, header: IsmrmrdHeader, lines: list[Any], reverse: int
) -> tuple[NDArray[np.complex64], NDArray[np.int32]]:
    """Return the sums of lines in their places, (slices, coils, partitions, readout, lines), and their numbers."""
    readout, height, depth = header.encoded.matrix
    coils = lines[0].active_channels
    slices = 1 + max(one.idx.slice for one in lines)
    for name in SERIES:
        found = {getattr(one.idx, name) for one in lines}
        if len(found) > 1:
            raise ArrayError(
                f"{path}: has {len(found)} values of {name}, and one image of each slice is read. Write one of them to "
                "a file with ismrmrd."
            )
    if slices * coils * depth * readout * height > LARGEST:
        raise ArrayError(f"{path}: k-space of {slices}x{coils}x{depth}x{readout}x{height} samples is too large.")
    kspace = np.zeros((slices, coils, depth, readout, height), np.complex64)
    counts = np.zeros((slices, depth, readout, height), np.int32)
    middle = header.centre or (height // 2, depth // 2)
    for number, one in enumerate(lines):
        stop = one.number_of_samples - one.discard_post
        samples, centre = one.data[:, one.discard_pre : stop], one.center_sample - one.discard_pre
        if one.is_flag_set(reverse):
            samples, centre = samples[:, ::-1], samples.shape[1] - 1 - centre
        start = readout // 2 - centre
        line = one.idx.kspace_encode_step_1 - middle[0] + height // 2
        partition = one.idx.kspace_encode_step_2 - middle[1] + depth // 2
        inside = start >= 0 and start + samples.shape[1] <= readout and 0 <= line < height and 0 <= partition < depth
        if not inside or len(samples) != coils:
            raise ArrayError(
                f"{path}: acquisition {number} ({len(samples)} coils, {samples.shape[1]} samples, line "
                f"{one.idx.kspace_encode_step_1}) does not go with {coils} coils and the encoded matrix "
                f"{readout}x{height}x{depth}. Correct the header."
            )
        place = one.idx.slice, partition, slice(start, start + samples.shape[1]), line
        kspace[place[0], :, place[1], place[2], place[3]] += samples
        counts[place] += 1
    return kspace, counts
