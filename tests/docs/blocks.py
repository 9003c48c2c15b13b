"""Fenced code blocks of the Markdown pages, with their line numbers."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOT_EXECUTED = re.compile(r"<!-- not executed: \S.* -->")


@dataclass(frozen=True)
class Block:
    """`language` as written after the fence; `line` of its first line, from 1; `comment`: the HTML comment above it."""

    language: str
    line: int
    text: str
    comment: str

    @property
    def excused(self) -> bool:
        return bool(NOT_EXECUTED.fullmatch(self.comment))


def blocks(page: Path) -> Iterator[Block]:
    """Yield the page's blocks, in order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    start: int | None = None
    for number, line in enumerate(lines):
        if not line.lstrip().startswith("```"):
            continue
        if start is None:
            start = number
            continue
        above = next((earlier for earlier in reversed(lines[:start]) if earlier.strip()), "")
        language = lines[start].strip().removeprefix("```").strip()
        comment = above.strip() if above.strip().startswith("<!--") else ""
        text = textwrap.dedent("\n".join(lines[start + 1 : number]))  # a block of a list is indented
        yield Block(language, start + 2, text, comment)
        start = None
    assert start is None, f"{page.name}: the block that begins in line {start} is not closed"


def quick_start() -> str:
    """The README's first Python block."""
    return next(block.text for block in blocks(ROOT / "README.md") if block.language == "python")


def script(page: Path) -> str:
    """Return the page's Python blocks as one script; each line keeps its number, so that a traceback points into the
    page.

    The quick start is left out where a page repeats it word for word: it is executed once, from the README.
    """
    lines: list[str] = []
    for block in blocks(page):
        repeated = page != ROOT / "README.md" and block.text == quick_start()
        if block.language == "python" and not block.excused and not repeated:
            lines += [""] * (block.line - 1 - len(lines)) + block.text.splitlines()
    return "\n".join(lines) + "\n" if lines else ""


def named(page: Path) -> str:
    """Return the page's path in the repository: a test's name."""
    return page.relative_to(ROOT).as_posix()
