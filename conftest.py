"""Fixtures of all tests: real films and system programs where there are any, and settings for a shared machine.

A part that is missing skips its tests with the reason; where CI is set it fails them: nothing is left out quietly.
"""

from __future__ import annotations

import fcntl
import gc
import json
import linecache
import logging
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from tests.costs import Accounting, processor
from tests.system_programs import system_path
from unseen.artifacts.files import write_text

ROOT = Path(__file__).parent

# No deadline: two workers share two cores. In CI the examples are the same each time.
settings.register_profile("unseen", deadline=None, print_blob=True, derandomize=bool(os.environ.get("CI")))
settings.load_profile("unseen")

os.environ.setdefault("MPLBACKEND", "Agg")

# taken at once: some tests set the variable for films of their own
FILMS = Path(os.environ.get("UNSEEN_DATA") or ROOT.parent / "shared" / "data")


# Imports and collected tests make a million objects that stay: looking for garbage among them takes seconds a worker.
gc.disable()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Accounting())


def pytest_collection_finish() -> None:
    # Collecting doctests reads 870 sources, and before each doctest it is asked of all sources read if they changed.
    linecache.clearcache()
    # With the default thresholds, garbage collection takes a tenth of the server tests' time: 65 ms for each full one.
    gc.set_threshold(20_000, 10, 10)
    gc.freeze()
    gc.enable()


_loggers = 0  # at the last test's beginning


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    # pytest adds its handlers to each logger that does not propagate, six times a test, and torch has 55 of these.
    # A doctest may be the first to import torch.
    global _loggers
    known = logging.Logger.manager.loggerDict
    if len(known) == _loggers:
        return
    _loggers = len(known)
    for logger in known.values():
        if isinstance(logger, logging.Logger) and logger.name.startswith("torch"):
            logger.propagate = True


def absent(reason: str) -> NoReturn:
    """Skip the test for want of a part; where CI is set, fail it."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason} CI is set, so this fails instead of being skipped.", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public films: $UNSEEN_DATA, else ../shared/data beside the repository."""
    if not FILMS.is_dir():
        absent(f"No public films: {FILMS} is not a folder. Set UNSEEN_DATA (docs/how-to/public-data.md).")
    return FILMS


@pytest.fixture(scope="session")
def program() -> Callable[..., str]:
    """`program("curl")`: the path of a system program; of several names, the first that is there."""

    def find(*names: str) -> str:
        for path in filter(None, (shutil.which(name, path=system_path()) for name in names)):
            return path
        absent(f"The system program {' or '.join(names)} is missing; `make test` as root installs it (.ci/parts).")

    return find


@pytest.fixture(scope="session", autouse=True)
def _runs_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs made by tests go to a temporary folder, never into the repository."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNSEEN_RUNS", str(tmp_path_factory.mktemp("runs")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _phantoms_drawn_once() -> Iterator[None]:
    """A small phantom film takes 8 ms to draw, and many tests have the same ones."""
    from tests.phantom_cache import kept_phantoms  # imports numpy

    with kept_phantoms():
        yield


@pytest.fixture
def soak_record() -> Callable[..., None]:
    """`soak_record("kills", kills=200)`: what a long test found, and where, as an entry of the JSON file $UNSEEN_SOAK.

    `make nightly` sets the variable; without it nothing is written.
    """
    start = time.monotonic()

    def record(name: str, **figures: float) -> None:
        if not os.environ.get("UNSEEN_SOAK"):
            return
        path = ROOT / os.environ["UNSEEN_SOAK"]
        entry = {
            **figures,
            "seconds": round(time.monotonic() - start),
            "date": datetime.now(UTC).date().isoformat(),
            "python": platform.python_version(),
            "torch": metadata.version("torch"),
            "processor": processor(),
            "commit": _commit(),
        }
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)  # another worker may be writing its entry
            entries = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
            write_text(path, json.dumps(entries | {name: entry}, indent=1, sort_keys=True) + "\n")
        finally:
            os.close(folder)

    return record


def _commit() -> str | None:
    """The commit's short name, with `-dirty` where files differ from it; None outside a clone."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


@pytest.fixture
def quick_lungs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the lung finder's default settings small, so that training one takes a second."""
    from unseen.anatomy.lung_finder import LungFinder

    class Small(LungFinder.Config):
        size: int = 32
        features: int = 4
        depth: int = 2
        steps: int = 4

    monkeypatch.setattr(LungFinder, "Config", Small)
