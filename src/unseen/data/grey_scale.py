"""Grey scale of a film: from its samples to grey values in [0, 1], the same for networks, gate, viewer and captures.

Samples are the integers that the decoder returns (`DecodedImage.pixels`): modality transformation applied, inverted
once if the film is MONOCHROME1, white = dense. The grey scale is chosen once, when the file is decoded. It is the first
of these that shows the film:

1. the file's VOI LUTs, in their order;
2. the file's windows, in their order;
3. the nominal range, 0 to 2**bits − 1, if the film uses at least half of it;
4. the range of fewer bits, if the film uses at least half of that: for example 12 bits in a file that states 16;
5. the film's own range, from its 0.1th to its 99.9th percentile.

A window or LUT shows the film if at least a fifth of the film's own range lies inside it, and if that range spreads
over at least a tenth of the grey values. Images of 8 bits that are no DICOM files keep the nominal range, bit for bit.

Source: DICOM PS3.3 C.11.2 (VOI LUT), C.8.11.3.1.2 (presentation LUT shape).
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from unseen.data.decoder_protocol import DecodedImage, Integers

WHOLE_RANGE = "Whole range"
"""Name of the window over the nominal range."""
OWN_RANGE = "Range of the film"
"""Name of the window over the range that a film uses, if it uses less than half of the nominal range."""
RANGE_NAMES = frozenset({WHOLE_RANGE, OWN_RANGE})
"""Names of the windows that are computed here and not read from a file."""
_ENDS = (0.001, 0.999)  # quantiles: dead pixels and burnt-in letters do not set the range
_INSIDE = 0.2  # share of a film's own range that must lie inside a window
_SPREAD = 0.1  # share of the grey values that this range must span
_ENOUGH = 2**20  # samples, evenly spaced, from which the quantiles are computed
_STEPS = 129  # samples across a film's own range at which a window is examined
_ROWS = 64  # rows converted at a time, which stay in the processor's cache

Json = Any  # JSON values; the docstrings name their keys


def with_grey_scale(
    display: Mapping[str, Json],
    samples: Integers,
    *,
    bits: int,
    outside: NDArray[np.bool_] | None = None,
) -> dict[str, Json]:
    """Choose a film's grey scale.

    Args:
        display: the file's `windows` and `luts`, as `dicom_display_hints.display_of` returns them; both may be missing.
        samples: (height, width), 0 to 2**bits − 1.
        bits: nominal bits of a sample, 8 to 16.
        outside: (height, width), True for pixels that are not part of the film; None if all pixels are.

    Returns:
        The display with `first`: index of the chosen entry in `windows` followed by `luts`. A range that the file does
        not name is added to `windows`.

    Example:
        >>> film = np.arange(4096, dtype=np.uint16).reshape(64, 64)
        >>> shown = with_grey_scale({}, film, bits=16)
        >>> shown["first"], shown["windows"][0]["name"], shown["windows"][0]["width"]
        (0, 'Range of the film', 4096.0)
    """
    windows, luts = list(display.get("windows", [])), list(display.get("luts", []))
    low, high, least, most = _own_range(samples, bits=bits, outside=outside)
    across = np.rint(np.linspace(low, high, _STEPS)).astype(np.int64)
    places = [*range(len(windows), len(windows) + len(luts)), *range(len(windows))]
    for place in places if high > low else ():
        if _shows(_table([*windows, *luts][place], bits)[across]):
            return {**display, "windows": windows, "luts": luts, "first": place}
    windows.append(_range_window(low, high, least=least, most=most, bits=bits))
    return {**display, "windows": windows, "luts": luts, "first": len(windows) - 1}


def whole_range(bits: int) -> dict[str, Json]:
    """Return the display of an image of `bits` bits that is shown on its nominal range.

    Example:
        >>> whole_range(8)["windows"]
        [{'name': 'Whole range', 'centre': 128.0, 'width': 256.0, 'function': 'LINEAR'}]
    """
    return {"windows": [_between(0, 2**bits - 1, WHOLE_RANGE)], "luts": [], "first": 0}


def grey_table(display: Mapping[str, Json], *, bits: int) -> NDArray[np.float32]:
    """Return the grey value of every sample.

    Args:
        display: with `windows`, `luts` and `first`, as `with_grey_scale` returns it; without `first`, the nominal range
            is used.
        bits: nominal bits of a sample.

    Returns:
        float32, (2**bits,), in [0, 1], white = dense.

    Example:
        >>> grey_table({}, bits=8)[[0, 51, 255]].tolist()
        [0.0, 0.20000000298023224, 1.0]
    """
    if "first" not in display:
        return _nominal(bits)
    chosen = [*display.get("windows", []), *display.get("luts", [])][display["first"]]
    return _table(chosen, bits)


def grey_values(image: DecodedImage) -> NDArray[np.float32]:
    """Return a decoded film's grey values.

    Args:
        image: the film, as the decoder gives it.

    Returns:
        float32, (height, width), in [0, 1], white = dense.

    Example:
        >>> from unseen.data.decoder_protocol import DecodedImage
        >>> samples = np.array([[0, 255]], np.uint8)
        >>> grey_values(DecodedImage(pixels=samples, bits=8, file_format="png")).tolist()
        [[0.0, 1.0]]
    """
    table = grey_table(image.display, bits=image.bits)
    if np.array_equal(table, _nominal(image.bits)):
        return np.divide(image.pixels, np.float32(2**image.bits - 1), dtype=np.float32)
    values = np.empty(image.pixels.shape, np.float32)
    for top in range(0, len(values), _ROWS):
        np.take(table, image.pixels[top : top + _ROWS], out=values[top : top + _ROWS], mode="clip")
    return values


def _own_range(samples: Integers, *, bits: int, outside: NDArray[np.bool_] | None) -> tuple[int, int, int, int]:
    """Return the samples at `_ENDS` of the film, and its lowest and highest sample."""
    step = max(1, math.isqrt(samples.size // _ENOUGH))
    inside = samples if outside is None else samples[~outside]
    if not inside.size:
        return 0, 0, 0, 0
    some = inside[::step, ::step] if outside is None else inside[:: step * step]
    counts = np.cumsum(np.bincount(some.reshape(-1), minlength=2**bits))
    low, high = (int(np.searchsorted(counts, share * counts[-1])) for share in _ENDS)
    return low, high, int(inside.min()), int(inside.max())


def _range_window(low: int, high: int, *, least: int, most: int, bits: int) -> dict[str, Json]:
    """Return the window over the nominal range, the range of fewer bits or the film's own (rules 3 to 5)."""
    top, used = 2**bits - 1, high - low
    if used >= top / 2 or used == 0:
        return _between(0, top, WHOLE_RANGE)
    fewer = 2 ** max(1, min(most, top - least).bit_length()) - 1  # counted from black, or from white if inverted
    if used >= fewer / 2:
        return _between(0, fewer, OWN_RANGE) if most <= fewer else _between(top - fewer, top, OWN_RANGE)
    return _between(low, high, OWN_RANGE)


