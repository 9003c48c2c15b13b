"""Files that a run of the queue returns, and their merge into the committed rows and the runs folder.

`rows.jsonl` has a row a line, `report.json` what became of each entry, and `runs.tar.gz.0`, `.1`, … the changed files
of the runs folder: at most 8 files of 16 MiB. Logs come first, then checkpoints of unfinished trainings, then models.
Files that do not fit are left out and listed in the report.

`studies.row_files.merge_rows` decides about a returned row whose name is committed already.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from studies.row_files import merge_rows, read_row, study_of
from studies.rows import Row
from studies.thesis_rows import beside_earlier
from unseen.artifacts.files import write_text
from unseen.artifacts.recipe import RecipeError

MOST_FILES = 8
MOST_BYTES = 16 * 2**20
"""Files of a run at most, and bytes of each."""
_ROWS, _REPORT, _RUNS = "rows.jsonl", "report.json", "runs.tar.gz"
_PARTS = MOST_FILES - 2
_SMALL = 2**20
_MARGIN = 2**20  # of the whole, for the archive's headers


@dataclass(frozen=True)
class MergedRun:
    """Result of a merge.

    Args:
        rows: names of the rows that are now among the committed ones.
        conflicts: rows that were not written, since the committed row is of another recipe or version.
        replaced: run folders that were brought up to date.
        kept: run folders that were kept as they are.
    """

    rows: tuple[str, ...]
    conflicts: tuple[str, ...]
    replaced: tuple[str, ...]
    kept: tuple[str, ...]


def add_row(out: Path, row: Row) -> None:
    """Append a row to those that are returned."""
    with (out / _ROWS).open("a", encoding="utf-8") as file:
        file.write(_line(f"{row['recipe']}-{row['seed']}", row))


def _line(name: str, row: Row) -> str:
    """Return a row as a line of a row file."""
    return json.dumps({"name": name, **row}, ensure_ascii=False, allow_nan=False) + "\n"


def add_runs(out: Path, root: Path, changed: Iterable[Path]) -> list[str]:
    """Write these files below `root` into the archive's parts, as far as they fit, and return those left out."""
    left = _PARTS * MOST_BYTES - _MARGIN
    taken, left_out = [], []
    for path in sorted(changed, key=_order):
        size = path.stat().st_size
        if size <= left:
            taken.append(path)
            left -= size
        else:
            left_out.append(f"{path.relative_to(root).as_posix()} ({size / 2**20:.1f} MiB)")
    if taken:
        parts = _Parts(out / _RUNS)
        # level 1: weights hardly shrink, and the minutes of the machine count
        with (
            gzip.GzipFile(fileobj=parts, mode="wb", compresslevel=1, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w|") as archive,
        ):
            for path in taken:
                archive.add(path, path.relative_to(root).as_posix())
        parts.close()
    return left_out


def _order(path: Path) -> tuple[int, int, str]:
    """Small files first, then checkpoints, then models."""
    size = path.stat().st_size
    return (0 if size <= _SMALL else 1 if path.name == "checkpoint.pt" else 2), size, str(path)


def changed_files(root: Path, before: Mapping[Path, int]) -> list[Path]:
    """Return the files below `root` that differ from `before`, and the other files of their runs.

    A checkpoint of a training with a finished model is left out.
    """
    now = times(root)
    changed = {path for path, when in now.items() if before.get(path) != when}
    runs = {folder for path in changed for folder in path.parents if (folder / "recipe.toml").is_file()}
    return [
        path
        for path in now
        if (path in changed or not runs.isdisjoint(path.parents))
        and not (path.name == "checkpoint.pt" and (path.parent / "bundle").is_dir())
    ]


def times(root: Path) -> dict[Path, int]:
    """Return the time of the last change of each file below `root`, in nanoseconds."""
    return {path: path.stat().st_mtime_ns for path in sorted(root.rglob("*")) if path.is_file()}


def write_report(out: Path, report: Mapping[str, object]) -> None:
    """Write the report of a run."""
    write_text(out / _REPORT, json.dumps(report, indent=1, ensure_ascii=False) + "\n")


def merge(out: Path, *, rows: Path, root: Path) -> MergedRun:
    """Merge the returned rows into the committed ones, and the returned files into the runs folder.

    The same folder may be merged twice. A run that is finished in `root`, or has more steps there, is kept as it is.

    Raises:
        RecipeError: the folder has neither rows nor runs.
    """
    text = (out / _ROWS).read_text(encoding="utf-8") if (out / _ROWS).is_file() else ""
    parts = [part for number in range(_PARTS) if (part := out / f"{_RUNS}.{number}").is_file()]
    if not text and not parts:
        raise RecipeError(f"{out}: has neither {_ROWS} nor {_RUNS}.0. Name the folder that the queue wrote")
    lines: dict[str, list[str]] = {}
    for row in (json.loads(line) for line in text.split("\n") if line):
        name = row.pop("name")
        if "by_epoch" in row:  # of the thesis: figures of an earlier training of the same recipe and seed stay
            row = beside_earlier(row, read_row(name, rows))
        lines.setdefault(study_of(name), []).append(_line(name, row))
    done = [merge_rows(study, some, rows) for study, some in lines.items()]
    replaced, kept = _merge_runs(parts, root) if parts else ([], [])
    return MergedRun(
        tuple(name for one in done for name in (*one.added, *one.replaced, *one.unchanged)),
        tuple(str(conflict) for one in done for conflict in one.conflicts),
        tuple(replaced),
        tuple(kept),
    )


def _extract(archive: tarfile.TarFile, folder: Path) -> None:
    """Extract files and folders alone, none of them outside of `folder`."""
    if hasattr(tarfile, "data_filter"):  # Python 3.11.4 or later
        archive.extractall(folder, filter="data")
        return
    for member in archive.getmembers():
        inside = (folder / member.name).resolve().is_relative_to(folder.resolve())
        if not inside or not (member.isfile() or member.isdir()):
            raise tarfile.TarError(f"{member.name}: no file or folder of a run, so nothing is extracted")
    archive.extractall(folder)


def _merge_runs(parts: list[Path], root: Path) -> tuple[list[str], list[str]]:
    root.mkdir(parents=True, exist_ok=True)
    replaced, kept = [], []
    with tempfile.TemporaryDirectory(dir=root, prefix=".returned-") as name:
        found = Path(name)
        whole = io.BytesIO(b"".join(part.read_bytes() for part in parts))
        with tarfile.open(fileobj=whole, mode="r:gz") as archive:
            _extract(archive, found)
        for folder in _run_folders(found):
            target = root / folder.relative_to(found)
            short = folder.relative_to(found).as_posix()
            if (target / "bundle").is_dir() or _steps(target) > _steps(folder):
                kept.append(short)
                continue
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                goal = target / path.relative_to(folder)
                goal.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, goal)
            replaced.append(short)
        for path in (path for path in found.rglob("*") if path.is_file() and _is_of_no_run(path, found)):
            goal = root / path.relative_to(found)
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, goal)
    return replaced, kept


