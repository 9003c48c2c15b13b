"""MATLAB's .mat files: each version gives MATLAB's numbers in MATLAB's order of axes, or a sentence."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.io import loadmat, savemat

from unseen.data import ArrayError, read_array
from unseen.data.operator_files import read_operator
from unseen.physics import Mask, Tomography

DRAWS = np.random.default_rng(0)
STACK = DRAWS.random((3, 1, 5, 4))
"""Images as in EI's CT100: (n, 1, height, width)."""
WORKSPACE = {
    "DATA": STACK,
    "single": STACK.astype(np.float32),
    "mask": STACK[0, 0] > 0.5,
    "bytes": DRAWS.integers(0, 256, (4, 6), dtype=np.uint8),
    "counts": DRAWS.integers(-9, 9, (2, 3), dtype=np.int64),
    "kspace": STACK + 1j * STACK[::-1],
    "kspace_single": (STACK - 2j * STACK).astype(np.complex64),
    "number": np.array([[7.0]]),
}


def save_73(path: Path, **variables: object) -> Path:
    """Write a .mat file as MATLAB's `save(…, '-v7.3')` does: HDF5 after a header of 512 bytes, axes in reverse."""
    kinds = {"float64": "double", "float32": "single", "complex128": "double", "complex64": "single", "bool": "logical"}
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in variables.items():
            if isinstance(value, dict):
                group = file.create_group(name)
                group.attrs["MATLAB_class"] = np.bytes_("struct")
                continue
            array = np.asarray(value)
            if array.dtype.kind == "c":
                part = array.real.dtype
                both = np.empty(array.shape, [("real", part), ("imag", part)])
                both["real"], both["imag"] = array.real, array.imag
                stored = both
            else:
                stored = array.astype(np.uint8) if array.dtype == bool else array
            file[name] = np.array(array.shape, np.uint64) if array.size == 0 else stored.T
            file[name].attrs["MATLAB_class"] = np.bytes_(kinds.get(str(array.dtype), str(array.dtype)))
            if array.size == 0:
                file[name].attrs["MATLAB_empty"] = np.uint8(1)
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path


def save(path: Path, version: str, **variables: object) -> Path:
    if version == "7.3":
        return save_73(path, **variables)
    savemat(path, variables, format="4" if version == "4" else "5", do_compression=version == "7")
    return path


@pytest.mark.parametrize("name", WORKSPACE)
@pytest.mark.parametrize("version", ["5", "7", "7.3"])
def test_numbers_type_and_axes_are_those_of_matlab(tmp_path: Path, version: str, name: str) -> None:
    path = save(tmp_path / "workspace.mat", version, **WORKSPACE, scan={"date": 1})
    found, given = read_array(path, name=name), WORKSPACE[name]
    assert found.dtype == given.dtype and np.array_equal(found, given)
    assert found.flags.writeable and found.flags.c_contiguous  # else torch warns
    if version != "7.3":
        assert np.array_equal(found, loadmat(path)[name])  # SciPy's reader agrees


def test_a_file_of_version_4_is_read(tmp_path: Path) -> None:
    path = save(tmp_path / "y.mat", "4", sinogram=STACK[0, 0], kspace=WORKSPACE["kspace"][0, 0])
    assert np.array_equal(read_array(path, name="sinogram"), STACK[0, 0])
    assert np.array_equal(read_array(path, name="kspace"), WORKSPACE["kspace"][0, 0])


def test_doubles_that_are_stored_as_bytes_stay_doubles(tmp_path: Path) -> None:
    """MATLAB stores whole numbers in the smallest type; uint8 would be divided by 255 as images."""
    flags = struct.pack(">IIII", 6, 8, 6, 0)  # class double
    size, label = struct.pack(">IIII", 5, 8, 2, 3), struct.pack(">I", 1 << 16 | 1) + b"x\0\0\0"
    numbers = struct.pack(">II", 2, 6) + bytes([0, 100, 1, 200, 255, 3]) + bytes(2)
    body = flags + size + label + numbers
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI"  # big endian
    (tmp_path / "x.mat").write_bytes(header + struct.pack(">II", 14, len(body)) + body)
    found = read_array(tmp_path / "x.mat")
    assert found.dtype == np.float64 and found.tolist() == [[0, 1, 255], [100, 200, 3]]
    assert loadmat(tmp_path / "x.mat", mat_dtype=True)["x"].tolist() == found.tolist()


@pytest.mark.parametrize("version", ["7", "7.3"])
def test_the_one_array_is_read_and_one_of_several_is_named(tmp_path: Path, version: str) -> None:
    one = save(tmp_path / "one.mat", version, DATA=STACK, scan={"date": 1})
    assert np.array_equal(read_array(one), STACK)
    two = save(tmp_path / "two.mat", version, DATA=STACK, sigma=0.1)
    with pytest.raises(ArrayError, match=r"two.mat: it holds 2 arrays. Name one of: DATA, sigma"):
        read_array(two)
    with pytest.raises(ArrayError, match=r"there is no images in it. Name one of: DATA, sigma"):
        read_array(two, name="images")


