"""Search for words that `docs/words.md` replaces: in the docs, the README, the changelog, and the package's sentences.

python -m tests.repository.words    print each place of such a word; exit status 1 if there are any
"""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DICTIONARY = ROOT / "docs" / "words.md"
_CODE = re.compile(r"^(```|~~~).*?^\1|`+[^`]*`+", re.DOTALL | re.MULTILINE)
_DOCTEST = re.compile(r"^ *>>> .*\n(?:.*\S.*\n?)*", re.MULTILINE)
_SQL = {"text", "CheckConstraint"}  # what they are given is code, too

Place = tuple[str, int, str]  # file, line, word


def words(dictionary: str) -> list[str]:
    """Return the third column of the dictionary's table."""
    rows = [line.strip("| \n").split(" | ") for line in dictionary.splitlines() if line.startswith("| ")]
    return [word.strip() for row in rows[1:] if len(row) == 3 for word in row[2].split(",")]


def found(text: str, wanted: list[str]) -> Iterator[tuple[int, str]]:
    """Line and word of each whole-word match, whatever its case; words may be parted by a line break."""
    for match in _pattern(tuple(wanted)).finditer(text):
        yield text.count("\n", 0, match.start()) + 1, " ".join(match.group().lower().split())


@functools.cache
def _pattern(wanted: tuple[str, ...]) -> re.Pattern[str]:
    pattern = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in sorted(wanted, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])({pattern})(?![\w-])", re.IGNORECASE)


def without_code(text: str) -> str:
    """Markdown without its code, line numbers kept."""
    return _CODE.sub(lambda code: "\n" * code.group().count("\n"), text)


def sentences(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of each string with a space in it: docstrings, messages, help; no keys, names or digests."""
    nodes = list(ast.walk(ast.parse(source)))
    inside = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    calls = (node for node in nodes if isinstance(node, ast.Call))
    inside |= {id(part) for call in calls if _name(call.func) in _SQL for part in call.args}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
            text = "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            text = node.value
        else:
            continue
        if " " in text.strip():
            yield node.lineno, without_code(_DOCTEST.sub(lambda code: "\n" * code.group().count("\n"), text))


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def texts(root: Path) -> Iterator[tuple[str, int, str]]:
    """File, first line and text of everything that the dictionary holds for."""
    for path in sorted([root / "README.md", *(root / "docs").rglob("*.md")]):
        if path != root / "docs" / "words.md":
            yield str(path.relative_to(root)), 1, without_code(path.read_text(encoding="utf-8"))
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    start = changelog.index("## [Unreleased]")
    end = changelog.find("\n## [", start + 1)
    unreleased = changelog[start : end if end > 0 else None]
    yield "CHANGELOG.md", changelog.count("\n", 0, start) + 1, without_code(unreleased)
    for path in sorted((root / "src").rglob("*.py")):
        for line, text in sentences(path.read_text(encoding="utf-8")):
            yield str(path.relative_to(root)), line, text


def places(root: Path = ROOT) -> list[Place]:
    """Return the place of each word that the dictionary replaces."""
    wanted = words(DICTIONARY.read_text(encoding="utf-8"))
    return [(file, first + line - 1, word) for file, first, text in texts(root) for line, word in found(text, wanted)]


def main() -> int:
    stand = places()
    for file, line, word in stand:
        print(f"{file}:{line}: {word!r}. docs/words.md has the word to use.")
    return 1 if stand else 0


if __name__ == "__main__":
    sys.exit(main())
