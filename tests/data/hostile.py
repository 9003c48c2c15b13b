"""Malformed and hostile inputs by kind: `KINDS[name](folder, rng, i)` puts the i-th of its kind on disk.

`REFUSED` names the kinds of which nothing may be read; of the others some happen to survive (a bit flipped in a JPEG).
`damage` does more harm to a file that is there already.
"""

from __future__ import annotations

import functools
import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset

from tests.data import making

Rng = np.random.Generator
Kind = Callable[[Path, Rng, int], Path]

NOISE = np.random.default_rng(7).integers(0, 256, (64, 80), np.uint8)
NOISE12 = np.random.default_rng(8).integers(0, 4096, (64, 80), np.uint16)
GOOD = {
    "png": making.image(NOISE),
    "png16": making.image(NOISE12),
    "jpeg": making.image(NOISE, "jpeg"),
    "webp": making.image(NOISE, "webp", lossless=True),
    "dicom": making.dicom(NOISE12, bits=12),
    "j2k": making.dicom(NOISE12, bits=12, syntax=uid.JPEG2000Lossless, frame=making.j2k(NOISE12, bits=12)),
    "jls": making.dicom(NOISE12, bits=12, syntax=uid.JPEGLSLossless, frame=making.jpeg_ls(NOISE12, bits=12)),
    "rle": making.dicom(NOISE12, bits=12, syntax=uid.RLELossless, frame=making.rle(NOISE12)),
    "ljpeg": making.dicom(NOISE12, bits=12, syntax=uid.JPEGLosslessSV1, frame=making.jpeg_lossless(NOISE12, bits=12)),
    "bare": making.bare(making.data_set(NOISE12, bits=12)),
}
GOODS = list(GOOD.values())
FRAMES: dict[str, tuple[str, Callable[[Any], bytes]]] = {
    "j2k": (uid.JPEG2000Lossless, lambda pixels: making.j2k(pixels, bits=12)),
    "jls": (uid.JPEGLSLossless, lambda pixels: making.jpeg_ls(pixels, bits=12)),
    "rle": (uid.RLELossless, making.rle),
    "ljpeg": (uid.JPEGLosslessSV1, lambda pixels: making.jpeg_lossless(pixels, bits=12)),
}


def _of_bytes(make: Callable[[Rng, int], bytes]) -> Kind:
    def kind(folder: Path, rng: Rng, i: int) -> Path:
        path = folder / f"film-{i}.dcm"
        path.write_bytes(make(rng, i))
        return path

    return kind


def truncated(rng: Rng, i: int) -> bytes:
    data = GOODS[i % len(GOODS)]
    return data[: int(rng.integers(1, len(data) - 64))]


def flipped(rng: Rng, i: int) -> bytes:
    data = bytearray(GOODS[i % len(GOODS)])
    for at in rng.integers(0, len(data), 8):
        data[at] ^= 1 << int(rng.integers(8))
    return bytes(data)


def flipped_header(rng: Rng, i: int) -> bytes:
    data = bytearray(GOODS[i % len(GOODS)])
    for at in rng.integers(0, min(len(data), 600), 5):
        data[at] = int(rng.integers(256))
    return bytes(data)


def spliced(rng: Rng, i: int) -> bytes:
    first, second = GOODS[i % len(GOODS)], GOODS[int(rng.integers(len(GOODS)))]
    return first[: int(rng.integers(140, 900))] + second[int(rng.integers(len(second))) :]


def random_bytes(rng: Rng, i: int) -> bytes:
    return rng.bytes(int(rng.integers(1, 5000)))


def random_after_magic(rng: Rng, i: int) -> bytes:
    starts = [
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"RIFF\xff\0\0\0WEBPVP8 ",
        bytes(128) + b"DICM",
        b"\x08\0\x05\0",
    ]
    return starts[i % 5] + rng.bytes(2000)


def tiny(rng: Rng, i: int) -> bytes:
    side = i % 3 + 1
    return [
        making.image(NOISE[:side, :side]),
        making.image(NOISE[:side, :side], "jpeg"),
        making.image(NOISE[:side, :side], "webp"),
        making.dicom(NOISE12[:side, :side], bits=12),
    ][i % 4]