def test_other_classes_are_refused_with_matlabs_expression(tmp_path: Path) -> None:
    cell = np.empty((1, 2), object)
    cell[0, 0], cell[0, 1] = np.eye(2), np.eye(3)
    others = {"scan": {"y": STACK}, "images": cell, "mask": sparse.csc_array(np.eye(3)), "title": "text"}
    savemat(tmp_path / "others.mat", others)
    for name, said in (
        ("scan", r"scan is of MATLAB's class struct, .* In MATLAB: array = scan.field; save"),
        ("images", r"class cell, .* array = cat\(3, images\{:\}\);"),
        ("mask", r"class sparse, .* array = full\(mask\);"),
        ("title", r"class char, and an array of numbers was expected. Save an array of numbers"),
    ):
        with pytest.raises(ArrayError, match=said):
            read_array(tmp_path / "others.mat", name=name)
        savemat(tmp_path / "alone.mat", {name: others[name]})
        with pytest.raises(ArrayError, match=rf"alone.mat: .*{said}"):
            read_array(tmp_path / "alone.mat")
    with pytest.raises(ArrayError, match=r"holds no array of numbers, but images \(cell\), mask \(sparse\), scan"):
        read_array(tmp_path / "others.mat")
    with pytest.raises(ArrayError, match="scan is of MATLAB's class struct"):
        read_array(save_73(tmp_path / "scan.mat", scan={}))
    savemat(tmp_path / "none.mat", {})
    with pytest.raises(ArrayError, match=r"none.mat: holds no array of numbers\."):
        read_array(tmp_path / "none.mat")
    for version in ("7", "7.3"):
        with pytest.raises(ArrayError, match="x is empty"):
            read_array(save(tmp_path / "empty.mat", version, x=np.zeros((0, 3))))


def test_hdf5_of_another_program_is_refused_since_its_axes_are_not_known(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "y.mat", "w") as file:
        file["y"] = STACK
    with pytest.raises(ArrayError, match=r"another program than MATLAB.* rename the file to \.h5"):
        read_array(tmp_path / "y.mat")


def test_a_missing_h5py_is_named_with_the_extra_and_older_versions_are_read(tmp_path: Path) -> None:
    save(tmp_path / "new.mat", "7.3", y=STACK)
    save(tmp_path / "old.mat", "7", y=STACK)
    program = (
        "import sys; sys.modules['h5py'] = None\n"
        "from unseen.data import read_array\n"
        "print(read_array('old.mat').shape)\n"
        "try: read_array('new.mat')\n"
        "except ValueError as error: print(error)"
    )
    out = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert out.stdout.startswith("(3, 1, 5, 4)\nnew.mat: a .mat file of version 7.3 needs h5py: pip install")
    assert "unseen[imaging]" in out.stdout and "-v7" in out.stdout


@pytest.mark.filterwarnings("ignore:We do not support byte ordering")
@pytest.mark.parametrize("version", ["4", "5", "7", "7.3"])
def test_cut_and_damaged_files_are_an_error_in_a_sentence(tmp_path: Path, version: str) -> None:
    path = save(tmp_path / "y.mat", version, y=STACK[0, 0])
    content, draws = path.read_bytes(), np.random.default_rng(0)
    for wrong in (content[: len(content) // 2], content[:-9], b"", b"no array at all" * 100, b"1.0 2.0\n"):
        path.write_bytes(wrong)
        with pytest.raises(ArrayError, match=r"y.mat: .*"):
            read_array(path)
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        for place in draws.integers(0, min(len(content), 2500), size=4):
            damaged[place] = draws.integers(256)
        path.write_bytes(damaged)
        try:
            read_array(path)
        except ArrayError:
            refused += 1
    assert refused > 30


def test_an_operator_takes_its_mask_from_a_mat_file(tmp_path: Path) -> None:
    mask = DRAWS.random((16, 16)) < 0.5
    save(tmp_path / "scan.mat", "7", mask=mask.astype(float), sigma=0.1)
    savemat(tmp_path / "angles.mat", {"theta": np.linspace(0, 150, 6)})  # MATLAB's vectors have two axes
    (tmp_path / "ct.toml").write_text('operator = "tomography"\nsize = 16\nangles = "angles.mat"')
    assert read_operator(tmp_path / "ct.toml").range == Tomography(16, 6).range
    (tmp_path / "scan.toml").write_text('operator = "mask"\nmask = {file = "scan.mat", name = "mask"}')
    x = torch.rand(2, 1, 16, 16)
    assert torch.equal(read_operator(tmp_path / "scan.toml")(x), Mask(torch.from_numpy(mask))(x))
