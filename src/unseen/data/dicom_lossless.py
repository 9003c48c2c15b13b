"""JPEG Lossless (and 12-bit JPEG) for pydicom through imagecodecs: the extra `unseen[dicom-lossless]`.

pydicom's usual plugins for these are GPL-3 or abort on hostile headers; imagecodecs (BSD) decodes bit-exactly. This
module is a pydicom decoder plugin: `is_available`, `DECODER_DEPENDENCIES` and `decode_frame` are what its interface
asks for.
"""

from __future__ import annotations

import importlib.util

import numpy as np
from pydicom import uid
from pydicom.pixels.decoders.base import DecodeRunner, get_decoder

from unseen.data.picture import Refused

LABEL = "imagecodecs"
SYNTAXES = (uid.JPEGLossless, uid.JPEGLosslessSV1, uid.JPEGExtended12Bit)
DECODER_DEPENDENCIES = dict.fromkeys(SYNTAXES, ("imagecodecs",))


def is_available(syntax: str) -> bool:
    """Whether imagecodecs is installed, and `syntax` one of ours."""
    return syntax in SYNTAXES and importlib.util.find_spec("imagecodecs") is not None


def register() -> None:
    """Tell pydicom of this plugin; once is enough, twice does no harm.

    Raises:
        Refused: the extra is not installed.
    """
    if not is_available(uid.JPEGLossless):
        raise Refused(
            "The film is compressed as JPEG Lossless, which needs an extra. "
            "Install it: pip install 'unseen[dicom-lossless]'."
        )
    for syntax in SYNTAXES:
        decoder = get_decoder(syntax)
        if LABEL not in decoder.available_plugins:
            decoder.add_plugin(LABEL, (__name__, "decode_frame"))


def decode_frame(source: bytes, runner: DecodeRunner) -> bytearray:
    """One frame's pixels as little-endian bytes; sets the runner's `bits_allocated` to what they take."""
    import imagecodecs  # 30 MB of libraries, wanted by few files

    pixels: np.ndarray[tuple[int, ...], np.dtype[np.unsignedinteger]] = imagecodecs.jpeg8_decode(source)
    runner.set_option("bits_allocated", pixels.dtype.itemsize * 8)
    return bytearray(pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes())
