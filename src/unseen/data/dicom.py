"""DICOM files to upright grey integers, with the checks of header and pixel data before decoding.

The steps, always in this order:

file meta → guards → decode → padding → modality LUT → inversion → nominal range → grey scale.

- File meta first: a Deflated file inflates even when its pixels are not asked for, so the transfer syntax is checked
  before the rest.
- Of Rescale Slope and Intercept, only the slope's sign changes the samples, because the nominal range is rescaled, too.
  A Modality LUT is applied.
- MONOCHROME1 is inverted once, here, against the nominal range.
- Pixels of the padding value become black where they form a border. Inside the film they are film.
- Window and VOI LUT do not change the samples: they are the grey scale (`grey_scale`), which `read_film` applies.
- Orientation is kept as written and not applied, because the tags are often wrong.

JPEG Lossless and 12-bit JPEG are decoded by imagecodecs (the extra `unseen[dicom-lossless]`, BSD), bit-exactly:
pydicom's usual plugins for these are GPL-3 or abort on hostile headers. This module is the pydicom decoder plugin for
them: `is_available`, `DECODER_DEPENDENCIES` and `decode_frame` are what its interface asks for.
"""

import importlib.util
import io

import numpy as np
from numpy.typing import NDArray
from pydicom import config, dcmread, encaps, uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.pixels.decoders.base import DecodeRunner, get_decoder

from unseen.artifacts.installing import install_command
from unseen.data.codestream_headers import check_ending, j2k_header, jpeg_header
from unseen.data.decoder_protocol import DecodedImage, DecoderLimits, Refused, canonical
from unseen.data.dicom_display_hints import display_of, elements_of, personal_values
from unseen.data.dicom_file_meta import file_meta
from unseen.data.dicom_header import FILM_CLASSES, DicomHeader, check_class, read_header, uid_name
from unseen.data.film_projection import code_beam_of_header, projection_of_header
from unseen.data.grey_scale import grey_table, with_grey_scale
from unseen.data.image_files import jpeg_pixels
from unseen.data.image_origin import origin_of_header, related_uids
from unseen.data.jpeg_completeness import check_whole
from unseen.data.rle_segments import check_rle

LABEL = "imagecodecs"
EXTRA_SYNTAXES = (uid.JPEGLossless, uid.JPEGLosslessSV1, uid.JPEGExtended12Bit)
"""Transfer syntaxes that are decoded only if the extra `dicom-lossless` is installed."""
DECODER_DEPENDENCIES = dict.fromkeys(EXTRA_SYNTAXES, ("imagecodecs",))


def is_available(syntax: str) -> bool:
    """Return True if imagecodecs is installed and decodes `syntax`."""
    return syntax in EXTRA_SYNTAXES and importlib.util.find_spec("imagecodecs") is not None


def register() -> None:
    """Tell pydicom of this plugin; once is enough, twice does no harm.

    Raises:
        Refused: the extra is not installed.
    """
    if not is_available(uid.JPEGLossless):
        raise Refused(
            "The film is compressed as JPEG Lossless, which needs an extra. "
            f"Install it: {install_command('unseen[dicom-lossless]')}."
        )
    for syntax in EXTRA_SYNTAXES:
        decoder = get_decoder(syntax)
        if LABEL not in decoder.available_plugins:
            decoder.add_plugin(LABEL, (__name__, "decode_frame"))


def decode_frame(source: bytes, runner: DecodeRunner) -> bytearray:
    """Return one frame's pixels as little-endian bytes; sets the runner's `bits_allocated` to what they take."""
    pixels = _jpeg_pixels(source)
    runner.set_option("bits_allocated", pixels.dtype.itemsize * 8)
    return bytearray(pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes())


def _jpeg_pixels(source: bytes) -> NDArray[np.unsignedinteger]:
    import imagecodecs  # 30 MB of libraries, wanted by few files

    pixels: NDArray[np.unsignedinteger] = imagecodecs.jpeg8_decode(source)
    return pixels


config.settings.reading_validation_mode = config.IGNORE  # the guards look at what matters

_NATIVE = (uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian)
_LEAST_BORDER = 0.05  # of an edge
_FIRST_VRS = (b"UL", b"CS", b"UI", b"DA", b"TM", b"SQ")  # of the elements that group 0008 can begin with
_J2K = (uid.JPEG2000Lossless, uid.JPEG2000, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K)
_PLUGINS = {
    **dict.fromkeys(_J2K, "pylibjpeg"),
    uid.JPEGLSLossless: "pyjpegls",
    uid.JPEGLSNearLossless: "pyjpegls",
    uid.RLELossless: "pylibjpeg",
    uid.JPEGBaseline8Bit: "pillow",
    **dict.fromkeys(EXTRA_SYNTAXES, LABEL),
}
_PROCESSES = {  # SOF markers that a transfer syntax may hold (PS3.5, 8.2.1 and 8.2.3)
    uid.JPEGBaseline8Bit: (0xC0,),
    uid.JPEGExtended12Bit: (0xC0, 0xC1),
    uid.JPEGLossless: (0xC3,),
    uid.JPEGLosslessSV1: (0xC3,),
    uid.JPEGLSLossless: (0xF7,),
    uid.JPEGLSNearLossless: (0xF7,),
}


