"""Backups in one folder, each under its date and time, of which the newest are kept: for a timer."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from unseen.worklist.backup import MANIFEST, Saved, back_up

if TYPE_CHECKING:
    from unseen.worklist.store import Store

_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z")


@dataclass(frozen=True, kw_only=True)
class Dated:
    """The new backup, and the older ones that were removed."""

    path: Path
    saved: Saved
    removed: tuple[Path, ...]


def back_up_dated(store: Store, folder: Path | str, *, keep: int, now: datetime | None = None) -> Dated:
    """Write a backup into `folder`, named by date and time (UTC), and remove older ones.

    store   the store; it may be in use
    folder  holds the backups; it is made where it is missing
    keep    how many backups remain, with the new one; others are removed. Only backups that this function named are
            counted and removed, and none where the new one has damage
    now     None: the machine's time

    >>> import tempfile
    >>> from unseen.worklist import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(f"{folder}/site") as store:
    ...     days = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
    ...     done = [back_up_dated(store, f"{folder}/backups", keep=2, now=day) for day in days]
    >>> done[-1].path.name, [path.name for path in done[-1].removed]
    ('2026-01-03T000000Z', ['2026-01-01T000000Z'])

    Raises what `back_up` raises: nothing is removed then.
    """
    folder = Path(folder)
    path = folder / (now or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    saved = back_up(store, path)
    removed = () if saved.damaged or saved.audit else tuple(_earlier(folder, path)[: -keep + 1 or None])
    for old in removed:
        shutil.rmtree(old)
    return Dated(path=path, saved=saved, removed=removed)


def _earlier(folder: Path, new: Path) -> list[Path]:
    """The backups before `new`, oldest first."""
    named = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.name < new.name)
    return [path for path in named if (path / MANIFEST).is_file()]