def _between(low: int, high: int, name: str) -> dict[str, Json]:
    """Return the window whose black and white are the samples `low` and `high`."""
    width = float(high - low + 1)
    return {"name": name, "centre": low + width / 2, "width": width, "function": "LINEAR"}


def _shows(greys: NDArray[np.float32]) -> bool:
    """Return True if a window or LUT shows a film whose own range gets these grey values."""
    inside = np.mean((greys > 0) & (greys < 1))
    return bool(inside >= _INSIDE and greys.max() - greys.min() >= _SPREAD)


def _nominal(bits: int) -> NDArray[np.float32]:
    return np.divide(np.arange(2**bits), np.float32(2**bits - 1), dtype=np.float32)


def _table(chosen: Mapping[str, Json], bits: int) -> NDArray[np.float32]:
    samples = np.arange(2**bits)
    if "values" in chosen:
        entries = np.frombuffer(base64.b64decode(chosen["values"]), "<u2")
        places = np.clip(samples - chosen["first"], 0, len(entries) - 1)
        return np.asarray(np.minimum(entries[places] / (2 ** chosen["bits"] - 1), 1), np.float32)
    centre, width = chosen["centre"], chosen["width"]
    match chosen["function"]:
        case "SIGMOID":
            shown = 1 / (1 + np.exp(np.clip(-4 * (samples - centre) / width, -700, 700)))
        case "LINEAR_EXACT":
            shown = np.clip((samples - centre) / width + 0.5, 0, 1)
        case _:
            if centre == 2 ** (bits - 1) and width == 2**bits:
                return _nominal(bits)  # to the last bit
            middle = centre - 0.5
            shown = np.clip((samples - middle) / max(width - 1, 1e-9) + 0.5, 0, 1)
    return np.asarray(shown, np.float32)