def readable_syntaxes() -> tuple[str, ...]:
    """Return the transfer syntaxes of films that are read here; those of JPEG Lossless where its extra is installed.

    >>> uid.JPEG2000Lossless in readable_syntaxes(), uid.DeflatedExplicitVRLittleEndian in readable_syntaxes()
    (True, False)
    """
    return (*_NATIVE, *(syntax for syntax in _PLUGINS if syntax not in EXTRA_SYNTAXES or is_available(syntax)))


def read_dicom(data: bytes, *, bare: bool, limits: DecoderLimits, frame: int | None = None) -> DecodedImage:
    """Return the film in the DICOM file `data`; `bare` when it has no preamble.

    Args:
        frame: for looking at one of several frames; None: a file of several is refused.

    Raises:
        Refused: it is no film, or one that cannot be read with certainty. Damaged data raise what pydicom and its
            plugins raise.
    """
    ds, syntax = _bare(data) if bare else _with_meta(data)
    header = read_header(ds, limits=limits, frame=frame)
    index = frame or 0
    _check_stream(ds, syntax, header, index)
    if syntax in EXTRA_SYNTAXES:
        register()
    if syntax in (uid.JPEGBaseline8Bit, *EXTRA_SYNTAXES):
        stream = encaps.get_frame(ds.PixelData, index, number_of_frames=header.frames)
        check_whole(stream, _jpeg_pixels if syntax in EXTRA_SYNTAXES else jpeg_pixels)
    stored, _ = get_decoder(syntax).as_array(ds, raw=True, index=index, decoding_plugin=_PLUGINS.get(syntax, ""))
    if stored.shape != (header.rows, header.columns):
        raise Refused(
            f"Decoding gave {stored.shape}, Rows × Columns is {(header.rows, header.columns)}. "
            "Send the file again, uncompressed."
        )
    samples, border = nominal_integers(stored, header, native=syntax in _NATIVE)
    header = header.after_modality_lut()
    display = with_grey_scale(display_of(ds, header), samples, bits=header.bits_stored, outside=border)
    if border is not None:
        samples[border] = np.argmin(grey_table(display, bits=header.bits_stored))
    return DecodedImage(
        pixels=canonical(samples, bits=header.bits_stored),
        bits=header.bits_stored,
        file_format="dicom",
        view_position=header.view_position,
        patient_orientation=header.patient_orientation,
        projection=projection_of_header(ds),
        code_beam=code_beam_of_header(ds),
        origin=origin_of_header(ds),
        related=related_uids(ds),
        spacing_mm=header.spacing_mm,
        tags=header.tags,
        identifiers=header.identifiers,
        display=display,
    )


def read_elements(data: bytes, *, bare: bool) -> list[list[str]]:
    """Return the elements of a DICOM file as lines of text; see `dicom_display_hints.elements_of`.

    Raises:
        Refused: no DICOM file of a kind that is read.
    """
    ds, _ = _bare(data) if bare else _with_meta(data)
    return elements_of(ds)


def read_personal_values(data: bytes, *, bare: bool) -> dict[str, str]:
    """Return patient and study of a DICOM file by keyword; see `dicom_display_hints.personal_values`.

    Raises:
        Refused: no DICOM file of a kind that is read.
    """
    ds, _ = _bare(data) if bare else _with_meta(data)
    return personal_values(ds)


def nominal_integers(
    stored: NDArray[np.integer], header: DicomHeader, *, native: bool
) -> tuple[NDArray[np.uint16], NDArray[np.bool_] | None]:
    """Map stored values (rows, columns) to samples with white = dense, and find the border that padding makes.

    With slope·v + intercept and the nominal ends sent through the same line, a value lies at (v − low) / (high − low)
    of its range when the slope is positive and at one minus that when it is negative.

    Args:
        stored: as decoded.
        header: of the film.
        native: whether the pixels are stored uncompressed.

    Returns:
        Samples, 0 to 2**bits − 1 with the bits of `header.after_modality_lut()`; and the pixels of the border, None
        where there is none.

    Raises:
        Refused: a compressed film holds values that its Bits Stored cannot.
    """
    low, high = header.nominal
    padded = None
    if header.padding is not None:
        padded = (stored >= header.padding[0]) & (stored <= header.padding[1])
    if native:  # bits above High Bit are not pixels (old files keep overlays there): PS3.5, 8.1.1
        spare = np.array(stored.dtype.itemsize * 8 - header.bits_stored, stored.dtype)
        stored = np.right_shift(np.left_shift(stored, spare), spare)  # arithmetic for signed: keeps the sign
    else:
        outside = (stored < low) | (stored > high)
        if outside[~padded].any() if padded is not None else outside.any():
            raise Refused(
                f"The pixels reach beyond the {header.bits_stored} Bits Stored. Export the film again, uncompressed."
            )
        stored = np.clip(stored, low, high)
    if header.modality_lut is None:
        values = stored.astype(np.uint16) - np.uint16(low % 2**16)  # (rows, columns), modulo 2**16: 0 … 2**bits - 1
    else:
        values = header.modality_lut(stored).astype(np.uint16)
        low, high = header.after_modality_lut().nominal
    if (header.slope < 0) != header.inverted:
        values = np.uint16(high - low) - values
    return values, None if padded is None else _border(padded)