def native_lie(rng: Rng, i: int) -> bytes:
    tags = [{"Rows": 64 + i + 1}, {"Rows": 63 - i % 20}, {"Columns": 81 + i}, {"Columns": 79 - i}, {"BitsAllocated": 8}]
    return making.dicom(NOISE12, bits=12, **(tags[i % 5] | ({"BitsStored": 8, "HighBit": 7} if i % 5 == 4 else {})))


def compressed_lie(name: str) -> Callable[[Rng, int], bytes]:
    syntax, encode = FRAMES[name]

    def make(rng: Rng, i: int) -> bytes:
        grow = int(rng.integers(1, 200))
        tags = [
            {"Rows": 64 + grow},
            {"Columns": 80 + grow},
            {"Rows": 32, "Columns": 160},
            {"Rows": 63},
            {"Columns": 33},
        ]
        return making.dicom(NOISE12, bits=12, syntax=syntax, frame=encode(NOISE12), **tags[i % 5])

    return make


def baseline_lie(rng: Rng, i: int) -> bytes:
    frame = making.image(NOISE, "jpeg")
    frame += bytes(len(frame) % 2)
    tags = [{"Rows": 65 + i}, {"Rows": 63}, {"Columns": 81 + i}, {"Columns": 40}]
    return making.dicom(NOISE, bits=8, syntax=uid.JPEGBaseline8Bit, frame=frame, **tags[i % 4])


def closed_early(rng: Rng, i: int) -> bytes:
    """Return a codestream that was cut off, and got its closing marker again."""
    names = ["jpeg", "baseline", *(name for name in FRAMES if name != "rle")]
    name = names[i % len(names)]
    frame = FRAMES[name][1](NOISE12) if name in FRAMES else making.image(NOISE, "jpeg")
    frame = frame[: int(rng.integers(20, len(frame) - 20))] + b"\xff\xd9"
    if name == "jpeg":
        return frame
    frame += bytes(len(frame) % 2)
    if name == "baseline":
        return making.dicom(NOISE, bits=8, syntax=uid.JPEGBaseline8Bit, frame=frame)
    return making.dicom(NOISE12, bits=12, syntax=FRAMES[name][0], frame=frame)


def wrong_process(rng: Rng, i: int) -> bytes:
    """Return a codestream of another kind than the transfer syntax says."""
    names = list(FRAMES)
    syntax = FRAMES[names[i % 4]][0]
    frame = FRAMES[names[(i + 1 + i % 3) % 4]][1](NOISE12)
    return making.dicom(NOISE12, bits=12, syntax=syntax, frame=frame)


@functools.cache
def large_j2k() -> bytes:
    return making.j2k(np.zeros((6000, 6000), np.uint16), bits=12)


def j2k_bomb(rng: Rng, i: int) -> bytes:
    """Return a few kB that claim 36 to 10 000 megapixels; with a header that agrees, and one that does not."""
    frame = bytearray(large_j2k())
    side = int(rng.integers(9000, 100_000))
    if i:
        frame[8:16] = frame[24:32] = struct.pack(">II", side, side)
    rows = min(side, 65_535) if i % 2 else 6000
    return making.dicom(NOISE12, bits=12, syntax=uid.JPEG2000, frame=bytes(frame), Rows=rows, Columns=rows)


def rle_lie(rng: Rng, i: int) -> bytes:
    """Segments that decode to up to 64 times their bytes: far more than the header's rows and columns."""
    run = b"\x81\0" * int(rng.integers(200_000, 3_000_000))
    return making.dicom(NOISE12, bits=12, syntax=uid.RLELossless, frame=making.rle_frame([run, run[: 2 * 2000 * i]]))


def rle_header(rng: Rng, i: int) -> bytes:
    frame = bytearray(making.rle(NOISE12))
    struct.pack_into("<I", frame, 4 * (i % 3), int(rng.integers(0, 2**32)))
    return making.dicom(NOISE12, bits=12, syntax=uid.RLELossless, frame=bytes(frame))


