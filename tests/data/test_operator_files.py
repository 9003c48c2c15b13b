"""Operators in TOML files: every one of the registry, and a sentence for what describes none."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from unseen.data.operator_files import OperatorError, read_operator
from unseen.physics import (
    OPERATORS,
    Blur,
    CompressedSensing,
    ConeBeam,
    Dense,
    Downsampling,
    FourierMask,
    Frames,
    Identity,
    Mask,
    NonCartesianFourier,
    Operator,
    SinglePixelCamera,
    Tomography,
)

HOLES = torch.rand(1, 16, 16, generator=torch.Generator().manual_seed(0)) < 0.5
COILS = torch.randn(3, 16, 16, dtype=torch.complex64, generator=torch.Generator().manual_seed(1))
KERNEL = torch.rand(3, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)

DESCRIBED: dict[str, tuple[str, Operator]] = {
    "mask": ('mask = "holes.npy"', Mask(HOLES)),
    "fourier-mask": ('mask = "holes.npy"\nreal = true', FourierMask(HOLES, real=True)),
    "fourier-mask, coils": (
        'mask = {file = "scan.h5", name = "mask"}\ncoils = {file = "scan.h5", name = "coils"}',
        FourierMask(HOLES, coils=COILS),
    ),
    "tomography": ("size = 16\nangles = 5\npixel_size = 1", Tomography(16, 5)),
    "tomography, list": ("size = 16\nangles = [0, 30.5, 90]", Tomography(16, [0, 30.5, 90])),
    "tomography, fan beam": (
        "size = [12, 16]\nangles = 5\nspacing = 1.2\noffset = 0.5\nsource_distance = 40\npixel_size = [1, 0.8]",
        Tomography((12, 16), 5, spacing=1.2, offset=0.5, source_distance=40.0, pixel_size=(1.0, 0.8)),
    ),
    "cone-beam": (
        "size = [2, 16, 16]\nangles = 5\nsource_distance = 40\ndetectors = [3, 20]\nspacing = [1.0, 1.1]",
        ConeBeam((2, 16, 16), 5, source_distance=40.0, detectors=(3, 20), spacing=(1.0, 1.1)),
    ),
    "blur": ('size = [16, 16]\nkernel = "kernel.npy"\nboundary = "valid"', Blur(16, KERNEL, boundary="valid")),
    "blur, numbers": ("size = 16\nkernel = [[0.5, 0.5]]", Blur(16, torch.tensor([[0.5, 0.5]]))),
    "downsampling": ('size = 16\nfactor = 4\nfilter = "box"', Downsampling(16, 4, filter="box")),
    "frames": ('frames = 3\n[A]\noperator = "mask"\nmask = "holes.npy"', Frames(Mask(HOLES), 3)),
    "identity": ("shape = [1, 16, 16]", Identity((1, 16, 16))),
    "non-cartesian-fourier": (
        'size = 16\ntrajectory = [[0, 0.25], [-0.5, 0.1]]\ncoils = {file = "scan.h5", name = "coils"}',
        NonCartesianFourier(16, torch.tensor([[0, 0.25], [-0.5, 0.1]], dtype=torch.float64), coils=COILS),
    ),
    "single-pixel-camera": ("size = 16\nm = 64\nseed = 3", SinglePixelCamera(16, 64, seed=3)),
    "dense": ('matrix = "kernel.npy"\nsize = [1, 5]', Dense(KERNEL, size=(1, 5))),
    "compressed-sensing": ("size = 16\nm = 64", CompressedSensing(16, 64)),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "holes.npy", HOLES.numpy())
    np.save(tmp_path / "kernel.npy", KERNEL.numpy())
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["mask"], file["coils"] = HOLES.numpy(), COILS.numpy()
    return tmp_path


def test_every_operator_is_here() -> None:
    assert {key.split(",")[0] for key in DESCRIBED} == set(OPERATORS)


@pytest.mark.parametrize("key", DESCRIBED)
def test_what_a_file_describes_is_what_python_makes(key: str, folder: Path) -> None:
    text, expected = DESCRIBED[key]
    (folder / "scan.toml").write_text(f'operator = "{key.split(",")[0]}"\n{text}')
    A = read_operator(folder / "scan.toml")
    x = torch.randn(2, *A.domain, dtype=torch.complex64 if A.complex_domain else torch.float32)
    assert torch.equal(A(x), expected(x))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a", "is no TOML"),
        ("size = 3", 'needs one line such as operator = "mask"'),
        ('operator = "tomografy"', 'operator "tomografy": unknown; did you mean tomography?'),
        ('operator = "mask"', "mask: missing; mask is made from mask, channels, axes"),
        ('operator = "mask"\nmask = "gone.npy"', "mask: there is no file gone.npy beside it"),
        ('operator = "mask"\nmask = "scan.h5"', "mask: .*holds 2 arrays"),
        ('operator = "frames"\nA = "scan.toml"', "A: an operator is a table"),
        ('operator = "frames"\n[A]\noperator = "mask"', "A: mask: missing; mask is made from"),
        ('operator = "mask"\nmask = 3', 'mask: an array is "mask.npy"'),
        ('operator = "mask"\nmask = {path = "holes.npy"}', 'mask: an array is "mask.npy"'),
        ('operator = "mask"\nmask = [["a"]]', "mask: .* but got"),
        ('operator = "mask"\nmask = "kernel.npy"', "A mask holds 0 and 1 only"),
        ('operator = "tomography"\nsize = 16\nangels = 3', "angels: unknown; did you mean angles?"),
        ('operator = "tomography"\nsize = "large"', "size: input should be a valid integer, but got 'large'"),
        ('operator = "tomography"\nsize = true', "size: input should be a valid integer, but got True"),
        ('operator = "downsampling"\nsize = 16\nfilter = "none"', "filter: input should be 'ideal', 'bicubic' or"),
        ('operator = "downsampling"\nsize = 16\nfactor = 3', "factor is a whole number that divides"),
    ],
)
def test_what_describes_none_is_told(text: str, said: str, folder: Path) -> None:
    (folder / "scan.toml").write_text(text)
    with pytest.raises(OperatorError, match=said) as told:
        read_operator(folder / "scan.toml")
    assert str(told.value).startswith(f"{folder / 'scan.toml'}: ")


def test_an_array_in_the_place_of_an_operators_file_is_named_with_the_lines_to_write(folder: Path) -> None:
    with pytest.raises(OperatorError, match=r'is an array.* operator = "mask" and mask = "holes.npy"'):
        read_operator(folder / "holes.npy")
    (folder / "mask.pt").write_bytes(b"torch's")
    (folder / "scan.toml").write_text('operator = "mask"\nmask = "mask.pt"')
    with pytest.raises(OperatorError, match=r"mask: .*mask.pt: arrays are read from .*numpy\(\)\)\.$"):
        read_operator(folder / "scan.toml")


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(OperatorError, match=r"gone.toml: cannot be read \(No such file or directory\). Give the TOML"):
        read_operator("gone.toml")
