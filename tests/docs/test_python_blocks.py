"""The blocks of the docs name their language, and the quick start stays short. `test_pages_run` executes them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import unseen as un
from tests.docs.blocks import PAGES, ROOT, blocks, named, quick_start
from tests.warm_python import warm_python


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_block_says_its_language(page: Path) -> None:
    for block in blocks(page):
        assert block.language in {"python", "bash", "text", "toml", "csv", "json", "lua", "bibtex"}, (
            f"{named(page)}:{block.line - 1}"
        )


def test_the_quick_start_is_short() -> None:
    assert len(quick_start().splitlines()) <= 7


def over_a_folder(folder: Path) -> str:
    """Return the quick start on a reader's own films, as its comments say."""
    changed = re.sub(r"un\.data\.phantoms\.twins\([^)]*\)", f"un.data.films({str(folder)!r})", quick_start())
    assert changed != quick_start()
    return changed


@pytest.mark.slow
def test_the_quick_starts_loop_goes_on_past_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    films = tmp_path / "films"
    un.data.phantoms.write(un.data.phantoms.normals(2, seed=3, size=64), tmp_path)
    (films / "broken.png").write_bytes(b"no film")
    program = tmp_path / "quick.py"
    program.write_text(over_a_folder(films), encoding="utf-8")
    done = warm_python().run(program, cwd=tmp_path, environment=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.code == 0 and len(done.out.splitlines()) == 2, done.err[-4000:]


@pytest.mark.nightly
def test_the_quick_starts_types_hold_on_ones_own_films(tmp_path: Path) -> None:
    program = tmp_path / "quick.py"
    program.write_text(over_a_folder(tmp_path), encoding="utf-8")
    words = (sys.executable, "-m", "mypy", "--strict", "--config-file", ROOT / "pyproject.toml", program)
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
