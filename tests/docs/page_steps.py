"""The steps of a page, in order: its Python and bash blocks, the files that its reader saves, the errors that it shows.

A page marks what a block alone does not show by a comment, which no reader sees:

<!-- not executed: REASON -->   above a block that needs what a test does not have
<!-- file: NAME -->             above a block that the reader saves under this name
<!-- before: COMMAND -->        what makes ready here what a reader has already, such as films
<!-- starts: STAND-IN -->       what a reader's site has, from here on (`stand_ins`)
<!-- ends: STAND-IN -->         and no longer from here on
<!-- printed by: COMMAND -->    in a list item that shows a message of this command in `code`
<!-- raised by: STATEMENT -->   the same for a line of Python
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.docs.blocks import blocks, quick_start

FILE = re.compile(r"<!-- file: (\S+) -->")
BEFORE = re.compile(r"<!-- before: (.+) -->")
SITE = re.compile(r"<!-- (starts|ends): (.+) -->")
SHOWN = re.compile(r"(?<!`)<!-- (printed|raised) by: (.+?) -->")
CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)


@dataclass(frozen=True)
class Step:
    """`line`: where it stands in the page, from 1; `name`: of the file; `message`: what is to be printed or raised.

    `text` of `starts` and `ends`: the stand-in's name.
    """

    kind: Literal["python", "bash", "file", "starts", "ends"]
    line: int
    text: str
    name: str = ""
    message: str = ""


def steps(page: Path) -> list[Step]:
    """Return the steps of a reader of the page, from top to bottom."""
    return sorted([*_of_blocks(page), *_of_comments(page)], key=lambda step: step.line)


def _of_blocks(page: Path) -> Iterator[Step]:
    for block in blocks(page):
        if named := FILE.fullmatch(block.comment):
            yield Step("file", block.line, block.text + "\n", name=named.group(1))
        elif block.excused or block.text == quick_start():
            continue  # the quick start is executed once, by repository/test_wheel.py
        elif block.language == "python":
            yield Step("python", block.line, block.text)
        elif block.language == "bash":
            yield Step("bash", block.line, block.text)


def _of_comments(page: Path) -> Iterator[Step]:
    lines = page.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if before := BEFORE.fullmatch(line):
            yield Step("bash", number + 1, before.group(1))
        elif site := SITE.fullmatch(line):
            yield Step("starts" if site.group(1) == "starts" else "ends", number + 1, site.group(2))
        found = SHOWN.search(line)
        if found is None:
            continue
        first = next(above for above in range(number, -1, -1) if lines[above].startswith("- "))
        code = CODE.search("\n".join(lines[first : number + 1]))
        assert code is not None, f"{page.name}:{number + 1}: no message in `code` before the comment"
        kind: Literal["python", "bash"] = "bash" if found.group(1) == "printed" else "python"
        yield Step(kind, number + 1, found.group(2), message=code.group(2).strip())


def shows(printed: str, message: str) -> bool:
    """Report whether the printed text contains a message; line breaks do not count, and … matches any text."""
    parts = (re.escape(" ".join(part.split())) for part in message.split("…"))
    return re.search(".*?".join(parts), " ".join(printed.split())) is not None
