"""K-space from files of fastMRI's format against NumPy, and files that are refused."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from tests.data.scans import coil_images, header, inverse, middle, transform, write_fastmri
from unseen import physics
from unseen.data import ArrayError, read_kspace


def test_several_coils_give_the_reconstruction_in_the_file(tmp_path: Path) -> None:
    images = coil_images(2, 3, 24, 14, rows=12)
    rss = np.sqrt((np.abs(images) ** 2).sum(1))
    path = write_fastmri(tmp_path / "scan.h5", transform(images), image=middle(rss, (12, 10)).astype(np.float32))
    scan = read_kspace(path)
    assert scan.kspace.shape == (2, 3, 12, 14) and scan.kspace.dtype == np.complex64
    assert scan.size == (12, 10) and scan.pixel_mm == (15.0, 15.0)
    assert scan.attributes["acquisition"] == "AXT2"
    assert scan.mask.shape == (12, 14) and scan.mask.all()
    found = np.sqrt((np.abs(inverse(scan.kspace)) ** 2).sum(1))
    np.testing.assert_allclose(scan.crop(found), scan.image, atol=1e-5)


def test_the_operator_of_a_scan_inverts_each_slice(tmp_path: Path) -> None:
    maps = np.random.default_rng(1).normal(size=(2, 3, 24, 14)).view(np.float64)
    coils = maps[0] + 1j * maps[1]
    image = coil_images(2, 1, 24, 14, rows=12)
    scan = read_kspace(write_fastmri(tmp_path / "scan.h5", transform(image * coils)))
    inside = torch.from_numpy(coils[:, 6:18])
    A = physics.FourierMask(torch.from_numpy(scan.mask), coils=inside, centred=True)
    np.testing.assert_allclose(A.pinv(scan.kspace), image[:, :, 6:18], atol=1e-5)


def test_oversampling_is_kept_on_demand(tmp_path: Path) -> None:
    kspace = transform(coil_images(2, 3, 24, 14, rows=24))
    path = write_fastmri(tmp_path / "scan.h5", kspace)
    scan = read_kspace(path, oversampled=True)
    assert scan.size == (12, 10)
    np.testing.assert_allclose(scan.kspace, kspace, atol=1e-6)
    reduced = read_kspace(path)
    np.testing.assert_allclose(reduced.crop(inverse(reduced.kspace)), scan.crop(inverse(scan.kspace)), atol=1e-5)


@pytest.mark.parametrize(("slices", "which"), [(1, slice(1, 2)), (-1, slice(2, 3)), (slice(0, 2), slice(0, 2))])
def test_single_coil_and_some_slices(tmp_path: Path, slices: int | slice, which: slice) -> None:
    images = coil_images(3, 1, 24, 14, rows=12)[:, 0]
    path = write_fastmri(tmp_path / "scan.h5", transform(images), image=np.abs(middle(images, (12, 10))))
    scan = read_kspace(path, slices=slices)
    assert scan.kspace.shape == (len(range(3)[which]), 1, 12, 14)
    np.testing.assert_allclose(np.abs(scan.crop(inverse(scan.kspace)[:, 0])), scan.image, atol=1e-5)


def test_lines_that_were_not_measured_are_in_the_mask(tmp_path: Path) -> None:
    kspace, lines = transform(coil_images(2, 3, 24, 14, rows=12)), np.arange(14) % 3 != 0
    named = read_kspace(write_fastmri(tmp_path / "a.h5", kspace * lines, mask=lines.astype(np.float32)))
    found = read_kspace(write_fastmri(tmp_path / "b.h5", kspace * lines))
    for scan in (named, found):
        assert np.array_equal(scan.mask, np.broadcast_to(lines, (12, 14)))


def test_odd_sides_keep_the_middle(tmp_path: Path) -> None:
    images = coil_images(1, 2, 23, 13, rows=11)
    path = write_fastmri(tmp_path / "scan.h5", transform(images), xml=header(readout=23, lines=13, x=11, y=9))
    scan = read_kspace(path)
    assert scan.kspace.shape[-2] == 12  # 23 · 180 / 360, rounded
    np.testing.assert_allclose(scan.crop(inverse(scan.kspace)), middle(images, (11, 9)), atol=1e-5)


FAULTS = {
    "no kspace": (lambda file: file.pop("kspace"), r"has no kspace, but ismrmrd_header\. Give a fastMRI file"),
    "real kspace": (
        lambda file: file.update(kspace=np.ones((2, 3, 8, 6))),
        r"kspace is float64 of shape \(2, 3, 8, 6\)\. Write complex numbers, \(slices, coils",
    ),
    "two axes": (lambda file: file.update(kspace=np.ones((8, 6), complex)), r"of shape \(8, 6\)\. Write complex"),
    "another mask": (lambda file: file.update(mask=np.ones(5)), r"mask is float64 of shape \(5,\), but kspace has 14"),
    "a mask of weights": (lambda file: file.update(mask=np.full(14, 0.5)), r"Write a 0 or 1 for each line"),
    "a header that is no XML": (lambda file: file.update(ismrmrd_header=b"<a>"), r"the header is no XML"),
    "a header without a matrix": (
        lambda file: file.update(ismrmrd_header=header().replace("<x>24</x>", "").encode()),
        r"the header has no encodedSpace/matrixSize/x",
    ),
    "a header with entities": (
        lambda file: file.update(ismrmrd_header=b'<!DOCTYPE a [<!ENTITY b "c">]><a/>'),
        r"declares entities",
    ),
    "not a number": (
        lambda file: file.update(kspace=np.full((1, 2, 8, 14), np.nan + 0j)),
        r"not finite\. Set them to 0",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_file_cause_and_remedy(tmp_path: Path, fault: str) -> None:
    change, message = FAULTS[fault]
    whole = {"kspace": transform(coil_images(2, 3, 24, 14, rows=12)), "ismrmrd_header": header().encode()}
    change(whole)
    path = tmp_path / "scan.h5"
    with h5py.File(path, "w") as file:
        for name, value in whole.items():
            file[name] = value
    with pytest.raises(ArrayError, match=r"scan\.h5: .*" + message):
        read_kspace(path)


def test_half_a_file_another_file_and_another_slice_are_refused(tmp_path: Path) -> None:
    path = write_fastmri(tmp_path / "scan.h5", transform(coil_images(2, 3, 24, 14, rows=12)))
    with pytest.raises(ArrayError, match=r"has 2 slices, and slice 2 was asked for\. Give one from 0 to 1"):
        read_kspace(path, slices=2)
    content = path.read_bytes()
    for wrong in (content[: len(content) // 2], b"", b"no HDF5 at all" * 100):
        path.write_bytes(wrong)
        with pytest.raises(ArrayError, match=r"scan\.h5: cannot be read as k-space"):
            read_kspace(path)
    with pytest.raises(FileNotFoundError):
        read_kspace(tmp_path / "gone.h5")
