"""A JPEG whose data end too early, or go on after the last pixel, is refused; a whole one is read."""

from __future__ import annotations

import io
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from pydicom import uid

from tests.data import making
from unseen.data import jpeg_completeness
from unseen.data.decode import shared_decoder
from unseen.data.decoder_protocol import DecodedImage, Refused
from unseen.data.image_files import jpeg_pixels
from unseen.data.jpeg_completeness import check_whole

EOI = b"\xff\xd9"
ENDS, GOES_ON = "end before the last pixel", "go on after the last pixel"
SHARES = (0.3, 0.5, 0.9, 0.99)


def body(height: int = 200, width: int = 163, *, bits: int = 8) -> np.ndarray[Any, Any]:
    """Return a smooth image with noise and a black margin, as films have; its sides are no multiples of 8."""
    y, x = np.mgrid[0:height, 0:width]
    values = 0.5 + 0.3 * np.sin(x / 17) * np.cos(y / 23) + np.random.default_rng(1).normal(0, 0.02, (height, width))
    values[:, -width // 6 :] = 0
    return (np.clip(values, 0, 1) * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)


def jpeg(pixels: np.ndarray[Any, Any] | None = None, **how: Any) -> bytes:
    written = io.BytesIO()
    Image.fromarray(body() if pixels is None else pixels).save(written, "JPEG", **{"quality": 90} | how)
    return written.getvalue()


CODED: dict[str, Callable[[], bytes]] = {
    "baseline": jpeg,
    "optimised": lambda: jpeg(optimize=True),
    "progressive": lambda: jpeg(progressive=True),
    "progressive colour": lambda: jpeg(np.stack([body()] * 3, -1), progressive=True),
    "progressive restarts": lambda: jpeg(progressive=True, restart_marker_rows=2),
    "restarts": lambda: jpeg(restart_marker_rows=2),
    "colour": lambda: jpeg(np.stack([body()] * 3, -1), subsampling=2),
}
FRAMES: dict[str, tuple[str, int, Callable[[], bytes]]] = {
    "baseline": (uid.JPEGBaseline8Bit, 8, jpeg),
    "extended": (
        uid.JPEGExtended12Bit,
        12,
        lambda: imagecodecs.jpeg8_encode(body(bits=12), level=90, bitspersample=12),
    ),
    "lossless": (uid.JPEGLosslessSV1, 12, lambda: making.jpeg_lossless(body(bits=12), bits=12)),
    "jpeg-ls": (uid.JPEGLSLossless, 12, lambda: making.jpeg_ls(body(bits=12), bits=12)),
    "jpeg 2000": (uid.JPEG2000Lossless, 12, lambda: making.j2k(body(bits=12), bits=12)),
}


@pytest.fixture
def read(tmp_path: Path) -> Callable[[bytes], DecodedImage | str]:
    def of(data: bytes) -> DecodedImage | str:
        path = tmp_path / "film"
        path.write_bytes(data)
        return shared_decoder().decode(path)

    return of


Read = Callable[[bytes], "DecodedImage | str"]


def film(name: str, frame: bytes) -> bytes:
    syntax, bits, _ = FRAMES[name]
    return making.dicom(body(bits=bits), bits=bits, syntax=syntax, frame=frame + bytes(len(frame) % 2))


def cut(data: bytes, share: float) -> bytes:
    """Return the first part of a codestream, with its closing marker."""
    return data[: int(share * len(data))] + EOI


def entropy(data: bytes) -> int:
    """Return the offset at which the coded data of the first scan begin."""
    at = data.index(b"\xff\xda")
    return at + 2 + int(struct.unpack_from(">H", data, at + 2)[0])


def with_height(data: bytes, height: int) -> bytes:
    changed = bytearray(data)
    at = next(at for at in range(len(data)) if data[at] == 0xFF and data[at + 1] in (0xC0, 0xC2))
    changed[at + 5 : at + 7] = struct.pack(">H", height)
    return bytes(changed)


@pytest.mark.parametrize("name", CODED)
def test_a_jpeg_file_cut_off_and_closed_is_refused(read: Read, name: str) -> None:
    data = CODED[name]()
    assert isinstance(read(data), DecodedImage)
    for share in SHARES:
        found = read(cut(data, share))
        assert isinstance(found, str) and found.endswith("again from its source."), share


@pytest.mark.parametrize("name", FRAMES)
def test_a_dicom_film_cut_off_and_closed_is_refused(read: Read, name: str) -> None:
    frame = FRAMES[name][2]()
    assert isinstance(read(film(name, frame)), DecodedImage)
    for share in SHARES:
        assert isinstance(read(film(name, cut(frame, share))), str), share


@pytest.mark.parametrize("name", ["baseline", "extended", "lossless"])
def test_the_reason_states_that_data_are_missing(read: Read, name: str) -> None:
    assert ENDS in str(read(film(name, cut(FRAMES[name][2](), 0.5))))


@pytest.mark.parametrize("name", ["baseline", "progressive", "colour"])
def test_a_header_with_more_rows_than_the_data_is_refused(read: Read, name: str) -> None:
    assert ENDS in str(read(with_height(CODED[name](), 400)))


@pytest.mark.parametrize("name", ["baseline", "progressive", "colour", "progressive colour"])
def test_a_header_with_fewer_rows_than_the_data_is_refused(read: Read, name: str) -> None:
    assert GOES_ON in str(read(with_height(CODED[name](), 96)))


@pytest.mark.parametrize(("removed", "zeroed"), [(1000, 0), (100, 0), (0, 1000)])
def test_damage_in_the_middle_is_refused_where_the_image_is_shifted_by_it(
    read: Read, removed: int, zeroed: int
) -> None:
    data = jpeg()
    at = entropy(data) + 3000
    damaged = data[:at] + bytes(zeroed) + data[at + removed + zeroed :]
    found = read(damaged)
    assert isinstance(found, str) and (ENDS in found or GOES_ON in found)


def test_a_missing_a_doubled_and_a_swapped_restart_marker_are_refused(read: Read) -> None:
    data = jpeg(restart_marker_rows=2)
    second, third = data.index(b"\xff\xd1"), data.index(b"\xff\xd2")
    missing = data[:second] + data[second + 2 :]
    doubled = data[:second] + b"\xff\xd1" + data[second:]
    swapped = data[: second + 1] + b"\xd2" + data[second + 2 : third + 1] + b"\xd1" + data[third + 2 :]
    gone = data[:second] + data[third:]
    for damaged in (missing, doubled, swapped, gone):
        assert "restart marker" in str(read(damaged))
    last = data.rindex(b"\xff\xd3")
    assert "restart markers, its size needs" in str(read(data[:last] + EOI))


def test_a_progressive_jpeg_without_its_last_scans_is_refused(read: Read) -> None:
    data = jpeg(progressive=True)
    last = data.rindex(b"\xff\xda")
    assert "lack scans" in str(read(data[:last] + EOI))


PROGRESSIVE = ("progressive", "progressive colour")


def scans(data: bytes) -> list[tuple[int, int, int]]:
    """For each scan: where its tables or its header begin, where its coded data begin, and where they end."""
    found, start, at = [], data.index(b"\xff\xc2"), data.index(b"\xff\xc2")
    start = at = at + 2 + int(struct.unpack_from(">H", data, at + 2)[0])
    while data[at + 1] != 0xD9:
        coded = at + 2 + int(struct.unpack_from(">H", data, at + 2)[0])
        if data[at + 1] != 0xDA:
            at = coded
            continue
        end = next(k for k in range(coded, len(data)) if data[k] == 0xFF and data[k + 1] not in (0, *range(0xD0, 0xD8)))
        found.append((start, coded, end))
        start = at = end
    return found


@pytest.mark.parametrize("name", PROGRESSIVE)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_progressive_jpeg_with_any_scan_cut_in_its_middle_is_refused(read: Read, name: str, share: float) -> None:
    data = CODED[name]()
    places = [(coded, end) for _, coded, end in scans(data) if end - coded > 40]
    assert len(places) >= 4
    for coded, end in places:
        at = coded + int(share * (end - coded))
        assert isinstance(read(data[:at] + data[end:]), str), "the scan is cut, and the later ones are there"
        assert isinstance(read(data[:at] + EOI), str), "nothing comes after the cut"


@pytest.mark.parametrize("seeds", [5, pytest.param(40, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("name", PROGRESSIVE)
def test_cuts_through_a_scan_of_a_progressive_jpeg_are_refused(name: str, seeds: int) -> None:
    """The decoder of a refining scan comes into step again after a cut, and 4 of 12 were read as another image.

    A cut that leaves all codes valid, and their number, cannot be found.
    """
    data = CODED[name]()
    whole = jpeg_pixels(data)
    check_whole(data, jpeg_pixels, pixels=whole)
    tried, found = Counter[tuple[str, int]](), Counter[tuple[str, int]]()
    for seed in range(1, seeds + 1):
        rng = np.random.default_rng(seed)
        for _, coded, end in scans(data):
            for removed in (8, 16, 30, 100):
                if end - coded < removed + 20:
                    continue
                at = int(rng.integers(coded + 5, end - removed - 5))
                case = ("refining" if data[coded - 1] >> 4 else "first", removed)
                tried[case] += 1
                try:
                    check_whole(data[:at] + data[at + removed :], jpeg_pixels, pixels=whole)
                except Refused:
                    found[case] += 1
    assert len(tried) == 8 and min(tried.values()) >= 2 * seeds
    assert all(found[case] == tried[case] for case in tried if case[0] == "first" or case[1] == 100)
    assert found.total() >= 0.9 * tried.total()


def test_progressive_data_above_the_limit_of_the_walk_are_decoded_again(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jpeg_completeness, "_WALKED_BYTES", 100)
    data = jpeg(progressive=True)
    check_whole(data, jpeg_pixels)
    with pytest.raises(Refused, match=ENDS):
        check_whole(with_height(data, 400), jpeg_pixels)


@pytest.mark.parametrize(
    ("counts", "values"), [(bytes([3] + [0] * 15), b"abc"), (bytes([1] + [0] * 15), b""), (bytes(16), b"")]
)
def test_a_progressive_jpeg_with_a_damaged_huffman_table_is_refused(counts: bytes, values: bytes) -> None:
    data = jpeg(progressive=True)
    at = data.index(b"\xff\xc4", data.index(b"\xff\xc2"))
    length = int(struct.unpack_from(">H", data, at + 2)[0])
    table = struct.pack(">H", 3 + len(counts) + len(values)) + data[at + 4 : at + 5] + counts + values
    with pytest.raises(Refused):
        check_whole(data[: at + 2] + table + data[at + 2 + length :], jpeg_pixels, pixels=jpeg_pixels(data))


@pytest.mark.parametrize("name", PROGRESSIVE)
def test_a_progressive_jpeg_without_a_scan_or_with_one_twice_or_out_of_order_is_refused(read: Read, name: str) -> None:
    data = CODED[name]()
    found = scans(data)
    for number, (start, _, end) in enumerate(found):
        assert isinstance(read(data[:start] + data[end:]), str), f"without scan {number}"
        assert isinstance(read(data[:end] + data[start:]), str), f"scan {number} twice"
    first, last = found[0], found[-1]
    swapped = data[: first[0]] + data[last[0] : last[2]] + data[first[2] : last[0]] + data[first[0] : first[2]] + EOI
    assert "not in their order" in str(read(swapped))


def test_arithmetic_coding_is_refused_by_name(read: Read) -> None:
    data = bytearray(jpeg())
    data[data.index(b"\xff\xc0") + 1] = 0xC9
    assert isinstance(read(bytes(data)), str)


@pytest.mark.parametrize("seed", range(8))
def test_a_whole_jpeg_is_read_whatever_it_shows_and_however_it_is_coded(read: Read, seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = (int(side) for side in rng.integers(33, 120, 2))
    black = np.zeros((height, width), np.uint8)
    noise = rng.integers(0, 256, (height, width), np.uint8)
    for pixels in (black, black + 255, noise, np.where(noise > 250, noise, 0).astype(np.uint8)):
        for samples in (pixels, np.stack([pixels] * 3, -1)):
            for how in (
                {},
                {"progressive": True},
                {"optimize": True, "quality": int(rng.integers(1, 101))},
                {"restart_marker_blocks": int(rng.integers(1, 9))},
            ):
                found = read(jpeg(samples, **how))
                assert isinstance(found, DecodedImage), (found, how)


def test_what_comes_after_the_closing_marker_and_fill_bytes_before_markers_do_not_matter(read: Read) -> None:
    data = jpeg()
    plain = read(data)
    assert isinstance(plain, DecodedImage)
    for other in (data + b"a preview " * 50, data[:-2] + b"\xff\xff" + EOI):
        found = read(other)
        assert isinstance(found, DecodedImage) and np.array_equal(found.pixels, plain.pixels)
