"""Lookup tables of DICOM files: modality LUT and VOI LUT (PS3.3 C.11.1 and C.11.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

_MOST_BITS = 16
_ENTRIES = 65536
_PARTS = 3  # of a descriptor: entries, first value, bits


@dataclass(frozen=True, eq=False, slots=True)
class LookupTable:
    """Table from the values of a film to values of `bits` bits.

    Attributes:
        first: the film's value of the first entry; lower values get the first entry, higher ones the last.
        bits: bits of an entry, 1 to 16.
        entries: (entries,), 0 to 2**bits − 1.
    """

    first: int
    bits: int
    entries: NDArray[np.int64]

    def __call__(self, values: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the entries of `values`, in the same shape."""
        places = np.clip(values.astype(np.int64) - self.first, 0, len(self.entries) - 1)
        return np.asarray(self.entries[places])


def lookup_table(item: Dataset, *, signed: bool) -> LookupTable | None:
    """Read the table of a Modality LUT Sequence's or VOI LUT Sequence's item.

    Args:
        item: the item, with LUTDescriptor and LUTData.
        signed: whether the film's values before the table are signed, so that the descriptor's first value is, too.

    Returns:
        The table; None if it cannot be parsed, contradicts its descriptor, or has one value alone.

    Example:
        >>> from pydicom.dataset import Dataset
        >>> item = Dataset()
        >>> item.LUTDescriptor = [4, 100, 8]
        >>> item.add_new("LUTData", "OW", np.array([0, 10, 20, 255], "<u2").tobytes())
        >>> lookup_table(item, signed=False)(np.array([0, 101, 500])).tolist()
        [0, 10, 255]
    """
    try:
        numbers = [int(value) for value in item.LUTDescriptor]
    except Exception:  # the edge: pydicom parses on access, and garbage raises anything
        return None
    data = _entries(item)
    if len(numbers) != _PARTS or data is None:
        return None
    entries, first, bits = numbers[0] or _ENTRIES, numbers[1], numbers[2]
    if len(data) != entries or not 1 <= bits <= _MOST_BITS or data.min() == data.max():
        return None
    if first > _ENTRIES // 2 - 1 and signed:
        first -= _ENTRIES
    return LookupTable(first, bits, np.minimum(data, 2**bits - 1))


def _entries(item: Dataset) -> NDArray[np.int64] | None:
    try:
        value = item.LUTData
        if isinstance(value, bytes):
            return np.frombuffer(value, "<u2").astype(np.int64)
        return np.asarray(value, dtype=np.int64).reshape(-1)
    except Exception:  # the edge: pydicom parses on access, and garbage raises anything
        return None
