"""A page shows words, and not a dash alone, where it has no number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import unseen
import unseen_server

FILES = sorted(
    path
    for package in (unseen, unseen_server)
    for path in Path(package.__path__[0]).rglob("*")
    if path.suffix in {".js", ".j2", ".html"}
)

ALONE = re.compile(r"""(["'`])[–—]\1|>[–—]<|}[–—]{""")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_page_shows_a_dash_alone(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line.strip() for line in lines if ALONE.search(line)] == []
