"""README and docs run as they stand: each page's Python and shell blocks in order, from an empty folder.

The quick start runs once, in `house/test_wheel.py`, from the wheel.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, blocks, named
from tests.docs.page_runner import PageRunner
from tests.docs.page_steps import shows, steps

MOST_EXCUSED = 20
"""Blocks that are not executed. The number may fall; a new page's commands are to run."""


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if steps(page)], ids=named)
def test_the_blocks_of_a_page_run(page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    with PageRunner(page, folder, tmp_path / "beside") as running:
        running.all()


def test_few_blocks_are_not_executed() -> None:
    excused = [
        f"{named(page)}:{block.line}"
        for page in PAGES
        for block in blocks(page)
        if block.excused and block.language in {"python", "bash"}
    ]
    assert len(excused) <= MOST_EXCUSED, excused


def test_a_message_may_be_broken_into_lines_and_shortened() -> None:
    assert shows("unseen: films:\n  no such folder. Give one.\n", "films: no such …. Give one.")
    assert not shows("unseen: films: no such folder.", "no such file")
