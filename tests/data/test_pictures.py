"""PNG, JPEG and WebP: which pixels come out, and which images are refused."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.data import making
from unseen.data import image_files
from unseen.data.film import Film, NotRead
from unseen.data.reading import films

RAMP = making.ramp()


def _integers(film: Film | NotRead) -> np.ndarray[Any, Any]:
    assert isinstance(film, Film), film
    return np.rint(film.pixels * (2**film.bits - 1)).astype(int)


@pytest.mark.parametrize("file_format, save", [("png", {}), ("webp", {"lossless": True})])
def test_lossless_grey_keeps_every_value(read_file: Any, file_format: str, save: dict[str, Any]) -> None:
    film = read_file(making.image(RAMP, file_format, **save))
    assert np.array_equal(_integers(film), RAMP)
    assert (film.file_format, film.bits, film.spacing_mm, film.view_position) == (file_format, 8, None, None)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_equal_channels_keep_their_grey_value(read_file: Any, mode: str) -> None:
    film = read_file(making.image(RAMP, mode=mode))
    assert np.array_equal(_integers(film), RAMP)
    assert film.pixel_sha256 == read_file(making.image(RAMP)).pixel_sha256


def test_alpha_is_dropped_not_multiplied(read_file: Any) -> None:
    rgba = np.dstack([RAMP, RAMP, RAMP, np.zeros_like(RAMP)])
    assert np.array_equal(_integers(read_file(making.image(rgba))), RAMP)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg_is_what_pillow_makes_of_it(read_file: Any, mode: str) -> None:
    data = making.image(RAMP, "jpeg", mode=mode, quality=95)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB").convert("L"))
    assert np.array_equal(_integers(read_file(data)), expected)
    assert np.abs(expected.astype(int) - RAMP).max() < 8


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["png", "jpeg", "webp"])
def test_exif_orientation_is_applied(read_file: Any, file_format: str, orientation: int) -> None:
    image = Image.fromarray(RAMP)
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    image.save(out, file_format, exif=exif, **({"lossless": True} if file_format == "webp" else {}))
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(out.getvalue()))).convert("L")
    assert np.array_equal(_integers(read_file(out.getvalue())), np.asarray(expected))


def test_an_unknown_or_broken_exif_orientation_is_upright(read_file: Any) -> None:
    exif = Image.Exif()
    exif[0x0112] = 77
    assert np.array_equal(_integers(read_file(making.image(RAMP, exif=exif))), RAMP)
    assert np.array_equal(_integers(read_file(making.image(RAMP, exif=b"Exif\0\0garbage"))), RAMP)


@pytest.mark.parametrize("highest, bits", [(200, 8), (400, 10), (1023, 10), (1500, 12), (6000, 14), (25000, 16)])
def test_16_bit_png_has_the_fewest_bits_that_hold_its_maximum(read_file: Any, highest: int, bits: int) -> None:
    pixels = np.minimum(making.ramp(bits=16), highest)
    film = read_file(making.image(pixels))
    assert film.bits == bits
    top = 2 ** highest.bit_length() - 1 if bits > 8 else 255  # what uses less than half of its bits has fewer
    np.testing.assert_allclose(film.pixels, pixels / top, atol=1e-6)


def test_16_bit_colour_is_read_by_its_upper_byte_where_all_bits_are_meant(read_file: Any) -> None:
    line = b"\0" + b"".join(bytes([x, x]) * 3 for x in range(100, 140))
    assert _integers(read_file(making.png(40, 40, depth=16, colour=2, raw=line * 40)))[0].tolist() == [*range(100, 140)]


def test_16_bit_colour_that_holds_fewer_bits_is_refused(read_file: Any) -> None:
    line = b"\0" + b"\x03\xff" * (3 * 40)
    assert "16-bit grey" in read_file(making.png(40, 40, depth=16, colour=2, raw=line * 40)).reason


def test_the_format_is_judged_by_content(read_file: Any) -> None:
    assert read_file(making.image(RAMP, "webp", lossless=True), "film.dcm").file_format == "webp"
    assert read_file(making.dicom(making.ramp(bits=12), bits=12), "film.png").file_format == "dicom"


def test_a_constant_image_is_read(read_file: Any) -> None:
    assert isinstance(read_file(making.image(np.zeros((40, 40), np.uint8))), Film)


@pytest.mark.parametrize("file_format", ["png", "webp"])
def test_animations_are_refused(read_file: Any, file_format: str) -> None:
    frames = [Image.fromarray(RAMP), Image.fromarray(255 - RAMP)]
    out = io.BytesIO()
    frames[0].save(out, file_format, save_all=True, append_images=frames[1:])
    assert "animation" in read_file(out.getvalue()).reason


@pytest.mark.parametrize("file_format", ["gif", "tiff", "bmp"])
def test_other_formats_are_named_and_refused(read_file: Any, file_format: str) -> None:
    assert file_format.upper() in read_file(making.image(RAMP, file_format)).reason


def test_a_side_below_32_pixels_is_too_small(read_file: Any) -> None:
    assert "too small: 48×31" in read_file(making.image(RAMP[:31])).reason
    assert isinstance(read_file(making.image(RAMP[:32])), Film)


def test_64_megapixels_are_the_limit_and_the_header_decides(read_file: Any) -> None:
    assert "the limit is" in read_file(making.png(8001, 8000)).reason
    webp = bytearray(making.image(RAMP, "webp", lossless=True))
    webp[21:25] = ((16382) | (16382 << 14)).to_bytes(4, "little")
    assert "the limit is" in read_file(bytes(webp)).reason


def test_a_flipped_bit_in_a_png_is_found(read_file: Any) -> None:
    data = bytearray(making.image(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)))
    data[2000] ^= 4
    assert "checksum" in read_file(bytes(data)).reason


@pytest.mark.parametrize("lines", [0, 1, 39, 41, 4000])
def test_a_png_with_another_number_of_lines_than_it_says_is_refused(read_file: Any, lines: int) -> None:
    assert isinstance(read_file(making.png(48, 40, raw=(b"\0" + b"\7" * 48) * 40)), Film)
    assert "image data are" in read_file(making.png(48, 40, raw=(b"\0" + b"\7" * 48) * lines)).reason


def test_an_interlaced_png_is_read(read_file: Any) -> None:
    lines = b"".join(
        (b"\0" + RAMP[y::down, x::across][row].tobytes())
        for x, y, across, down in image_files._PASSES
        for row in range(len(RAMP[y::down]))
    )
    data = bytearray(making.png(48, 40, raw=lines))
    data[28] = 1  # the interlacing byte of IHDR
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    assert np.array_equal(_integers(read_file(bytes(data))), RAMP)


def test_image_data_that_another_chunk_interrupts_are_refused(read_file: Any) -> None:
    pixels = making.ramp()
    packed = zlib.compress(b"".join(b"\0" + line.tobytes() for line in pixels))
    head, _ = making.png(pixels.shape[1], pixels.shape[0]).split(b"IDAT", 1)
    between = [making.chunk(b"IDAT", packed[:20]), making.chunk(b"tEXt", b"a\0b"), making.chunk(b"IDAT", packed[20:])]
    content = head[:-4] + b"".join(between) + making.chunk(b"IEND", b"")
    assert "image data are" in read_file(content).reason
    assert np.array_equal(
        _integers(read_file(head[:-4] + making.chunk(b"IDAT", packed) + making.chunk(b"IEND", b""))), pixels
    )


def test_a_one_bit_png_is_no_film(read_file: Any) -> None:
    assert "1 bit" in read_file(making.image(RAMP > 99)).reason


def test_real_files_in_awkward_formats_are_read(shared_data: Path) -> None:
    read = {Path(f.name).name: f for f in films(shared_data / "cxr_raw")}
    assert {name for name, f in read.items() if isinstance(f, NotRead)} == {"ORIGIN.md", "manifest.csv"}
    assert read["webp_named.png"].file_format == "webp"
    assert read["exif_rotated.jpg"].pixels.shape[0] == read["exif_rotated.jpg"].pixels.shape[1] == 1024
    assert read["grey_3024x4032.jpg"].pixels.shape in ((3024, 4032), (4032, 3024))
    dicom = read["mono2_12bit_rescale.dcm"]
    assert dicom.bits == 12
    assert 0 <= dicom.pixels.min() < dicom.pixels.max() <= 1
