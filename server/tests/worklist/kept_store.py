"""Stores that many tests begin with: filled by the first worker that asks, copied for the others."""

from __future__ import annotations

import pickle
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests.once import made_once
from tests.worklist.conftest import Clock
from unseen_server.worklist.belonging import DATABASE, KEY
from unseen_server.worklist.store import Store

T = TypeVar("T")
VALUE = "value.pickle"


class KeptStores:
    """`fill(store, clock, "forty films", make)`: an empty store on SQLite gets what `make` puts there; its value."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fill(self, store: Store, clock: Clock, name: str, make: Callable[[], T]) -> T:
        filled: list[T] = []

        def keep(kept: Path) -> None:
            filled.append(make())
            _copy(store.home, kept)
            (kept / VALUE).write_bytes(pickle.dumps((filled[0], clock.now)))

        kept = made_once(self._folder / name, keep)
        if filled:
            return filled[0]
        _copy(kept, store.home)
        made: tuple[T, float] = pickle.loads((store.home / VALUE).read_bytes())
        (store.home / VALUE).unlink()
        value, clock.now = made
        return value


def _copy(one: Path, other: Path) -> None:
    """The films and the audit trail's head; the database as it is, which may be open at both places."""
    for path in sorted(one.rglob("*")):
        there = other / path.relative_to(one)
        if path.is_dir():
            there.mkdir(parents=True, exist_ok=True)
        elif not path.name.startswith((DATABASE, KEY)):
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, there)
    other.mkdir(parents=True, exist_ok=True)
    source, target = sqlite3.connect(one / DATABASE), sqlite3.connect(other / DATABASE)
    source.backup(target)
    source.close()
    target.close()
