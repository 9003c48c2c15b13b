"""Counts words that `docs/words.md` replaces: in the docs, the README, the changelog, and the package's sentences.

python -m tests.house.words           the counts that rose above `words.json`; exit status 1 if there are any
python -m tests.house.words WORD      where a word stands
python -m tests.house.words --lower   write the counts that fell; a count is never raised
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
BASELINE = Path(__file__).with_name("words.json")
DICTIONARY = ROOT / "docs" / "words.md"
_CODE = re.compile(r"^(```|~~~).*?^\1|`+[^`]*`+", re.DOTALL | re.MULTILINE)
_DOCTEST = re.compile(r"^ *>>> .*\n(?:.*\S.*\n?)*", re.MULTILINE)
_SQL = {"text", "CheckConstraint"}  # what they are given is code, too

Place = tuple[str, int, str]  # file, line, word


def words(dictionary: str) -> list[str]:
    """The third column of the dictionary's table."""
    rows = [line.strip("| \n").split(" | ") for line in dictionary.splitlines() if line.startswith("| ")]
    return [word.strip() for row in rows[1:] if len(row) == 3 for word in row[2].split(",")]


def found(text: str, wanted: list[str]) -> Iterator[tuple[int, str]]:
    """Line and word of each whole-word match, whatever its case; words may be parted by a line break."""
    pattern = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in sorted(wanted, key=len, reverse=True))
    for match in re.finditer(rf"(?<![\w-])({pattern})(?![\w-])", text, re.IGNORECASE):
        yield text.count("\n", 0, match.start()) + 1, " ".join(match.group().lower().split())


def without_code(text: str) -> str:
    """Markdown without its code, line numbers kept."""
    return _CODE.sub(lambda code: "\n" * code.group().count("\n"), text)


def sentences(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of each string with a space in it: docstrings, messages, help; no keys, names or digests."""
    tree = ast.parse(source)
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    inside |= {id(part) for call in calls if _name(call.func) in _SQL for part in call.args}
    for node in ast.walk(tree):
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
    """Where each counted word stands."""
    wanted = words(DICTIONARY.read_text(encoding="utf-8"))
    return [(file, first + line - 1, word) for file, first, text in texts(root) for line, word in found(text, wanted)]


def risen(counts: Counter[str], allowed: dict[str, int]) -> list[str]:
    """A sentence for each word that stands more often than allowed."""
    return [
        f"{word!r} stands {count} times, {allowed.get(word, 0)} are allowed. docs/words.md has the word to use; "
        f"`python -m tests.house.words {word!r}` lists the places."
        for word, count in sorted(counts.items())
        if count > allowed.get(word, 0)
    ]


def main(arguments: list[str]) -> int:
    stand = places()
    counts = Counter(word for _, _, word in stand)
    allowed: dict[str, int] = json.loads(BASELINE.read_text(encoding="utf-8"))
    if arguments == ["--lower"]:
        lower = {word: min(number, counts[word]) for word, number in allowed.items()}
        BASELINE.write_text(json.dumps({word: n for word, n in sorted(lower.items()) if n}, indent=1) + "\n")
        return 0
    if arguments:
        asked = " ".join(arguments)
        print(*(f"{file}:{line}" for file, line, word in stand if word == asked), sep="\n")
        return 0
    print(*risen(counts, allowed), sep="\n")
    total, most = sum(counts.values()), sum(allowed.values())
    print(f"words: {total} stand, {most} are allowed")
    return 1 if risen(counts, allowed) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
