"""Each command, option and make target that the docs name exists, and each command that exists is in the docs."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, ROOT, blocks, named
from tests.help_texts import help_text

COMMANDS = {
    "demo", "suspects", "train", "score", "evaluate", "compare", "calibrate", "pilot",
    "serve", "worker", "audit", "export", "import", "backup", "restore", "erase", "retire",
    "recipes", "info", "manifest", "onnx", "reconstruct", "identify", "prior", "pacs",
}  # fmt: skip
GROUPS = {"prior", "pacs"}  # commands of commands
RESEARCH_ONLY = "Research use only. Not a medical device. Not for diagnosis."


help_of = functools.cache(help_text)


def command_lines(page: Path) -> list[str]:
    """Return the commands that the page tells a reader to type: lines of its bash blocks, and `code` in its text."""
    text = page.read_text(encoding="utf-8")
    for block in blocks(page):
        text = text.replace(block.text, "")
    typed = [
        line.split("#")[0].strip()
        for block in blocks(page)
        if block.language == "bash"
        for line in block.text.splitlines()
    ]
    return [line for line in typed if line] + re.findall(r"`((?:unseen|make) [^`\n]+)`", text)


def commands_that_exist() -> set[str]:
    commands = help_of().split("Commands", 1)[1]
    return set(re.findall(r"^\W*([a-z][a-z-]*)(?=\s{2,})", commands, flags=re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_and_options_in_the_docs_exist(page: Path) -> None:
    for line in command_lines(page):
        words = line.split()
        if words[0] != "unseen":
            continue
        command = [] if words[1].startswith("-") else words[1:3] if words[1] in GROUPS else words[1:2]
        command = [word for word in command if not word.startswith("-")]  # `unseen pacs --config …` is one, too
        known = help_of(*command)
        for option in re.findall(r"(?<!\S)--[a-z][a-z-]*", line):
            assert re.search(rf"{option}(?![a-z-])", known), f"{named(page)}: {line!r}: {option} is not an option"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_make_targets_in_the_docs_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    for line in command_lines(page):
        words = line.split()
        if words[0] == "make" and "=" not in words[1]:
            assert words[1] in targets, f"{named(page)}: there is no `make {words[1]}`"


def test_the_fixed_commands_are_there() -> None:
    assert commands_that_exist() >= COMMANDS


def test_each_command_is_in_the_docs() -> None:
    lines = [line for page in PAGES for line in command_lines(page)] + (ROOT / "CHANGELOG.md").read_text().splitlines()
    named_in_docs = {word for line in lines for word in re.findall(r"`([a-z][a-z-]*)", line.replace("unseen ", "`"))}
    assert commands_that_exist() <= named_in_docs


@pytest.mark.parametrize(
    "command", [(), *((name,) for name in sorted(COMMANDS))], ids=lambda words: " ".join(words) or "unseen"
)
def test_help_carries_the_research_only_sentence_or_teaches(command: tuple[str, ...]) -> None:
    text = " ".join(re.sub(r"[│|]", " ", help_of(*command)).split())
    if not command:
        assert RESEARCH_ONLY in text
    assert len(text) > 100, f"unseen {' '.join(command)} --help teaches nothing: {text}"