def _run_folders(found: Path) -> Iterator[Path]:
    """Yield the folders with a training's log that are in no other such folder."""
    folders = {path.parent for path in found.rglob("log.csv")}
    yield from sorted(folder for folder in folders if not folders & set(folder.parents))


def _is_of_no_run(path: Path, found: Path) -> bool:
    """Return whether no folder above the file has a log."""
    return not any((folder / "log.csv").exists() for folder in path.parents if folder.is_relative_to(found))


def _steps(folder: Path) -> int:
    log = folder / "log.csv"
    return len(log.read_text(encoding="utf-8").splitlines()) if log.is_file() else 0


class _Parts(io.RawIOBase):
    """Writer of one stream into files of `MOST_BYTES` each."""

    def __init__(self, path: Path) -> None:
        self._path, self._number, self._left = path, 0, MOST_BYTES
        self._file = path.with_name(f"{path.name}.0").open("wb")

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: object) -> int:
        """Write all of the bytes, into the next file where one is full."""
        view = memoryview(data).cast("B")  # type: ignore[arg-type]  # RawIOBase: any buffer
        start = 0
        while start < len(view):
            if self._left == 0:
                self._file.close()
                self._number, self._left = self._number + 1, MOST_BYTES
                self._file = self._path.with_name(f"{self._path.name}.{self._number}").open("wb")
            end = start + min(self._left, len(view) - start)
            self._file.write(view[start:end])
            self._left -= end - start
            start = end
        return len(view)

    def close(self) -> None:
        """Close the last file."""
        if not self._file.closed:
            self._file.close()
        super().close()
