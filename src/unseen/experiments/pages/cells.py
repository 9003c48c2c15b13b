"""How figures become words in a Markdown table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Entry = Mapping[str, Any]  # Any: a part of a JSON row


def figure(entry: Entry | None, *, sign: bool = False) -> str:
    """A value with its interval, or a dash.

    >>> figure({"value": 0.78, "low": 0.7, "high": 0.85}), figure({"value": None, "reason": "one class"})
    ('0.78 [0.70, 0.85]', '–')
    """
    if not entry or entry.get("value") is None:
        return "–"
    form = "+.2f" if sign else ".2f"
    value, low, high = (format(entry[key], form).replace("-", "−") for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def line(cells: Iterable[str]) -> str:
    """One line of a table."""
    return "| " + " | ".join(cells) + " |"


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A whole table.

    >>> print(table(["a", "b"], [["1", "2"]]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    return "\n".join([line(head), "|" + "---|" * len(head), *map(line, lines)])


def shortcut(row: Entry, group: str, name: str) -> Entry:
    """A trivial statistic's entry in a row's audit; `mix` is the supervised one."""
    shortcuts: Entry = row["metrics"]["shortcuts"]
    entry: Entry = shortcuts["mix"].get(group, {}) if name == "mix" else shortcuts.get(group, {}).get(name, {})
    return entry


def convergence(row: Entry) -> str:
    """Whether the losses had come to rest; a dash where there is no training loop, or no loss that would tell."""
    said = str(row["convergence"])
    return "–" if said in {"no training loop", "no loss that tells"} else said
