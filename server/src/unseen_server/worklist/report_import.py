"""Import of another system's reports: a CSV that takes studies off the list, by accession number or film digest.

Columns: `accession` or `film_sha256` (or both, one filled in each row), and, where known, `outcome` (normal, abnormal,
unsure) and `note`. A row that cannot be used is named with its line and its reason, and the others count.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unseen_server.worklist.report_entry import elsewhere, studies_of
from unseen_server.worklist.states import WorklistError

if TYPE_CHECKING:
    from unseen_server.worklist.store import Store
    from unseen_server.worklist.transactions import Writing


_COLUMNS = ("accession", "film_sha256", "outcome", "note")
_AT_ONCE = 200  # rows of a transaction


@dataclass(frozen=True, kw_only=True)
class RefusedRow:
    """A row that was not used.

    Args:
        line: its number in the file.
        reason: a sentence, which does not repeat the row's content: that may name a patient.

    >>> RefusedRow(line=2, reason="There is no such study.").line
    2
    """

    line: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Imported:
    """The result of an import.

    Args:
        marked: studies that are marked as reported elsewhere now, or had no outcome and have one now.
        already: rows whose studies were marked before, with this outcome or without one in the row.
        refused: rows that were not used.

    >>> Imported(marked=3, already=0, refused=()).marked
    3
    """

    marked: int
    already: int
    refused: tuple[RefusedRow, ...]


def import_elsewhere(store: Store, path: Path | str, *, actor: str) -> Imported:
    """Mark what a CSV names as reported elsewhere. Importing it again changes nothing.

    A row whose outcome differs from that of the standing report is refused.

    Args:
        store: the store.
        path: the CSV, with the columns accession or film_sha256.
        actor: for the audit trail.

    >>> import tempfile
    >>> from unseen_server.worklist import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(f"{folder}/site") as store:
    ...     _ = Path(f"{folder}/reported.csv").write_text("accession\\nA1\\n")
    ...     len(import_elsewhere(store, f"{folder}/reported.csv", actor="admin").refused)
    1

    Raises WorklistError where the file as a whole cannot be used.
    """
    rows = _rows(Path(path))
    marked = already = 0
    refused = []
    for start in range(0, len(rows), _AT_ONCE):
        with store.writing() as writing:
            for line, row in rows[start : start + _AT_ONCE]:
                try:  # every check of a row comes before its first change
                    new = _enter(writing, row, actor)
                except WorklistError as error:
                    refused.append(RefusedRow(line=line, reason=str(error)))
                    continue
                marked += new
                already += new == 0
    return Imported(marked=marked, already=already, refused=tuple(refused))


def _enter(writing: Writing, row: dict[str, str], actor: str) -> int:
    found = studies_of(writing, accession=row.get("accession") or None, film_sha256=row.get("film_sha256") or None)
    outcome = row.get("outcome") or None
    return elsewhere(writing, found, actor=actor, outcome=outcome, note=row.get("note", ""))  # type: ignore[arg-type]


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Return the file's rows, each with the number of its (last) line."""
    try:
        reader = csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""), strict=True)
    except UnicodeDecodeError as error:
        raise WorklistError(f"{path}: not UTF-8 (byte {error.start}). Save it as CSV in UTF-8.") from error
    except OSError as error:
        raise WorklistError(f"{path}: cannot be read ({error.strerror}). Check the path.") from error
    try:
        header = [name.strip() for name in next(reader, [])]
        strange = [name for name in header if name not in _COLUMNS]
        if strange or len(set(header)) != len(header) or not {"accession", "film_sha256"} & set(header):
            raise WorklistError(
                f"{path}: the columns are {', '.join(header)[:200] or 'missing'}. They must be among "
                f"{', '.join(_COLUMNS)}, each once, with accession or film_sha256."
            )
        rows = []
        for values in reader:
            if len(values) > len(header):
                raise WorklistError(
                    f"{path}, line {reader.line_num}: {len(values)} cells under {len(header)} columns. "
                    "Quote cells that hold a comma."
                )
            if values:
                rows.append((reader.line_num, dict(zip(header, [value.strip() for value in values], strict=False))))
        return rows
    except csv.Error as error:
        raise WorklistError(f"{path}, line {reader.line_num}: not valid CSV ({error}).") from error
