"""MNIST's idx files, made here and the real ones: pixels, padding, and files that are none."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from unseen.data.array_files import ArrayError
from unseen.data.digits import read_digits, read_idx

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)


def idx(numbers: np.ndarray, *, kind: int = 8) -> bytes:
    return struct.pack(f">HBB{numbers.ndim}I", 0, kind, numbers.ndim, *numbers.shape) + numbers.tobytes()


@pytest.mark.parametrize("name", ["images", "images.gz"])
def test_images_come_back_padded_to_32_and_divided_by_255(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(idx(PIXELS)) if name.endswith(".gz") else idx(PIXELS))
    images = read_digits(path)
    assert images.shape == (5, 1, 32, 32) and images.dtype == torch.float32
    assert torch.equal(images[:, 0, 2:30, 2:30], torch.from_numpy(PIXELS.astype(np.float32) / 255))
    assert images.sum() == pytest.approx(PIXELS.sum() / 255, rel=1e-6), "nothing but zeros around them"
    assert torch.equal(read_digits(path, number=2), images[:2])


def test_labels_are_read_by_the_same_reader(tmp_path: Path) -> None:
    labels = np.array([3, 1, 4], np.uint8)
    (tmp_path / "labels").write_bytes(idx(labels))
    assert read_idx(tmp_path / "labels").tolist() == [3, 1, 4]
    with pytest.raises(ArrayError, match=r"holds numbers \(3,\), and images of 28 × 28 were expected"):
        read_digits(tmp_path / "labels")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is no idx file of unsigned bytes"),
        (b"PK\x03\x04 and on", "is no idx file of unsigned bytes"),
        (idx(PIXELS, kind=0x0D), "is no idx file of unsigned bytes"),
        (idx(PIXELS)[:-1], "ends after 3919 of 3920 numbers. Copy it again"),
        (idx(PIXELS[:, :20]), r"holds numbers \(5, 20, 28\), and images of 28 × 28"),
    ],
)
def test_other_files_are_told(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "images").write_bytes(content)
    with pytest.raises(ArrayError, match=f"images: {sentence}"):
        read_digits(tmp_path / "images")


def test_a_damaged_gzip_and_too_few_images_are_told(tmp_path: Path) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(idx(PIXELS))[:-200])
    with pytest.raises(ArrayError, match=r"cannot be unpacked .*Copy it again"):
        read_digits(path)
    path.write_bytes(idx(PIXELS))
    with pytest.raises(ArrayError, match="cannot be unpacked"):
        read_digits(path)
    path.write_bytes(gzip.compress(idx(PIXELS)))
    with pytest.raises(ArrayError, match="holds 5 items, and 6 were asked for"):
        read_digits(path, number=6)
    with pytest.raises(FileNotFoundError):
        read_digits(tmp_path / "none")


def test_the_real_test_digits_have_the_brightness_that_is_known(shared_data: Path) -> None:
    path = shared_data / "mnist" / "t10k-images-idx3-ubyte.gz"
    images = read_digits(path)
    assert images.shape == (10_000, 1, 32, 32)
    assert (images[:, 0, 2:30, 2:30] * 255).mean() == pytest.approx(33.7912, abs=1e-3)  # as the literature has it
    assert read_idx(path.with_name("t10k-labels-idx1-ubyte.gz"), number=5).tolist() == [7, 2, 1, 0, 4]
