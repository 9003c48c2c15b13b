"""Objects that several workers need and one makes: the first that asks, in a folder that all of a run share."""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """Return the temporary folder of all workers of this run."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """Return the folder, which `make` has filled; who comes while it is being filled waits."""
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = folder.with_name(f"{folder.name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(folder)
    return folder


def kept_once(factory: pytest.TempPathFactory, name: str, make: Callable[[], T]) -> T:
    """Return the result of `make`, which is called once per run: each worker gets a copy."""

    def keep(folder: Path) -> None:
        (folder / "kept.pickle").write_bytes(pickle.dumps(make()))

    kept: T = pickle.loads((made_once(shared_folder(factory) / name, keep) / "kept.pickle").read_bytes())
    return kept
