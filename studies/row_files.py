"""Row files: one JSONL file per study, `studies/results/<study>.jsonl`, and one line per row.

A line is the row as a JSON object whose first field is the row's name; the lines are sorted by name. A row's name is
`<recipe>-<seed>`, such as `detectors/fold-0/pca-0`, and its study is the part before the first slash. Several trainings
may write at the same time: each write holds a lock on the folder and replaces the file atomically.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from unseen.artifacts.files import write_text

if TYPE_CHECKING:
    from studies.rows import Row

_NAME = "name"
_BENCHMARKS = "bench-history"  # one line per commit, appended by `make bench`: no rows


class Origin(NamedTuple):
    """Origin of a row: digest of the resolved recipe, and version of the package; None where the row has none."""

    recipe_digest: str | None
    version: str | None


@dataclass(frozen=True)
class Conflict:
    """Row that is committed and that comes in, from two recipes or versions."""

    name: str
    committed: Origin
    incoming: Origin

    def __str__(self) -> str:
        return (
            f"{self.name}: the committed row has {_shown(self.committed)}, the incoming row {_shown(self.incoming)}; "
            "delete the committed line if the incoming row replaces it"
        )


@dataclass(frozen=True)
class Merged:
    """Names of the rows of a merge. Rows in conflict are not written."""

    added: tuple[str, ...]
    replaced: tuple[str, ...]
    unchanged: tuple[str, ...]
    conflicts: tuple[Conflict, ...]


def add_rows_option(parser: argparse.ArgumentParser) -> None:
    """Add the option `--rows` of a study's program: the folder of the committed rows."""
    parser.add_argument(
        "--rows", type=Path, default=Path("studies/results"), help="folder of the rows (default: studies/results)"
    )


def study_of(name: str) -> str:
    """Return the study of a row's name.

    >>> study_of("detectors/fold-0/pca-0"), study_of("unfinished-0")
    ('detectors', 'unfinished')
    """
    study, slash, _ = name.partition("/")
    return study if slash else re.sub(r"-\d+$", "", study)


def file_of(study: str, folder: Path) -> Path:
    """Return the path of a study's file."""
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", study) or study == _BENCHMARKS:
        raise ValueError(f'study "{study}": not a name of a study; use letters, digits, "-", "_" and "."')
    return folder / f"{study}.jsonl"


def read_study(study: str, folder: Path) -> dict[str, Row]:
    """Return the rows of a study by name, in the order of the file; empty where the study has no file."""
    path = file_of(study, folder)
    if not path.is_file():
        return {}
    # Not splitlines(): a row's text may contain U+2028, which JSON does not escape.
    return _parsed(path.read_text(encoding="utf-8").split("\n"), study, where=str(path))


def read_rows(folder: Path) -> dict[str, Row]:
    """Return the rows of all studies in `folder` by name."""
    studies = sorted(path.stem for path in folder.glob("*.jsonl") if path.stem != _BENCHMARKS)
    return {name: row for study in studies for name, row in read_study(study, folder).items()}


def read_row(name: str, folder: Path) -> Row | None:
    """Return the row of a name; None where there is none."""
    return read_study(study_of(name), folder).get(name)


def write_row(row: Mapping[str, Any], folder: Path, *, name: str | None = None) -> str:
    """Write a row into its study's file, where it replaces the row of the same name.

    Args:
        row: The row, without a field `name`.
        folder: The folder of the row files; it is made where it is missing.
        name: The row's name; None: `<recipe>-<seed>`.

    Returns:
        The row's name.
    """
    name = f"{row['recipe']}-{row['seed']}" if name is None else name
    study = study_of(name)
    with _locked(folder):
        _replace(study, folder, read_study(study, folder) | {name: dict(row)})
    return name


def merge_rows(study: str, lines: Iterable[str], folder: Path) -> Merged:
    """Add the rows of another machine's file to a study, and replace those that have the same origin.

    A row of the same name with another recipe digest or version is a conflict: the committed row is kept. An invalid
    line raises an error before anything is written.

    Args:
        study: The study.
        lines: Lines of the other file.
        folder: The folder of the row files; it is made where it is missing.

    Returns:
        The names of the rows that were added and replaced, of those that are equal, and the conflicts.

    Raises:
        ValueError: A line is not a row of the study, or two lines have one name.
    """
    incoming = _parsed(lines, study, where="incoming rows")
    added, replaced, unchanged, conflicts = [], [], [], []
    with _locked(folder):
        committed = read_study(study, folder)
        for name, row in sorted(incoming.items()):
            if name not in committed:
                added.append(name)
            elif committed[name] == row:
                unchanged.append(name)
            elif _origin(committed[name]) == _origin(row):
                replaced.append(name)
            else:
                conflicts.append(Conflict(name, _origin(committed[name]), _origin(row)))
        if added or replaced:
            _replace(study, folder, committed | {name: incoming[name] for name in (*added, *replaced)})
    return Merged(tuple(added), tuple(replaced), tuple(unchanged), tuple(conflicts))


def _parsed(lines: Iterable[str], study: str, *, where: str) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{where}, line {number}: not JSON ({error}); the file may have been cut off") from error
        name = row.pop(_NAME, None) if isinstance(row, dict) else None
        if not isinstance(name, str) or study_of(name) != study:
            raise ValueError(f'{where}, line {number}: the name is {name!r}, not that of a row of the study "{study}"')
        if name in found:
            raise ValueError(f'{where}, line {number}: a second row has the name "{name}"; keep one of them')
        found[name] = row
    return found


def _replace(study: str, folder: Path, rows: Mapping[str, Row]) -> None:
    # By parts, so that the rows of one group are next to each other: "a/b" before "a-b/c".
    ordered = sorted(rows, key=lambda name: name.split("/"))
    write_text(file_of(study, folder), "".join(_line_of(name, rows[name]) for name in ordered))


def _line_of(name: str, row: Row) -> str:
    if _NAME in row:
        raise ValueError(f'{name}: the row has a field "{_NAME}", which is reserved for the row\'s name; rename it')
    return json.dumps({_NAME: name, **row}, ensure_ascii=False, allow_nan=False) + "\n"


def _origin(row: Row) -> Origin:
    return Origin(row.get("recipe_digest"), row.get("version"))


def _shown(origin: Origin) -> str:
    return f"recipe digest {(origin.recipe_digest or 'none')[:8]}, version {origin.version or 'none'}"


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the only lock on a folder; the lock needs no file and ends with the process."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
