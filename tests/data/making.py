"""Small files for the tests of `data`: images and DICOM objects as bytes, right ones and lying ones."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import dcmread, dcmwrite, encaps, uid
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset

CR = "1.2.840.10008.5.1.4.1.1.1"
DX = "1.2.840.10008.5.1.4.1.1.1.1"


def ramp(height: int = 40, width: int = 48, *, bits: int = 8) -> NDArray[Any]:
    """Return an image that uses every part of its range and looks different from every side."""
    values: NDArray[Any] = np.arange(height * width).reshape(height, width) * (2**bits - 1) // (height * width - 1)
    return values.astype(np.uint8 if bits <= 8 else np.uint16)


def image(pixels: NDArray[Any], file_format: str = "png", *, mode: str | None = None, **save: Any) -> bytes:
    out = io.BytesIO()
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(out, file_format, **save)
    return out.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, *, depth: int = 8, colour: int = 0, raw: bytes = b"", before: bytes = b"") -> bytes:
    """A PNG put together by hand: `raw` are the filtered lines, `before` the chunks between IHDR and IDAT."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + before + chunk(b"IDAT", zlib.compress(raw, 1)) + chunk(b"IEND", b"")


def data_set(pixels: NDArray[Any], *, bits: int, sop_class: str = CR, **tags: Any) -> Dataset:
    """Return a film's data set with native pixels; `tags` replace or (None) remove attributes."""
    ds = Dataset()
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID = "1.2.3.4"
    ds.PatientName = "Phantom^One"
    ds.Modality = "DX" if sop_class == DX else "CR"
    ds.ViewPosition = "PA"
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated = pixels.dtype.itemsize * 8
    ds.BitsStored = bits
    ds.HighBit = bits - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    ds.add_new("PixelData", "OW" if ds.BitsAllocated == 16 else "OB", _even(pixels.tobytes()))
    for keyword, value in tags.items():
        if value is None:
            delattr(ds, keyword)
        elif keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit"):
            ds.add_new(keyword, "SS" if ds.PixelRepresentation else "US", value)
        else:
            setattr(ds, keyword, value)
    return ds


def dicom(
    pixels: NDArray[Any],
    *,
    bits: int,
    syntax: str = uid.ExplicitVRLittleEndian,
    frame: bytes | None = None,
    **tags: Any,
) -> bytes:
    """A DICOM file: native, or with the compressed `frame` as its pixel data."""
    if syntax == uid.ExplicitVRBigEndian:
        pixels = pixels.astype(pixels.dtype.newbyteorder(">"))
    ds = data_set(pixels, bits=bits, **tags)
    if frame is not None:
        ds.add_new("PixelData", "OB", encaps.encapsulate([frame]))
        ds["PixelData"].is_undefined_length = True
    return written(ds, syntax=syntax)


def written(ds: Dataset, *, syntax: str = uid.ExplicitVRLittleEndian) -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = uid.UID(syntax)
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = uid.UID("1.2.3.4")
    file = FileDataset("", ds, file_meta=meta, preamble=bytes(128))
    out = io.BytesIO()
    little = syntax != uid.ExplicitVRBigEndian
    dcmwrite(
        out, file, implicit_vr=syntax == uid.ImplicitVRLittleEndian, little_endian=little, enforce_file_format=True
    )
    return out.getvalue()


def compressed(data: bytes) -> bytes:
    """Return the same instance, as JPEG 2000 without loss."""
    ds = dcmread(io.BytesIO(data))
    ds.compress(uid.JPEG2000Lossless, generate_instance_uid=False)
    out = io.BytesIO()
    ds.save_as(out)
    return out.getvalue()


def bare(ds: Dataset) -> bytes:
    """Return the data set without preamble and file meta, Implicit VR Little Endian."""
    out = io.BytesIO()
    dcmwrite(out, ds, implicit_vr=True, little_endian=True)
    return out.getvalue()


def rle(pixels: NDArray[Any]) -> bytes:
    """One RLE frame of `pixels`, by pydicom's own encoder."""
    from pydicom.pixels.encoders.native import _encode_segment

    planes = pixels.astype(pixels.dtype.newbyteorder(">")).view(np.uint8).reshape(*pixels.shape, -1)
    segments = [bytes(_encode_segment(planes[..., i].tobytes(), pixels.shape[1])) for i in range(planes.shape[-1])]
    return rle_frame(segments)


def rle_frame(segments: list[bytes]) -> bytes:
    offsets = [64 + sum(map(len, segments[:i])) for i in range(len(segments))]
    header = struct.pack("<16I", len(segments), *offsets, *[0] * (15 - len(segments)))
    return _even(header + b"".join(segments))


def j2k(pixels: NDArray[Any], *, bits: int) -> bytes:
    from openjpeg.utils import encode_array

    return _even(bytes(encode_array(pixels, bits_stored=bits, photometric_interpretation=2, use_mct=False)))


def jpeg_ls(pixels: NDArray[Any], *, bits: int) -> bytes:
    import jpeg_ls

    rows, columns = pixels.shape
    facts = {"rows": rows, "columns": columns, "samples_per_pixel": 1, "bits_stored": bits}
    allocated = pixels.dtype.itemsize * 8
    return _even(bytes(jpeg_ls.encode_pixel_data(pixels.tobytes(), bits_allocated=allocated, **facts)))


def _even(data: bytes | bytearray) -> bytes:
    return bytes(data) + bytes(len(data) % 2)


def jpeg_lossless(pixels: NDArray[Any], *, bits: int) -> bytes:
    import imagecodecs

    return _even(imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=1, bitspersample=bits))


def jpeg_12(pixels: NDArray[Any]) -> bytes:
    import imagecodecs

    return _even(imagecodecs.jpeg8_encode(pixels, 98, bitspersample=12))


def deflated(pixels: NDArray[Any], *, bits: int) -> bytes:
    return written(data_set(pixels, bits=bits), syntax=uid.DeflatedExplicitVRLittleEndian)
