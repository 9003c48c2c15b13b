"""MNIST's idx files: images of handwritten digits, padded to 32 × 32, and their labels.

Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition", Proc.
IEEE 1998; the format is that of the authors' page (big-endian: two zeros, the type, the number of axes; the axes'
lengths; the numbers).
"""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from unseen.data.array_files import ArrayError

_BYTES = 0x08  # the idx format's number for unsigned bytes


_PADDING = 2  # 28 + 2 · 2 = 32


def read_digits(path: Path, *, number: int | None = None) -> Tensor:
    """Return the images of an idx file, such as `train-images-idx3-ubyte.gz`: (n, 1, 32, 32) in [0, 1], 0 is
    background.

    Args:
        path: the file, compressed by gzip where its name ends in .gz.
        number: how many, from the first on; None: all.

    Raises:
        ArrayError: the file is no idx file of 28 × 28 images, or holds fewer.
        OSError: it cannot be opened.

    >>> import struct, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "images-idx3-ubyte"
    ...     _ = file.write_bytes(struct.pack(">I3I", 0x803, 1, 28, 28) + bytes(28 * 28))
    ...     read_digits(file).shape
    torch.Size([1, 1, 32, 32])
    """
    raw = read_idx(path, number=number)
    if raw.ndim != 3 or raw.shape[1:] != (28, 28):
        raise ArrayError(f"{path}: holds numbers {raw.shape}, and images of 28 × 28 were expected.")
    return pad(torch.from_numpy(raw.astype(np.float32) / 255)[:, None], [_PADDING] * 4)


def read_idx(path: Path, *, number: int | None = None) -> NDArray[np.uint8]:
    """Return the unsigned bytes of an idx file, in the shape of its header; the first `number` along its first axis.

    Raises:
        ArrayError: the file is no idx file of unsigned bytes, or holds fewer than its header states, or than `number`.
        OSError: it cannot be opened.
    """
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        try:
            header = file.read(4)
            if len(header) < 4 or header[:3] != bytes([0, 0, _BYTES]) or not 1 <= header[3] <= 4:
                raise ArrayError(f"{path}: is no idx file of unsigned bytes. Give one of MNIST's four files.")
            axes = np.frombuffer(file.read(4 * header[3]), ">u4").tolist()
            if number is not None and number > axes[0]:
                raise ArrayError(f"{path}: holds {axes[0]} items, and {number} were asked for.")
            shape = (axes[0] if number is None else number, *axes[1:])
            content = file.read(math.prod(shape))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ArrayError(f"{path}: cannot be unpacked ({error}). Copy it again.") from error
    if len(content) < math.prod(shape):
        raise ArrayError(f"{path}: ends after {len(content)} of {math.prod(shape)} numbers. Copy it again.")
    return np.frombuffer(content, np.uint8).reshape(shape)