@functools.cache
def deflated_zeros() -> bytes:
    """400 MB of zeros. A part that ends by a full flush stands for itself, so that one is compressed and repeated."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    part = squeeze.compress(bytes(10_000_000)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return part * 40 + squeeze.flush()


@functools.cache
def zeros() -> bytes:
    """40 MB of zeros."""
    return zlib.compress(bytes(40_000_000), 9)


def deflated_bomb(rng: Rng, i: int) -> bytes:
    good = making.deflated(NOISE12, bits=12)
    at = good.index(uid.DeflatedExplicitVRLittleEndian.encode()) + 22
    return good[:at] + (deflated_zeros() if i else deflated_zeros()[:1000])


def png_bomb(rng: Rng, i: int) -> bytes:
    if i % 3 == 0:
        return making.png(int(rng.integers(9000, 2**31)), int(rng.integers(9000, 2**31)))
    name, data = (b"zTXt", b"Comment\0\0" + zeros()) if i % 3 == 1 else (b"iCCP", b"profile\0\0" + zeros())
    return making.png(64, 64, raw=bytes(65) * 64, before=making.chunk(name, data) * (1 + i))


def png_short(rng: Rng, i: int) -> bytes:
    """Fewer lines than the header says, every checksum right."""
    return making.png(64, 64, raw=bytes(65) * int(rng.integers(0, 60)))


def png_depth(rng: Rng, i: int) -> bytes:
    return making.png(64, 64, depth=[1, 2, 4, 3, 32][i % 5], colour=[0, 0, 0, 7, 5][i % 5], raw=bytes(600) * 64)


def webp_bomb(rng: Rng, i: int) -> bytes:
    data = bytearray(GOOD["webp"])
    data[21:25] = (int(rng.integers(8100, 16383)) | (16383 << 14)).to_bytes(4, "little")
    return bytes(data)


def jpeg_bomb(rng: Rng, i: int) -> bytes:
    data = bytearray(GOOD["jpeg"])
    at = data.index(b"\xff\xc0")
    struct.pack_into(">HH", data, at + 5, 65_000, int(rng.integers(1000, 65_000)))
    return bytes(data)


def unsupported(rng: Rng, i: int) -> bytes:
    return making.image(NOISE[: 40 + i], ["gif", "tiff", "bmp", "ppm", "jpeg2000", "ico", "tga", "pdf"][i % 8])


def animated(rng: Rng, i: int) -> bytes:
    out = io.BytesIO()
    frames = [Image.fromarray(np.roll(NOISE, k)) for k in range(2 + i)]
    frames[0].save(out, "png" if i % 2 else "webp", save_all=True, append_images=frames[1:])
    return out.getvalue()


def bad_rescale(rng: Rng, i: int) -> bytes:
    slope, intercept = [(b"nan ", b"0 "), (b"0 ", b"0 "), (b"1 ", b"inf "), (b"x!", b"1 "), (b"1\\2 ", b"0 ")][i % 5]
    data = making.dicom(NOISE12[: 40 + i], bits=12, RescaleSlope=123456, RescaleIntercept=654321)
    return data.replace(b"123456", slope.ljust(6)).replace(b"654321", intercept.ljust(6))


def bad_window(rng: Rng, i: int) -> bytes:
    data = making.dicom(NOISE12[: 40 + i], bits=12, WindowCenter=123456, WindowWidth=654321)
    return data.replace(b"123456", b"\xff" * 6).replace(b"654321", rng.bytes(6))


def bad_attribute(rng: Rng, i: int) -> bytes:
    names = ["Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel"]
    name = names[i % len(names)]
    value = 7 if name in ("BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel") else 0
    return making.dicom(NOISE12, bits=12, **{name: None if i % 2 and name[0] in "RCB" else value})


def frames(rng: Rng, i: int) -> bytes:
    return making.dicom(NOISE12, bits=12, NumberOfFrames=2 + i)


OTHER_CLASSES = [
    "1.2.840.10008.5.1.4.1.1.88.11",  # Basic Text SR
    "1.2.840.10008.5.1.4.1.1.88.33",  # Comprehensive SR
    "1.2.840.10008.5.1.4.1.1.7",  # Secondary Capture
    "1.2.840.10008.5.1.4.1.1.104.1",  # Encapsulated PDF
    "1.2.840.10008.5.1.4.1.1.11.1",  # GSPS
    "1.2.840.10008.5.1.4.1.1.1.1.1",  # DX For Processing
    "1.2.840.10008.5.1.4.1.1.2",  # CT
    "1.2.3",
]


def other_class(rng: Rng, i: int) -> bytes:
    tags: dict[str, Any] = {"PixelData": None} if i % 2 else {}
    return making.dicom(NOISE12, bits=12, sop_class=OTHER_CLASSES[i % len(OTHER_CLASSES)], **tags)


def encrypted(rng: Rng, i: int) -> bytes:
    if i % 2:  # a CMS envelope around a DICOM file: PS3.10, 7.4
        return b"\x30\x82" + rng.bytes(3000)
    hidden = Dataset()
    hidden.EncryptedContentTransferSyntaxUID = uid.ExplicitVRLittleEndian
    hidden.EncryptedContent = rng.bytes(200)
    return making.dicom(NOISE12, bits=12, PixelData=None, EncryptedAttributesSequence=[hidden])


def text(rng: Rng, i: int) -> bytes:
    texts = ["", "Findings: none.\n", "<svg xmlns='http://www.w3.org/2000/svg'/>", "{}", "file,label\na,normal\n"]
    return (texts[i % 5] * (i + 1)).encode("utf-16" if i > 14 else "utf-8")


def no_preamble(rng: Rng, i: int) -> bytes:
    if i % 2:
        return b"\x08\0" + rng.bytes(3000)
    capture = making.data_set(NOISE12, bits=12, sop_class=OTHER_CLASSES[i % len(OTHER_CLASSES)])
    return making.bare(capture)


def deep_sequence(rng: Rng, i: int) -> bytes:
    """Sequences in sequences, thousands deep, before the pixels."""
    item = b"\x40\0\x00\xa7SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\0\xe0\xff\xff\xff\xff"
    good = GOOD["dicom"]
    at = good.index(b"\x28\0\x02\0US")
    return good[:at] + item * (200 * (i + 1)) + good[at:]


def many_elements(rng: Rng, i: int) -> bytes:
    good = GOOD["dicom"]
    at = good.index(b"\x28\0\x02\0US")
    return good[:at] + b"".join(struct.pack("<HH2sH", 0x0029, e, b"LO", 0) for e in range(1000 * (i + 1))) + good[at:]


def long_value(rng: Rng, i: int) -> bytes:
    """Return a length far beyond the file."""
    good = bytearray(GOOD["dicom"])
    at = good.index(b"\xe0\x7f\x10\0OW") + 8
    struct.pack_into("<I", good, at, int(rng.integers(20_000, 2**32)))
    return bytes(good)


def deflate_hidden(rng: Rng, i: int) -> bytes:
    """Return the transfer syntax named twice: first as it should be, then as Deflated, or the reverse."""
    good = GOOD["dicom"]
    at = good.index(b"\x02\0\x10\0UI")
    both = [
        struct.pack("<HH2sH", 2, 0x10, b"UI", len(v)) + v for v in (b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    ]
    return good[:at] + b"".join(both if i % 2 else both[::-1]) + good[at + 28 :]


def _names(folder: Path, rng: Rng, i: int) -> Path:
    names = [
        "a b;rm -rf *.png",
        "$(touch x).png",
        "`id`.png",
        "a\nb.png",
        "-rf",
        "ä—漢字.png",
        "%s%n.png",
        "'\".png",
        "a\\b",
    ]
    path = folder / (f"{i}" + names[i % len(names)])
    path.write_bytes(GOOD["png"] if i % 2 else b"no film")
    return path


def _undecodable_name(folder: Path, rng: Rng, i: int) -> Path:
    path = os.fsdecode(os.fsencode(folder) + b"/\xff\xfe-%d.png" % i)
    Path(path).write_bytes(b"" if i % 2 else b"no film")
    return Path(path)


def _no_file(folder: Path, rng: Rng, i: int) -> Path:
    path = folder / f"thing-{i}.png"
    match i % 5:
        case 0:
            path.symlink_to("nowhere")
        case 1:
            os.mkfifo(path)
        case 2:
            path.symlink_to(path)
        case 3:
            return Path("/dev/zero" if i % 2 else "/dev/null")
        case 4:
            return folder / ("x" * 300)
    return path


def _sparse(folder: Path, rng: Rng, i: int) -> Path:
    """Return a file with the start of a film and gigabytes of holes after it."""
    path = folder / f"{i}.png"
    path.write_bytes(GOODS[i % len(GOODS)])
    os.truncate(path, 2**28 + 2**30 * i + 1)
    return path


REFUSED: dict[str, Kind] = {
    "truncated": _of_bytes(truncated),
    "random bytes": _of_bytes(random_bytes),
    "random after magic": _of_bytes(random_after_magic),
    "empty": _of_bytes(lambda rng, i: b""),
    "tiny": _of_bytes(tiny),
    "native lie": _of_bytes(native_lie),
    **{f"{name} lie": _of_bytes(compressed_lie(name)) for name in FRAMES},
    "baseline lie": _of_bytes(baseline_lie),
    "closed early": _of_bytes(closed_early),
    "wrong process": _of_bytes(wrong_process),
    "rle lie": _of_bytes(rle_lie),
    "deflated bomb": _of_bytes(deflated_bomb),
    "deflate hidden": _of_bytes(deflate_hidden),
    "png bomb": _of_bytes(png_bomb),
    "png short": _of_bytes(png_short),
    "png depth": _of_bytes(png_depth),
    "webp bomb": _of_bytes(webp_bomb),
    "jpeg bomb": _of_bytes(jpeg_bomb),
    "unsupported": _of_bytes(unsupported),
    "animated": _of_bytes(animated),
    "bad rescale": _of_bytes(bad_rescale),
    "bad attribute": _of_bytes(bad_attribute),
    "frames": _of_bytes(frames),
    "other class": _of_bytes(other_class),
    "encrypted": _of_bytes(encrypted),
    "text": _of_bytes(text),
    "no preamble": _of_bytes(no_preamble),
    "undecodable name": _undecodable_name,
    "no file": _no_file,
    "sparse": _sparse,
}
MAY_BE_READ: dict[str, Kind] = {
    "flipped": _of_bytes(flipped),
    "flipped header": _of_bytes(flipped_header),
    "spliced": _of_bytes(spliced),
    "j2k bomb": _of_bytes(j2k_bomb),
    "rle header": _of_bytes(rle_header),
    "bad window": _of_bytes(bad_window),
    "long value": _of_bytes(long_value),
    "deep sequence": _of_bytes(deep_sequence),
    "many elements": _of_bytes(many_elements),
    "names": _names,
}
KINDS = REFUSED | MAY_BE_READ


def damage(path: Path, rng: Rng) -> bool:
    """Flip bits of the file, overwrite, cut out or repeat a piece, or end it as another file ends.

    False where there is nothing to damage: what is no regular file, or is larger than 16 MiB.
    """
    if not os.path.isfile(path) or path.stat().st_size > 2**24:
        return False
    data = bytearray(path.read_bytes())
    start, length = int(rng.integers(len(data) + 1)), int(rng.integers(1, 200))
    match int(rng.integers(5)):
        case 0:
            for at in rng.integers(0, len(data), int(rng.integers(1, 9))) if data else ():
                data[at] ^= 1 << int(rng.integers(8))
        case 1:
            data[start : start + length] = rng.bytes(length)
        case 2:
            del data[start : start + length]
        case 3:
            data[start:start] = data[start : start + length]
        case 4:
            other = GOODS[int(rng.integers(len(GOODS)))]
            data[start:] = other[int(rng.integers(len(other))) :]
    path.write_bytes(data)
    return True
