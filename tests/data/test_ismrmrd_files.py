"""K-space from files that ISMRMRD's own library wrote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import ismrmrd
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.data.scans import coil_images, header, inverse, middle, transform
from unseen.data import ArrayError, read_kspace

Change = Callable[[ismrmrd.Acquisition], None]


def write(
    path: Path,
    kspace: NDArray[np.complexfloating],
    *,
    lines: list[int] | None = None,
    xml: str | None = None,
    change: Change | None = None,
    extra: tuple[ismrmrd.Acquisition, ...] = (),
) -> Path:
    """Write (slices, coils, partitions, readout, lines) line by line, each as often as it is named."""
    slices, _, depth, readout, count = kspace.shape
    with ismrmrd.Dataset(str(path), mode="w") as file:
        file.write_xml_header((xml or header()).encode())
        for one in extra:
            file.append_acquisition(one)
        for index in range(slices):
            for partition in range(depth):
                for line in lines or range(count):
                    one = acquisition(kspace[index, :, partition, :, line], readout // 2)
                    one.idx.slice, one.idx.kspace_encode_step_1, one.idx.kspace_encode_step_2 = index, line, partition
                    if change is not None:
                        change(one)
                    file.append_acquisition(one)
    return path


def acquisition(data: NDArray[np.complexfloating], centre: int) -> ismrmrd.Acquisition:
    one = ismrmrd.Acquisition.from_array(np.ascontiguousarray(data, np.complex64))
    one.center_sample = centre
    return one


def scan_of_two() -> tuple[NDArray[np.complexfloating], NDArray[np.complexfloating]]:
    images = coil_images(2, 3, 24, 14, rows=12)
    return images, transform(images)[:, :, None]


@pytest.mark.nightly
def test_slices_lines_and_oversampling(tmp_path: Path) -> None:
    images, kspace = scan_of_two()
    scan = read_kspace(write(tmp_path / "scan.h5", kspace))
    assert scan.kspace.shape == (2, 3, 12, 14) and scan.mask.all()
    assert scan.size == (12, 10) and scan.pixel_mm == (15.0, 15.0)
    np.testing.assert_allclose(scan.crop(inverse(scan.kspace)), middle(images, (12, 10)), atol=1e-5)
    whole = read_kspace(tmp_path / "scan.h5", oversampled=True, slices=1)
    np.testing.assert_allclose(whole.kspace, kspace[1:, :, 0], atol=1e-6)


def test_lines_left_out_averages_reversed_lines_and_noise(tmp_path: Path) -> None:
    _, kspace = scan_of_two()
    noise = acquisition(np.full((3, 50), 100.0), 25)
    noise.set_flag(ismrmrd.ACQ_IS_NOISE_MEASUREMENT)

    def reversed_if_odd(one: ismrmrd.Acquisition) -> None:
        if one.idx.kspace_encode_step_1 % 2:
            one.data[:] = one.data[:, ::-1].copy()
            one.center_sample = one.number_of_samples - 1 - one.center_sample
            one.set_flag(ismrmrd.ACQ_IS_REVERSE)

    path = tmp_path / "scan.h5"
    write(path, kspace, lines=[0, 3, 6, 7, 8, 7, 12], change=reversed_if_odd, extra=(noise,))
    scan = read_kspace(path, oversampled=True)
    measured = np.isin(np.arange(14), [0, 3, 6, 7, 8, 12])
    assert np.array_equal(scan.mask, np.broadcast_to(measured, (24, 14)))
    np.testing.assert_allclose(scan.kspace, kspace[:, :, 0] * measured, atol=1e-6)


@pytest.mark.nightly
def test_partitions_become_slices(tmp_path: Path) -> None:
    volume = coil_images(4, 3, 24, 14, rows=12).swapaxes(0, 1)[None]  # (1, coils, partitions, readout, lines)
    xml = (
        header()
        .replace("<z>1</z>", "<z>4</z>", 1)
        .replace(
            "</kspace_encoding_step_1>",
            "</kspace_encoding_step_1><kspace_encoding_step_2><center>2</center></kspace_encoding_step_2>",
        )
    )
    scan = read_kspace(write(tmp_path / "scan.h5", transform(volume, axes=(-3, -2, -1)), xml=xml))
    assert scan.kspace.shape == (4, 3, 12, 14)
    np.testing.assert_allclose(inverse(scan.kspace), volume[0].swapaxes(0, 1)[..., 6:18, :], atol=1e-5)


def test_a_partial_echo_keeps_its_place(tmp_path: Path) -> None:
    _, kspace = scan_of_two()
    path = write(tmp_path / "scan.h5", kspace[:, :, :, 8:], change=lambda one: setattr(one, "center_sample", 4))
    scan = read_kspace(path, oversampled=True)
    np.testing.assert_allclose(scan.kspace[:, :, 8:], kspace[:, :, 0, 8:], atol=1e-6)
    assert not scan.mask[:8].any() and scan.mask[8:].all()


def test_faults_are_named_with_file_cause_and_remedy(tmp_path: Path) -> None:
    _, kspace = scan_of_two()
    path = tmp_path / "scan.h5"
    write(path, kspace, xml=header().replace("cartesian", "spiral"))
    with pytest.raises(ArrayError, match=r"scan\.h5: the trajectory is spiral\. Read its points .*NonCartesianFourier"):
        read_kspace(path)
    write(path, kspace, xml=header(lines=8))
    with pytest.raises(ArrayError, match=r"scan\.h5: acquisition 8 \(3 coils, 24 samples, line 8\).*24x8x1\. Correct"):
        read_kspace(path, oversampled=True)
    write(path, kspace, change=lambda one: setattr(one.idx, "repetition", one.idx.slice))
    with pytest.raises(ArrayError, match=r"has 2 values of repetition"):
        read_kspace(path)
    write(path, kspace, change=lambda one: one.set_flag(ismrmrd.ACQ_IS_NOISE_MEASUREMENT))
    with pytest.raises(ArrayError, match=r"has 28 acquisitions, and none of an image"):
        read_kspace(path)
    write(path, kspace[:, :, :, 8:], change=lambda one: setattr(one, "center_sample", 4))
    with pytest.raises(ArrayError, match=r"lines are not complete along the readout.*Give oversampled=True"):
        read_kspace(path)
    write(path, kspace, xml="<a>")
    with pytest.raises(ArrayError, match=r"scan\.h5: cannot be read as k-space \(the header is no XML"):
        read_kspace(path)
    with h5py.File(path, "w") as file:
        file["dataset/data"], file["dataset/xml"] = np.zeros(3), [header().encode()]
    with pytest.raises(ArrayError, match=r"scan\.h5: cannot be read as k-space"):
        read_kspace(path)
