"""`--help` teaches: each command has an example that its own options understand, and says what it is not for."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.cli.conftest import LIMITS, Say
from tests.help_texts import help_text
from unseen import __version__
from unseen.artifacts import recipe as recipes
from unseen.cli.program import EXIT_STATUS, app, built

COMMANDS = (
    "manifest", "suspects", "train", "score", "evaluate", "compare", "adapt", "gate", "recipes", "info", "onnx",
    "calibrate", "pilot", "reconstruct", "identify",
    "demo", "serve", "worker", "audit", "export", "import", "import-scores",
    "backup", "restore", "invite", "erase", "retire", "prior", "pacs",
)  # fmt: skip
"""Commands of the library, then of the server; typer lists groups (`prior`, `pacs`) last."""
GROUP: Any = built(app)  # Any: typer brings its own copy of click


@pytest.fixture
def help_of(say: Say, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`help_of("score")`: the text of a command's --help in one line."""
    for name, value in {"COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)

    def printed(*words: str) -> str:
        answer = say(*words, "--help")
        assert answer.code == 0
        return " ".join(re.sub(r"[│|]", " ", answer.out).split())

    return printed


def test_the_commands_are_these_in_the_order_of_their_use() -> None:
    assert tuple(GROUP.commands) == COMMANDS


def test_the_first_screen_says_what_it_is_not_for_and_what_the_exit_status_means(help_of: Callable[..., str]) -> None:
    text = help_of()
    assert LIMITS in text
    assert " ".join(EXIT_STATUS.split()) in text
    assert "Begin with unseen demo" in text
    needed = "the extra train and the packages unseen-server and unseen-models (docs/get-started/install.md)"
    assert f"It needs {needed}." in text
    assert "pip install" not in text, "wheels and a clone are installed by different commands"


def commands(group: Any = GROUP, *words: str) -> list[tuple[str, ...]]:
    """Return the words of each command and group."""
    below = [commands(one, *words, name) for name, one in getattr(group, "commands", {}).items()]
    return [words, *(found for some in below for found in some)]


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_the_lines_of_prose_are_filled(words: tuple[str, ...], width: int) -> None:
    """Lines that were broken in the source, and again by a narrower terminal, were short in turn."""
    text, _, _ = help_text(*words, width=width).partition("╭")
    short = []
    for line, following in pairwise(text.splitlines()):
        indent, next_indent = (len(one) - len(one.lstrip()) for one in (line, following))
        if line.strip() and following.strip() and indent == next_indent == 1:
            next_word = following.split()[0]
            if len(line.rstrip()) + 1 + len(next_word) <= width - 2:
                short.append(line)
    assert not short


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_the_help_is_printed_whole(words: tuple[str, ...]) -> None:
    """Rich takes [word] as markup and leaves it out: defaults of options were missing."""

    def plain(text: str) -> str:
        return " ".join(re.sub(r"\[/?bold\]", "", text.replace("│", " ")).split())

    command = GROUP
    for name in words:
        command = command.commands[name]
    printed = plain(help_text(*words, width=400))
    texts = [command.help, *(option.help for option in command.params)]
    assert not [text for text in texts if text and plain(text) not in printed]


def test_the_version_is_printed(say: Say) -> None:
    assert say("--version").out == f"unseen {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_an_example_that_its_options_understand(name: str, help_of: Callable[..., str]) -> None:
    command = GROUP.commands[name]
    assert command.help is not None
    examples = re.findall(rf"^\s*(unseen {name}\b.*)$", command.help, flags=re.MULTILINE)
    assert examples, f"unseen {name} --help shows no example"
    assert f"unseen {name}" in help_of(name)
    for example in examples:
        words = shlex.split(example.split(">")[0])[2:]
        context = command.make_context(name, words)
        shown = {
            "suspects": ["recipe"],
            "train": ["recipe"],
            "recipes": ["name"],
        }.get(name, [])
        for recipe in filter(None, (context.params[parameter] for parameter in shown)):
            assert recipe in recipes.names(), f"{example!r} names a recipe that does not exist"


@pytest.mark.parametrize(
    ("group", "name"), [(group, name) for group in ("prior", "pacs") for name in GROUP.commands[group].commands]
)
def test_a_command_below_another_has_an_example_that_its_options_understand(group: str, name: str) -> None:
    command = GROUP.commands[group].commands[name]
    examples = re.findall(rf"^\s*unseen {group} {name}\b(.*)$", command.help, flags=re.MULTILINE)
    assert examples, f"unseen {group} {name} --help shows no example"
    for example in examples:
        context = command.make_context(name, shlex.split(example.split("<")[0]))
        recipe = context.params.get("recipe")
        assert recipe is None or recipe in recipes.names(), f"{example!r} names a recipe that does not exist"
    for parameter in command.params:
        if parameter.name != "help":
            assert parameter.help, f"unseen {group} {name}: {parameter.name} is not explained"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_is_explained(name: str) -> None:
    for parameter in GROUP.commands[name].params:
        if parameter.name != "help":
            assert getattr(parameter, "help", None), f"unseen {name}: {parameter.name} is not explained"


def test_without_a_word_the_help_is_shown(say: Say) -> None:
    assert "Begin with" in say().out