def _border(padded: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Return the padded pixels that a row or column of padded pixels alone joins to an edge; None if there are none.

    A short part of an edge is no border: single pixels of the film may have the padding value.
    """
    border = np.zeros_like(padded)
    for turns in range(4):
        seen = np.rot90(padded, turns)
        ends = np.flatnonzero(np.diff(np.concatenate([[0], seen[0].view(np.int8), [0]]))).reshape(-1, 2)
        for first, last in ends[np.diff(ends)[:, 0] >= _LEAST_BORDER * seen.shape[1]]:
            border_here = np.rot90(border, turns)  # a view
            border_here[:, first:last] |= np.logical_and.accumulate(seen[:, first:last], axis=0)
    return border if border.any() else None


def _with_meta(data: bytes) -> tuple[Dataset, uid.UID]:
    meta = file_meta(data)
    syntax = uid.UID(meta.syntax)
    if syntax == uid.DeflatedExplicitVRLittleEndian:
        raise Refused(
            "The DICOM file is Deflated, which is not read: it can hide any amount of data. "
            "Send it as Explicit VR Little Endian."
        )
    if syntax not in _NATIVE and syntax not in _PLUGINS:
        name = uid_name(syntax) if syntax else "missing"
        raise Refused(
            f"The transfer syntax is {name!r}, which is not read. Send the film as Explicit VR Little Endian."
        )
    if meta.sop_class:
        check_class(meta.sop_class)
    ds = dcmread(io.BytesIO(data))
    if ds.file_meta.get("TransferSyntaxUID") != syntax:
        raise Refused("The DICOM file's meta information contradicts itself. Send the file again from its source.")
    return ds, syntax


def _bare(data: bytes) -> tuple[Dataset, uid.UID]:
    """Read a file without preamble: by its file meta, if it begins with that; else as Little Endian, and only if its
    first elements show that it is a film.
    """
    if data.startswith(b"DICM"):
        return _with_meta(bytes(128) + data)
    if data.startswith(b"\x02\0"):
        return _with_meta(bytes(128) + b"DICM" + data)
    implicit = data[4:6] not in _FIRST_VRS
    try:
        ds = read_dataset(io.BytesIO(data), is_implicit_VR=implicit, is_little_endian=True, bytelength=len(data))
        sop_class = str(ds.get("SOPClassUID", ""))
    except Exception as error:  # the edge: random bytes make pydicom raise nearly anything
        raise Refused(
            "The file has no DICOM preamble and cannot be parsed without one. Send it again from its source."
        ) from error
    if sop_class not in FILM_CLASSES:
        raise Refused(
            "The file has no DICOM preamble and does not say that it is a CR or DX film. Send it again from its source."
        )
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian if implicit else uid.ExplicitVRLittleEndian
    return ds, ds.file_meta.TransferSyntaxUID


def _check_stream(ds: Dataset, syntax: uid.UID, header: DicomHeader, index: int) -> None:
    """Check Pixel Data against the header, before any decoder sees them."""
    pixels: bytes = ds.PixelData
    if (syntax not in _NATIVE) != ds["PixelData"].is_undefined_length:
        raise Refused(
            "Pixel Data are compressed, but the transfer syntax is uncompressed, or the reverse. Send the file again."
        )
    if syntax in _NATIVE:
        expected = header.frames * header.rows * header.columns * header.bits_allocated // 8
        if len(pixels) not in (expected, expected + expected % 2):
            raise Refused(
                f"Pixel Data has {len(pixels):,} bytes, but Rows × Columns × Bits Allocated needs {expected:,}. "
                "Send the file again from its source."
            )
        return
    stream = encaps.get_frame(pixels, index, number_of_frames=header.frames)
    if syntax == uid.RLELossless:
        planes = header.bits_allocated // 8
        check_rle(stream, rows=header.rows, columns=header.columns, bytes_per_pixel=planes)
        return
    found = j2k_header(stream) if syntax in _J2K else jpeg_header(stream)
    if found.process not in _PROCESSES.get(syntax, (0x51,)):
        raise Refused(
            f"The pixel data are compressed by a process (SOF {found.process:#x}) that the transfer syntax excludes. "
            "Send the file again."
        )
    if (found.width, found.height) != (header.columns, header.rows):
        raise Refused(
            f"The compressed image is {found.width}×{found.height}, Columns × Rows is {header.columns}×{header.rows}. "
            "Send the file again, uncompressed."
        )
    if found.samples != 1 or not header.bits_stored <= found.precision <= header.bits_allocated:
        raise Refused(
            f"The compressed image has {found.samples} samples of {found.precision} bits, the header 1 of "
            f"{header.bits_stored}. Send the file again, uncompressed."
        )
    check_ending(stream)
