"""Packs of the queue: one for each name in `QueueEntry.pack`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from studies.gpu_queue.entries import QueueEntry
from studies.packs import Needed, write_pack


def pack_of(entry: QueueEntry, folder: Path) -> Path:
    """Return the path of an entry's pack."""
    return folder / f"{entry.pack}.npz"


def write_packs(entries: Sequence[QueueEntry], folder: Path) -> Iterator[tuple[Path, int]]:
    """Write the pack of each name, and yield its path and size in bytes."""
    needed: dict[Path, Needed] = {}
    for entry in entries:
        if not entry.pack:
            continue
        path = pack_of(entry, folder)
        needed[path] = needed.get(path, Needed(())) | entry.needed()
    for path, files in needed.items():
        yield path, write_pack(files, path)
