"""Entropy-coded data of progressive JPEG scans, walked code by code: whether they hold each block, and no more.

A scan that refines coefficients has single bits between its codes, and its decoder comes into step again soon after
bytes are missing: the image then differs a little, and no decoder reports it. So the codes are counted here. The data
of a segment must hold a valid code for each block, end after the last one, and be padded to a whole byte by ones.
A change that leaves all codes valid, and their number, is not found: JPEG has no checksum.

Source: ITU-T T.81, C (Huffman tables), F.1.2.3 (padding), G.1.2 (progressive scans).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

_LOOK_BITS: Final = 16
_INVALID: Final = -1
_AFTER_BYTES: Final = 64
"""Bytes after a segment's end that a code or its bits may reach before the end is noticed."""

Codes = list[int]
"""For each 16 bits: the length of the code that they begin with × 256 + its value; -1: they begin with no code."""


class EndsEarlyError(Exception):
    """The data end before the last block."""


class GoesOnError(Exception):
    """Data follow the last block."""


class InvalidCodeError(Exception):
    """Bits are no code of the table, or a code does not fit its block."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """Content of a scan (B.2.3).

    Attributes:
        first: the first coefficient, in zigzag order.
        last: the last coefficient.
        before: the lowest bit that came before; 0: this is the band's first scan.
        low: the lowest bit that this scan brings.
    """

    first: int
    last: int
    before: int
    low: int


def huffman_codes(counts: bytes, values: bytes) -> Codes:
    """Return the codes of a table (C.2).

    Args:
        counts: number of codes of each length, 1 to 16 bits.
        values: their values, in the order of the codes.

    Raises:
        InvalidCodeError: there are more codes than their lengths allow, or values are missing.

    Example:
        >>> codes = huffman_codes(bytes([0, 2] + [0] * 14), bytes([5, 7]))
        >>> divmod(codes[0b01 << 14], 256), codes[0b11 << 14]
        ((2, 7), -1)
    """
    codes: Codes = []
    place = 0
    for length, count in enumerate(counts, start=1):
        for value in values[place : place + count]:
            codes += [length * 256 + value] * (1 << (_LOOK_BITS - length))
        place += count
    if place > len(values) or len(codes) > 1 << _LOOK_BITS:
        raise InvalidCodeError
    codes += [_INVALID] * ((1 << _LOOK_BITS) - len(codes))
    return codes


class Segment:
    """Entropy-coded data between two markers, as bits.

    Args:
        coded: the bytes, with a zero byte after each FF.
    """

    def __init__(self, coded: bytes) -> None:
        data = coded.rstrip(b"\xff").replace(b"\xff\x00", b"\xff")  # FF bytes before a marker are fill bytes
        self.bits = 8 * len(data)
        padded = np.frombuffer(data + b"\xff" * (_AFTER_BYTES + len(data) % 2), np.uint8).astype(np.uint32)
        pairs = padded[0::2] << 8 | padded[1::2]
        self.words: list[int] = (pairs[:-1] << 16 | pairs[1:]).tolist()  # 32 bits from each 16th bit on

    def check_end(self, at: int) -> None:
        """Raise unless the last code ends at bit `at`, and ones follow to the end of the byte."""
        left = self.bits - at
        if left < 0:
            raise EndsEarlyError
        if left >= 8 or (left and self._look(at) >> (_LOOK_BITS - left) != (1 << left) - 1):
            raise GoesOnError

    def _look(self, at: int) -> int:
        return self.words[at >> 4] >> (16 - (at & 15)) & 0xFFFF


def check_dc(segment: Segment, tables: Sequence[Codes], units: int, band: Band) -> None:
    """Check a segment of a scan of DC coefficients.

    Args:
        segment: the segment.
        tables: for each block of an MCU, the codes of its component.
        units: number of MCUs of the segment.
        band: what the scan brings.

    Raises:
        EndsEarlyError, GoesOnError, InvalidCodeError: the data are damaged.
    """
    if band.before:  # a bit for each block (G.1.2.1)
        segment.check_end(units * len(tables))
        return
    words, at, end = segment.words, 0, segment.bits
    for _ in range(units):
        for codes in tables:
            if at >= end:
                raise EndsEarlyError
            code = codes[words[at >> 4] >> (16 - (at & 15)) & 0xFFFF]
            size = code & 255
            if code < 0 or size > 15:
                raise _invalid(segment, at)
            at += (code >> 8) + size
    segment.check_end(at)


def check_ac(segment: Segment, codes: Codes, held: list[int], blocks: range, band: Band) -> None:
    """Check a segment of a scan of AC coefficients, and note which coefficients are not zero.

    Args:
        segment: the segment.
        codes: the codes of the component.
        held: for each block of the component, a bit for each coefficient that is not zero; it is changed.
        blocks: the blocks of the segment.
        band: what the scan brings.

    Raises:
        EndsEarlyError, GoesOnError, InvalidCodeError: the data are damaged.
    """
    check = _check_refinement if band.before else _check_first
    try:
        segment.check_end(check(segment, codes, held, blocks, band))
    except IndexError:
        raise EndsEarlyError from None


def _invalid(segment: Segment, at: int) -> Exception:
    """Return the error for an invalid code before bit `at`: where that lies after the end, data are missing."""
    return EndsEarlyError() if at + _LOOK_BITS > segment.bits else InvalidCodeError()


def _check_first(segment: Segment, codes: Codes, held: list[int], blocks: range, band: Band) -> int:
    """Walk the first scan of a band (G.1.2.2); returns where its last code ends."""
    words, at, block, end, last = segment.words, 0, blocks.start, blocks.stop, band.last
    while block < end:
        k, found = band.first, 0
        while k <= last:
            code = codes[words[at >> 4] >> (16 - (at & 15)) & 0xFFFF]
            if code < 0:
                raise _invalid(segment, at)
            at += code >> 8
            run, size = code >> 4 & 15, code & 15
            if size:
                k += run
                if k > last:
                    raise _invalid(segment, at)
                found |= 1 << k
                k += 1
                at += size
            elif run == 15:
                k += 16
                if k > last:
                    raise _invalid(segment, at)
            else:  # this block and others have no further coefficient
                if run:
                    others = (1 << run) - 1 + ((words[at >> 4] >> (16 - (at & 15)) & 0xFFFF) >> (16 - run))
                    at += run
                    held[block] |= found
                    block += others
                    found = 0
                break
        if found:
            held[block] |= found
        block += 1
    if block > end:
        raise _invalid(segment, at)
    return at


def _check_refinement(segment: Segment, codes: Codes, held: list[int], blocks: range, band: Band) -> int:
    """Walk a scan that refines a band (G.1.2.3); returns where its last bit ends."""
    words, at, last = segment.words, 0, band.last
    whole = (1 << last + 1) - (1 << band.first)
    others = 0  # blocks without a further code
    for block in blocks:
        before = held[block]
        if others:
            others -= 1
            at += (before & whole).bit_count()
            continue
        k, found = band.first, 0
        while k <= last:
            code = codes[words[at >> 4] >> (16 - (at & 15)) & 0xFFFF]
            if code < 0:
                raise _invalid(segment, at)
            at += code >> 8
            run, size = code >> 4 & 15, code & 15
            if size == 1:
                at += 1
            elif size:
                raise _invalid(segment, at)
            elif run < 15:
                if run:
                    others = (1 << run) - 1 + ((words[at >> 4] >> (16 - (at & 15)) & 0xFFFF) >> (16 - run))
                    at += run
                at += (before & whole & -(1 << k)).bit_count()  # a bit for each one that came before
                break
            zeros = ~before & -(1 << k)
            for _ in range(run):
                zeros &= zeros - 1
            place = (zeros & -zeros).bit_length() - 1
            if place > last:
                raise _invalid(segment, at)
            at += (before & (1 << place) - (1 << k)).bit_count()
            if size:
                found |= 1 << place
            k = place + 1
        if found:
            held[block] = before | found
    if others:
        raise _invalid(segment, at)
    return at
