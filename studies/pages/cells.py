"""Text of figures in the cells of a Markdown table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from unseen.artifacts.files import write_text
from unseen.evaluation.intervals import Interval, interval_text

Entry = Mapping[str, Any]  # Any: a part of a JSON row


def line(cells: Iterable[str]) -> str:
    """Return one line of a table."""
    return "| " + " | ".join(cells) + " |"


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a whole table.

    >>> print(table(["a", "b"], [["1", "2"]]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    return "\n".join([line(head), "|" + "---|" * len(head), *map(line, lines)])


def put_between(page: Path, begin: str, end: str, text: str) -> None:
    """Put `text` between the two markers of a page, in the place of what is there.

    Raises:
        ValueError: The page has no such marker, or the second one is not after the first.
    """
    before, first, rest = page.read_text(encoding="utf-8").partition(begin)
    _, second, after = rest.partition(end)
    if not first or not second:
        missing = end if first else begin
        raise ValueError(f'{page}: the marker "{missing}" is missing. Write "{begin}" and "{end}" where the text is')
    write_text(page, f"{before}{begin}\n{text}\n{end}{after}")


def shortcut(row: Entry, group: str, name: str) -> Entry:
    """Return a trivial statistic's entry in a row's audit; `mix` is the supervised one."""
    shortcuts: Entry = row["metrics"]["shortcuts"]
    entry: Entry = shortcuts["mix"].get(group, {}) if name == "mix" else shortcuts.get(group, {}).get(name, {})
    return entry


def pooled_auroc(row: Entry) -> float:
    """Return a row's AUROC over all sources."""
    return float(row["metrics"]["auroc"]["pooled"]["value"])


DAGGER = "†"
NOT_CONVERGED = (
    f"{DAGGER} Not converged: the training loss was still falling at the end; longer training could change the row "
    "either way."
)
_ENSEMBLES = "Ensembles have no mark: it is not recorded whether the trainings of their members had converged."


def three_digits(entry: Entry) -> str:
    """Return a figure with three digits, so that it is not rounded up to a target, and with its interval if any."""
    if "low" not in entry:
        return f"{entry['value']:.3f}"
    return f"{entry['value']:.3f} [{entry['low']:.2f}, {entry['high']:.2f}]"


def exact_interval(entry: Entry) -> str:
    """Return a figure and the ends of its interval, with three digits each."""
    return f"{entry['value']:.3f} [{entry['low']:.3f}, {entry['high']:.3f}]"


def signed(value: float, digits: int = 2) -> str:
    """Return a number with its sign, by default with two digits; minus is that of typography.

    >>> signed(-0.126), signed(0.126, 1)
    ('−0.13', '+0.1')
    """
    return f"{value:+.{digits}f}".replace("-", "−")


def signed_interval(entry: Entry) -> str:
    """Return a difference with its interval, to three digits.

    >>> signed_interval({"value": -0.0126, "low": -0.02, "high": 0.001})
    '−0.013 [−0.020, +0.001]'
    """
    return f"{signed(entry['value'], 3)} [{signed(entry['low'], 3)}, {signed(entry['high'], 3)}]"


def difference_text(found: Interval | None) -> str:
    """Return a difference with its sign and its interval; a dash where there is none."""
    return "–" if found is None else interval_text(found.to_json(), sign=True)


def dagger(row: Entry) -> str:
    """Return a mark behind the name of a row whose training had not converged."""
    return DAGGER if row.get("convergence") == "not converged" else ""


def dagger_note(rows: Iterable[Entry]) -> list[str]:
    """Return the mark's footnote, where a row needs it, and a note on ensembles of trained networks."""
    rows = list(rows)
    notes = [NOT_CONVERGED] if any(map(dagger, rows)) else []
    return [*notes, _ENSEMBLES] if any(map(trained_members, rows)) else notes


def trained_members(row: Entry) -> list[Entry]:
    """Return the members of an ensemble that are networks trained here: each with its `epochs` and `settings`.

    >>> of_row = {"method": "ensemble", "settings": {"members": [{"key": "dct", "epochs": None}, {"epochs": 30}]}}
    >>> trained_members(of_row)
    [{'epochs': 30}]
    """
    members = row.get("settings", {}).get("members", []) if row.get("method") == "ensemble" else []
    return [one for one in members if one.get("epochs")]


def unrecorded(rows: Iterable[Entry]) -> str:
    """Return a sentence where no row of a table records the convergence of its training; else "".

    >>> unrecorded([{}])
    ' These rows do not record whether a training had converged, so the table has no mark for it.'
    >>> unrecorded([{}, {"convergence": "converged"}])
    ''
    """
    if any(row.get("convergence") for row in rows):
        return ""
    return " These rows do not record whether a training had converged, so the table has no mark for it."


def convergence(row: Entry) -> str:
    """Return a cell that states whether the losses converged.

    The cell is a dash if there is no training loop, or no loss that shows convergence.
    """
    if trained_members(row):
        return "not recorded"
    said = str(row["convergence"])
    return "–" if said in {"no training loop", "no loss that tells"} else said


def number_range(values: Iterable[int]) -> str:
    """Return the smallest and the largest of some numbers in words; one number where they are equal."""
    ordered = sorted(values)
    return f"{ordered[0]:,}" if ordered[0] == ordered[-1] else f"{ordered[0]:,} to {ordered[-1]:,}"
