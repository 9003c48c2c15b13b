"""What all tests share: real films and system programs where there are any, and settings for a shared machine.

A part that is missing skips its tests with the reason; where CI is set it fails them: nothing is left out quietly.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]

# No deadline: two workers share two cores. In CI the examples are the same each time.
settings.register_profile("unseen", deadline=None, print_blob=True, derandomize=bool(os.environ.get("CI")))
settings.load_profile("unseen")

os.environ.setdefault("MPLBACKEND", "Agg")

# taken at once: some tests set the variable for films of their own
FILMS = Path(os.environ.get("UNSEEN_DATA") or ROOT.parent / "shared" / "data")


def _absent(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"{reason} CI is set, so this fails instead of being skipped.", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public films: $UNSEEN_DATA, else ../shared/data beside the repository."""
    if not FILMS.is_dir():
        _absent(f"No public films: {FILMS} is not a folder. Set UNSEEN_DATA (docs/how-to/public-data.md).")
    return FILMS


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """`program("chromium")`: the path of a system program."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            _absent(f"The system program {name} is missing; `make test` as root installs it (.ci/parts).")
        return path

    return find


@pytest.fixture(scope="session", autouse=True)
def _runs_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs made by tests go to a temporary folder, never into the repository."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNSEEN_RUNS", str(tmp_path_factory.mktemp("runs")))
        yield
