"""The blocks of the docs name their language, and the quick start stays short. `test_pages_run` executes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, blocks, named, quick_start


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_block_says_its_language(page: Path) -> None:
    for block in blocks(page):
        assert block.language in {"python", "bash", "text", "toml", "csv", "json", "lua"}, (
            f"{named(page)}:{block.line - 1}"
        )


def test_the_quick_start_has_six_lines() -> None:
    assert len(quick_start().splitlines()) == 6
