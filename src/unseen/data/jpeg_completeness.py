"""Completeness of a JPEG codestream: whether its entropy-coded data reach the last pixel, and end there.

libjpeg decodes a stream that ends too early: it fills the rest with grey and counts a warning, which Pillow and
imagecodecs do not pass on. Here the stream is decoded again, with further bytes at the end of each entropy-coded
segment. A decoder that has all of an image never looks at them, and gives the same pixels; where data are missing, it
takes them for the image's own, and the pixels differ. In the same way a stream without its last bytes must give other
pixels: else the data had ended before them, as after a damage in the middle.

What decoding does not show is counted: the restart markers of each scan, which coefficients progressive scans have
brought, and the codes of these scans (`jpeg_huffman_walk`), as far as the data are few enough for that.
Source: ITU-T T.81, annexes B (markers), E.1.4 and F.2.2 (restarts), G (progressive), H (lossless).
"""

import random
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unseen.data.decoder_protocol import Refused
from unseen.data.jpeg_huffman_walk import (
    Band,
    Codes,
    EndsEarlyError,
    GoesOnError,
    InvalidCodeError,
    Segment,
    check_ac,
    check_dc,
    huffman_codes,
)

Decode = Callable[[bytes], NDArray[np.unsignedinteger]]

_SEQUENTIAL, _PROGRESSIVE, _LOSSLESS = (0xC0, 0xC1), 0xC2, 0xC3
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # DHT, JPG and DAC are no frames
_SOI, _EOI, _SOS, _DRI, _DHT = 0xD8, 0xD9, 0xDA, 0xDD, 0xC4
_RESTARTS = range(0xD0, 0xD8)
_MARKER = re.compile(rb"\xff+([^\x00\xff])", re.DOTALL)  # FF 00 is a byte of data, further FF are fill bytes
_TAIL_BYTES = 32
_ONES = b"\xfe\xfd"  # begins the tails: where bits are missing a decoder takes zeros, and ones are other codes
_SURPLUS_BYTES = 16
"""Bytes after the last pixel that are refused; fewer may be an encoder's padding."""
_WALKED_BYTES = 2 << 20
"""Data of progressive scans whose codes are walked, about 1.2 s per MB; larger ones are only decoded again."""
_AGAIN = "Send the file again from its source."
_ENDS_EARLY = f"The JPEG data end before the last pixel: the film is cut off or damaged. {_AGAIN}"
_GOES_ON = f"The JPEG data go on after the last pixel: they are damaged before it. {_AGAIN}"


def check_whole(stream: bytes, decode: Decode, *, pixels: NDArray[np.unsignedinteger] | None = None) -> None:
    """Raise `Refused` unless the codestream holds data for every pixel, and no more.

    Args:
        stream: a JPEG codestream, from SOI.
        decode: the decoder that reads the film, which ignores warnings; (height, width) or (height, width, samples).
        pixels: what `decode` gives for the stream, where the caller has it; None: it is decoded here.

    Raises:
        Refused: data are missing or left over, restart markers or scans are missing, or the coding is arithmetic.
    """
    frame = _walked(stream)
    if frame.process == _PROGRESSIVE and sum(end - start for start, end in frame.segments) <= _WALKED_BYTES:
        _check_codes(stream, frame)
        return
    pixels = decode(stream) if pixels is None else pixels
    if not np.array_equal(decode(_with_tails(stream, frame, seed=1, cut=0)), pixels):
        raise Refused(_ENDS_EARLY)
    longest = max(end - start for start, end in frame.segments)
    if frame.restarts or longest < 4 * _SURPLUS_BYTES:
        return
    for seed in (2, 3, 4):  # a change may lie outside of the image's edge, or be clipped: that of all three does not
        if not np.array_equal(decode(_with_tails(stream, frame, seed=seed, cut=_SURPLUS_BYTES)), pixels):
            return
    raise Refused(_GOES_ON)


@dataclass(kw_only=True)
class _Component:
    """One component: its sampling factors, and the lowest bit that has come of each of its 64 coefficients."""

    across: int
    down: int
    lowest: list[int | None] = field(default_factory=lambda: [None] * 64)


@dataclass(frozen=True, kw_only=True)
class _Scan:
    """One scan: its components, their tables, its band, the MCUs of each of its segments, and these segments."""

    of: list[int]
    codes: list[Codes]
    band: Band
    interval: int
    segments: list[tuple[int, int]]


