"""Arrays of other programs: what each wrote is read back, and what is no array is told in a sentence."""

from __future__ import annotations

import pickle
from pathlib import Path

import h5py
import nibabel
import numpy as np
import pytest

from unseen.data import ArrayError, read_array

VALUES = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
COMPLEX = (VALUES + 1j * VALUES[::-1]).astype(np.complex64)


@pytest.mark.parametrize("values", [VALUES, COMPLEX, VALUES > 0, np.arange(5, dtype=np.uint16)])
def test_npy_comes_back_as_it_is(tmp_path: Path, values: np.ndarray) -> None:
    np.save(tmp_path / "y.npy", values)
    found = read_array(tmp_path / "y.npy")
    assert found.dtype == values.dtype and np.array_equal(found, values)
    found[...] = 0  # in memory, and ours
    assert np.array_equal(read_array(tmp_path / "y.npy"), values)


def test_npz_and_hdf5_hold_one_array_or_the_one_that_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", y=COMPLEX)
    np.savez_compressed(tmp_path / "two.npz", y=COMPLEX, mask=VALUES > 0)
    with h5py.File(tmp_path / "one.h5", "w") as file:
        file["scan/kspace"] = COMPLEX
    with h5py.File(tmp_path / "two.hdf5", "w") as file:
        file["scan/kspace"], file["scan/mask"] = COMPLEX, VALUES > 0
    for name in ("one.npz", "one.h5"):
        assert np.array_equal(read_array(tmp_path / name), COMPLEX)
    assert np.array_equal(read_array(tmp_path / "two.npz", name="mask"), VALUES > 0)
    found = read_array(tmp_path / "two.hdf5", name="/scan/kspace")
    assert found.dtype == np.complex64 and np.array_equal(found, COMPLEX)
    with pytest.raises(ArrayError, match=r"two.npz: it holds 2 arrays. Name one of: mask, y"):
        read_array(tmp_path / "two.npz")
    with pytest.raises(ArrayError, match=r"there is no image in it. Name one of: scan/kspace, scan/mask"):
        read_array(tmp_path / "two.hdf5", name="image")


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_nifti_is_read_with_its_scaling(tmp_path: Path, ending: str) -> None:
    image = nibabel.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4))
    image.header.set_slope_inter(0.5, 10)
    path = tmp_path / f"volume{ending}"
    nibabel.save(image, path)
    expected = np.asarray(nibabel.load(path).dataobj)
    found = read_array(path)
    assert found.shape == (2, 3, 4) and np.array_equal(found, expected)
    assert found[0, 0, 1] - found[0, 0, 0] == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["y.npy", "y.npz", "y.h5", "y.nii", "y.nii.gz"])
def test_half_a_file_and_another_kind_of_file_are_told(tmp_path: Path, name: str) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    np.save(whole / "y.npy", VALUES)
    np.savez(whole / "y.npz", VALUES)
    with h5py.File(whole / "y.h5", "w") as file:
        file["y"] = VALUES
    for ending in (".nii", ".nii.gz"):
        nibabel.save(nibabel.Nifti1Image(VALUES, np.eye(4)), whole / f"y{ending}")
    content = (whole / name).read_bytes()
    path = tmp_path / name
    for wrong in (content[: len(content) // 2], b"", b"no array at all" * 100):
        path.write_bytes(wrong)
        with pytest.raises(ArrayError, match=name):
            read_array(path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["y.npy", "y.npz", "y.h5", "y.nii"])
def test_a_file_with_damaged_bytes_is_an_error_in_a_sentence(tmp_path: Path, name: str) -> None:
    """Damaged headers once ended in tracebacks of tokenize, zipfile and h5py."""
    path = tmp_path / name
    match path.suffix:
        case ".npy":
            np.save(path, VALUES)
        case ".npz":
            np.savez_compressed(path, VALUES)
        case ".h5":
            with h5py.File(path, "w") as file:
                file["y"] = VALUES
        case _:
            nibabel.save(nibabel.Nifti1Image(VALUES, np.eye(4)), path)
    content, draws, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(200):
        damaged = bytearray(content)
        for place in draws.integers(0, {".npy": 128, ".nii": 348}.get(path.suffix, len(content)), size=4):
            damaged[place] = draws.integers(256)
        path.write_bytes(damaged)
        try:
            read_array(path)
        except ArrayError as error:
            refused += 1
            assert "pickle" not in str(error)
    assert refused > 10


def test_a_header_that_promises_more_than_there_is_allocates_nothing(tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", VALUES)
    content = (tmp_path / "y.npy").read_bytes()
    header = content[:128].replace(b"(2, 3, 4), }" + b" " * 10, b"(2, 3, 99999999999), }")
    assert len(header) == 128
    (tmp_path / "y.npy").write_bytes(header + content[128:])
    with pytest.raises(ArrayError, match=r"y.npy: cannot be read as .npy"):
        read_array(tmp_path / "y.npy")


def test_what_is_no_array_of_numbers_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "words.npy", np.array(["a", "b"]))
    with pytest.raises(ArrayError, match="numbers were expected"):
        read_array(tmp_path / "words.npy")
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}]), allow_pickle=True)
    np.savez(tmp_path / "objects.npz", np.array([{"a": 1}]))
    for name in ("objects.npy", "objects.npz"):
        with pytest.raises(ArrayError, match=rf"{name}: holds Python objects, and numbers were expected"):
            read_array(tmp_path / name)
    for name in ("text.npy", "text.npz"):
        (tmp_path / name).write_text("1, 2, 3")
        with pytest.raises(ArrayError, match=rf"{name}: is no .np[yz] file"):
            read_array(tmp_path / name)
    (tmp_path / "y.pt").write_bytes(pickle.dumps([1]))
    said = r"y.pt: arrays are read from .npy, .npz, .h5, .hdf5, .nii, .nii.gz, .mat. Convert it: np.save\(\"y.npy\", to"
    with pytest.raises(ArrayError, match=said):
        read_array(tmp_path / "y.pt")
    (tmp_path / "y.tar").touch()  # an archive of files as a rule
    with pytest.raises(ArrayError, match=r"\.mat\. Save it as one of these\.$"):
        read_array(tmp_path / "y.tar")
    np.save(tmp_path / "y.npy", VALUES)
    with pytest.raises(ArrayError, match="Leave the name out"):
        read_array(tmp_path / "y.npy", name="y")
    with pytest.raises(FileNotFoundError):
        read_array(tmp_path / "gone.npy")
