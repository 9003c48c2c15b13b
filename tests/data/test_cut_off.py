"""A film whose coded data are cut off, in a file that is otherwise whole, is refused in every format.

The container is repaired after each cut: lengths and check sums fit the data that are left, as where a program was
stopped while it wrote. `test_jpeg_completeness` has the processes of JPEG.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom import uid

from tests.data import making
from unseen.data.decode import Decoder, shared_decoder
from unseen.data.decoder_protocol import DecodedImage

SHARES = (0.3, 0.9, 0.99)
PIXELS = np.random.default_rng(3).integers(0, 256, (120, 99), np.uint8)
DEEP = np.random.default_rng(4).integers(0, 4096, (120, 99), np.uint16)


def png(pixels: NDArray[np.unsignedinteger], share: float, *, rows: bool = False) -> bytes:
    """A PNG whose compressed data, or whose rows before compression, end early; its check sums fit."""
    whole, parts, at = making.image(pixels), [], 8
    while at < len(whole):
        (length,) = struct.unpack_from(">I", whole, at)
        parts.append((whole[at + 4 : at + 8], whole[at + 8 : at + 8 + length]))
        at += 12 + length
    data = b"".join(content for kind, content in parts if kind == b"IDAT")
    if rows:
        plain = zlib.decompress(data)
        data = zlib.compress(plain[: int(share * len(plain))])
    else:
        data = data[: int(share * len(data))]
    parts = [*(part for part in parts if part[0] not in (b"IDAT", b"IEND")), (b"IDAT", data), (b"IEND", b"")]
    sealed = (struct.pack(">I", len(c)) + kind + c + struct.pack(">I", zlib.crc32(kind + c)) for kind, c in parts)
    return whole[:8] + b"".join(sealed)


def webp(share: float, *, lossless: bool) -> bytes:
    """A WebP whose data end early; the lengths of RIFF and of its chunk fit."""
    whole = making.image(PIXELS, "webp", lossless=lossless)
    at = whole.index(b"VP8", 12)
    (length,) = struct.unpack_from("<I", whole, at + 4)
    data = whole[at + 8 : at + 8 + int(share * length)]
    body = b"WEBP" + whole[at : at + 4] + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def rle(share: float) -> bytes:
    """RLE Lossless whose last segment ends early."""
    frame = making.rle(DEEP)
    count, *starts = struct.unpack_from("<16I", frame)
    last = starts[count - 1]
    frame = frame[: last + int(share * (len(frame) - last))]
    return making.dicom(DEEP, bits=12, syntax=uid.RLELossless, frame=frame + bytes(len(frame) % 2))


def j2k(share: float) -> bytes:
    """JPEG 2000 whose tile ends early; the length of the tile part (Psot) fits."""
    whole = making.j2k(DEEP, bits=12)
    frame = bytearray(whole[: int(share * len(whole))] if share < 1 else whole[:-2])
    at = frame.index(b"\xff\x90")
    struct.pack_into(">I", frame, at + 6, len(frame) - at)
    frame += b"\xff\xd9"
    return making.dicom(DEEP, bits=12, syntax=uid.JPEG2000Lossless, frame=bytes(frame) + bytes(len(frame) % 2))


def native(share: float) -> bytes:
    """Pixel Data without its last bytes; the length of the element fits."""
    ds = pydicom.dcmread(io.BytesIO(making.dicom(DEEP, bits=12)))
    ds.PixelData = ds.PixelData[: 2 * int(share * len(ds.PixelData) / 2)]
    written = io.BytesIO()
    ds.save_as(written)
    return written.getvalue()


CUT: dict[str, Callable[[float], bytes]] = {
    "PNG": lambda share: png(PIXELS, share),
    "PNG of 16 bits": lambda share: png(DEEP, share),
    "PNG, rows": lambda share: png(PIXELS, share, rows=True),
    "WebP": lambda share: webp(share, lossless=False),
    "WebP lossless": lambda share: webp(share, lossless=True),
    "RLE": rle,
    "JPEG 2000": j2k,
    "native": native,
}


@pytest.fixture
def decoder() -> Decoder:
    """This process's own, whose child has imported what decodes."""
    return shared_decoder()


@pytest.mark.parametrize("name", CUT)
def test_data_that_are_cut_off_in_a_file_that_is_whole_are_refused(decoder: Decoder, name: str, tmp_path: Path) -> None:
    path = tmp_path / "film"
    path.write_bytes(CUT[name](1))
    assert isinstance(decoder.decode(path), DecodedImage)
    for share in SHARES:
        path.write_bytes(CUT[name](share))
        found = decoder.decode(path)
        assert isinstance(found, str) and found.endswith("."), f"{share} of the data"


def test_the_clause_of_a_damaged_file_ends_before_its_cause(decoder: Decoder, tmp_path: Path) -> None:
    """Lists show the reason up to the first colon, which was inside a bracket: `cannot be decoded (OSError`."""
    coded = io.BytesIO()
    Image.fromarray(PIXELS).save(coded, format="JPEG")
    path = tmp_path / "film.jpg"
    path.write_bytes(coded.getvalue()[: coded.tell() // 2])
    found = decoder.decode(path)
    assert isinstance(found, str)
    clause, _, rest = found.partition(": ")
    assert clause == "The file is damaged and cannot be decoded"
    assert "truncated" in rest and rest.endswith("Send it again from its source.")