@dataclass(kw_only=True)
class _Frame:
    """A frame, with its scans and the places of the entropy-coded segments of all of them."""

    process: int
    width: int
    height: int
    components: dict[int, _Component]
    segments: list[tuple[int, int]] = field(default_factory=list)
    scans: list[_Scan] = field(default_factory=list)
    restarts: bool = False

    def units(self, of: list[int]) -> int:
        """Return the number of MCUs of a scan with these components (A.2)."""
        side = 1 if self.process == _LOSSLESS else 8
        widest = max(one.across for one in self.components.values())
        tallest = max(one.down for one in self.components.values())
        if len(of) > 1:
            return -(-self.width // (side * widest)) * -(-self.height // (side * tallest))
        one = self.components[of[0]]
        width, height = -(-self.width * one.across // widest), -(-self.height * one.down // tallest)
        return -(-width // side) * -(-height // side)


def _walked(stream: bytes) -> _Frame:
    """Return the frame, after its scans and restart markers were found complete."""
    frame, interval, at = None, 0, 2
    tables: dict[int, Codes] = {}
    while (found := _MARKER.search(stream, at)) is not None:
        marker, at = found[1][0], found.end()
        if marker == _EOI:
            break
        if marker in (_SOI, 0x01, *_RESTARTS):
            continue
        body = stream[at + 2 : at + _length(stream, at)]
        if marker == _DRI and len(body) >= 2:
            (interval,) = struct.unpack_from(">H", body)
        if marker in _FRAMES:
            frame = _frame(marker, body)
        if marker == _DHT and frame is not None and frame.process == _PROGRESSIVE:
            tables |= _tables(body)
        at += _length(stream, at)
        if marker == _SOS:
            if frame is None:
                break
            of, before = _scan(frame, body), len(frame.segments)
            at = _scanned(stream, at, frame, of, interval)
            if frame.process == _PROGRESSIVE:
                segments = frame.segments[before:]
                frame.scans.append(_progressive_scan(frame, body, of, tables, interval or frame.units(of), segments))
    if frame is None or not frame.segments:
        raise Refused(f"The JPEG data have no image: a header (SOF, SOS) is missing. {_AGAIN}")
    for component in frame.components.values():
        if any(bit is None or bit for bit in component.lowest):
            raise Refused(f"The JPEG data lack scans: not all of the image's coefficients are there. {_AGAIN}")
    return frame


def _length(stream: bytes, at: int) -> int:
    if at + 2 > len(stream):
        raise Refused(f"The JPEG data end in a header. {_AGAIN}")
    return max(2, int(struct.unpack_from(">H", stream, at)[0]))


def _frame(marker: int, body: bytes) -> _Frame:
    if marker not in (*_SEQUENTIAL, _PROGRESSIVE, _LOSSLESS):
        raise Refused(
            f"The JPEG data are coded by a process (SOF {marker:#x}) that is not read: only Huffman coding, baseline, "
            "extended, progressive or lossless, is. Export the film again, as PNG or uncompressed."
        )
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        raise Refused(f"The JPEG data end in the frame header (SOF). {_AGAIN}")
    _, height, width, count = struct.unpack_from(">BHHB", body)
    parts = [body[6 + 3 * number : 9 + 3 * number] for number in range(count)]
    components = {part[0]: _Component(across=part[1] >> 4 or 1, down=part[1] & 15 or 1) for part in parts}
    return _Frame(process=marker, width=width, height=height, components=components)


def _scan(frame: _Frame, body: bytes) -> list[int]:
    """Return the components of a scan, and note which of their coefficients and bits it brings (B.2.3)."""
    count = body[0] if body else 0
    if not count or len(body) < 4 + 2 * count:
        raise Refused(f"The JPEG data end in a scan's header (SOS). {_AGAIN}")
    of = [body[1 + 2 * number] for number in range(count)]
    first, last, bits = body[1 + 2 * count : 4 + 2 * count]
    if unknown := [one for one in of if one not in frame.components]:
        raise Refused(f"A scan of the JPEG data names a component {unknown[0]} that the frame does not have. {_AGAIN}")
    if frame.process != _PROGRESSIVE:
        first, last, bits = 0, 63, 0
    before, low = bits >> 4, bits & 15
    for one in of:
        lowest = frame.components[one].lowest
        due = [before == 0 if bit is None else (bit, before) == (low + 1, low + 1) for bit in lowest[first : last + 1]]
        if frame.process == _PROGRESSIVE and not (all(due) and _is_band(first, last, len(of), lowest)):
            raise Refused(f"The scans of the JPEG data are not in their order, or one came twice. {_AGAIN}")
        lowest[first : last + 1] = [low] * len(lowest[first : last + 1])
    return of


def _tables(body: bytes) -> dict[int, Codes]:
    """Return the Huffman tables of a DHT segment, by class × 16 + destination (B.2.4.2)."""
    tables: dict[int, Codes] = {}
    at = 0
    while at < len(body):
        counts = body[at + 1 : at + 17]
        values = body[at + 17 : at + 17 + sum(counts)]
        try:
            if len(counts) < 16:
                raise InvalidCodeError
            tables[body[at]] = huffman_codes(counts, values)
        except InvalidCodeError:
            raise Refused(f"A Huffman table of the JPEG data is damaged. {_AGAIN}") from None
        at += 17 + len(values)
    return tables


def _progressive_scan(
    frame: _Frame, body: bytes, of: list[int], tables: dict[int, Codes], interval: int, segments: list[tuple[int, int]]
) -> _Scan:
    """Return what the walk through the codes of a scan needs."""
    first, last, bits = body[1 + 2 * len(of) : 4 + 2 * len(of)]
    band = Band(first=first, last=last, before=bits >> 4, low=bits & 15)
    codes: list[Codes] = []
    for number, one in enumerate(of):
        chosen = body[2 + 2 * number]
        table = tables.get(chosen >> 4 if first == 0 else 16 + (chosen & 15), [])
        if not table and (first or not band.before):  # bits of DC have no codes
            raise Refused(f"The JPEG data lack a Huffman table. {_AGAIN}")
        component = frame.components[one]
        codes += [table] * (component.across * component.down if len(of) > 1 else 1)
    return _Scan(of=of, codes=codes, band=band, interval=interval, segments=segments)


def _check_codes(stream: bytes, frame: _Frame) -> None:
    """Raise `Refused` unless the codes of each progressive scan end with its last block, and the data with them."""
    held = {one: [0] * frame.units([one]) for one in frame.components}
    for scan in frame.scans:
        units = frame.units(scan.of)
        for number, (start, end) in enumerate(scan.segments):
            some = range(number * scan.interval, min(units, (number + 1) * scan.interval))
            segment = Segment(stream[start:end])
            try:
                if scan.band.first == 0:
                    check_dc(segment, scan.codes, len(some), scan.band)
                else:
                    check_ac(segment, scan.codes[0], held[scan.of[0]], some, scan.band)
            except EndsEarlyError:
                raise Refused(_ENDS_EARLY) from None
            except GoesOnError:
                raise Refused(_GOES_ON) from None
            except InvalidCodeError:
                raise Refused(f"The JPEG data hold invalid codes: they are damaged. {_AGAIN}") from None


def _is_band(first: int, last: int, components: int, lowest: list[int | None]) -> bool:
    """Return whether a progressive scan has DC alone, or AC of one component after its DC (G.1.1)."""
    if first == 0:
        return last == 0
    return first <= last <= 63 and components == 1 and lowest[0] is not None


def _scanned(stream: bytes, at: int, frame: _Frame, of: list[int], interval: int) -> int:
    """Note the segments of one scan, and return where it ends: at the first marker that is no restart."""
    start, restarts, end = at, 0, len(stream)
    for found in _MARKER.finditer(stream, at):
        marker = found[1][0]
        if marker not in _RESTARTS:
            end = found.start()
            break
        if marker != _RESTARTS[restarts % 8]:
            raise Refused(f"A restart marker of the JPEG data is missing or out of its order. {_AGAIN}")
        frame.segments.append((start, found.start()))
        start, restarts = found.end(), restarts + 1
    frame.segments.append((start, end))
    frame.restarts = frame.restarts or restarts > 0
    wanted = -(-frame.units(of) // interval) - 1 if interval else 0
    if restarts != wanted:
        raise Refused(f"A scan of the JPEG data has {restarts} restart markers, its size needs {wanted}. {_AGAIN}")
    return end


def _with_tails(stream: bytes, frame: _Frame, *, seed: int, cut: int) -> bytes:
    """Return the stream with random bytes at the end of each segment.

    They stand in place of the last `cut` bytes of the longest one.
    """
    tail = _ONES + bytes(random.Random(seed).choices(range(1, 255), k=_TAIL_BYTES))  # neither FF nor 00
    parts, at = [], 0
    longest = max(frame.segments, key=lambda segment: segment[1] - segment[0])
    for start, end in frame.segments:
        if cut and (start, end) != longest:
            continue
        kept = max(start, end - cut)
        if stream[kept - 1 : kept] == b"\xff":  # of FF 00, a byte of data
            kept -= 1
        parts += [stream[at:kept], tail]
        at = end
    return b"".join([*parts, stream[at:]])
