"""Manifests, and the list of files that a source names.

A manifest: a CSV or Parquet file that lists films and what is known about each.

Columns `file, label, source, patient, study, mask, lesion`; only `file` must be there, any other column is kept as
written. A Parquet file has the same columns; numbers and dates become their text, and null is an empty cell. Paths are
relative to the manifest. Rows are kept in order and never merged: a file named twice is two rows. A
broken manifest raises `ManifestError`; a file that is missing or broken is a row like any other and becomes `NotRead`
when it is read.

From what a user names (a folder, a glob, a manifest, a file, or a list of those) to entries in a fixed order.

Plan only: no image is opened here. A folder is walked to its depth; hidden files and things that are not files
(pipes, sockets, devices) are passed over, and every other file is an input, whatever it is called: a file that is no
film becomes a `NotRead` row, never a silent gap.
"""

import csv
import glob
import io
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from unseen.artifacts.errors import UserError
from unseen.data.cells import plain_cell
from unseen.data.film import Label
from unseen.data.label_names import LabelNames

_KNOWN = ("file", "label", "source", "patient", "study", "mask", "lesion")
MANIFESTS = (".csv", ".parquet")
"""How a manifest's name ends."""
_ROWS_AT_ONCE = 50_000  # of a Parquet file
_LABELS: dict[str, Label | None] = {"normal": "normal", "abnormal": "abnormal", "": None}


class SourceError(UserError, ValueError):
    """The given source of films cannot be used; the message gives the reason and what to do."""


class ManifestError(SourceError):
    """The manifest itself is wrong (not a film it names); the message names the file and, where there is one, the
    line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One input before it is read, as the manifest or the folder describes it.

    Args:
        name: the file as given.
        path: where it is.
        label: normal or abnormal; None when the manifest gives none.
        source: the site or collection.
        patient: the patient's name; the file's own name when nothing else is known.
        study: the study's name, likewise.
        mask: the file of its manual lung mask, if any.
        lesion: the file of its lesion mask, if any.
        columns: the manifest's further columns, as written.

    >>> Entry(name="a.png", path=Path("ward/a.png"), source="ward", patient="a.png", study="a.png").label is None
    True
    """

    name: str
    path: Path
    label: Label | None = None
    source: str
    patient: str
    study: str
    mask: Path | None = None
    lesion: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    called: tuple[str, ...] = ()
    """What the set calls the film, where its labels have other names than ours: the manifest's cell, or its folders."""


def read_manifest(path: Path, names: LabelNames | None = None) -> tuple[Entry, ...]:
    """Read all entries of a manifest, in its order.

    Args:
        path: the manifest, CSV in UTF-8 or Parquet (`.parquet`). Paths in the manifest are relative to its folder.
        names: the data set's names for normal and abnormal, and their column; None: normal, abnormal or empty, in the
            column `label`.

    Returns:
        One entry per row. No film is opened.

    Raises:
        ManifestError: the file cannot be read, is neither UTF-8 CSV nor Parquet, is empty, has no `file` column, a
            column twice, a row longer than the header, an empty `file` cell, or a label other than normal, abnormal
            or empty.

    Example:
        >>> import tempfile
        >>> manifest = Path(tempfile.mkdtemp()) / "manifest.csv"
        >>> _ = manifest.write_text("file,label\\na.png,normal\\nb.png,\\n")
        >>> [(entry.name, entry.label) for entry in read_manifest(manifest)]
        [('a.png', 'normal'), ('b.png', None)]
    """
    if path.suffix.lower() == ".parquet":
        return tuple(stream_manifest(path, names))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ManifestError(
            f"{path}: the manifest cannot be read ({error.strerror}). Check the path and its permissions."
        ) from error
    return parse_manifest(data, path=path, names=names)


def parse_manifest(data: bytes, *, path: Path, names: LabelNames | None = None) -> tuple[Entry, ...]:
    """The entries that `data`, the bytes of the manifest at `path`, hold; raises as `read_manifest` does.

    >>> [entry] = parse_manifest(b"file,label,age\\na.png,normal,61\\n", path=Path("ward/manifest.csv"))
    >>> entry.path.as_posix(), entry.label, entry.source, entry.patient, dict(entry.columns)
    ('ward/a.png', 'normal', 'ward', 'a.png', {'age': '61'})
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError(
            f"{path}: the manifest is not UTF-8 (byte {error.start} is {data[error.start]:#04x}). "
            "Save it as CSV in UTF-8."
        ) from error
    if "\0" in text:
        raise ManifestError(f"{path}: the manifest holds a zero byte, so it is not text. Save it as CSV in UTF-8.")
    return tuple(_from_lines(io.StringIO(text, newline=""), path, names))


def stream_manifest(path: Path, names: LabelNames | None = None) -> Iterator[Entry]:
    """Yield the entries of a manifest one at a time; memory does not grow with the number of films.

    Args:
        path: the manifest, as for `read_manifest`.
        names: the data set's names for normal and abnormal, as for `read_manifest`.

    Yields:
        The entries that `read_manifest` returns, in the same order.

    Raises:
        ManifestError: as `read_manifest`, when the wrong row is reached.

    Example:
        >>> import tempfile
        >>> manifest = Path(tempfile.mkdtemp()) / "manifest.csv"
        >>> _ = manifest.write_text("file,label\\na.png,normal\\nb.png,\\n")
        >>> [(entry.name, entry.label) for entry in stream_manifest(manifest)]
        [('a.png', 'normal'), ('b.png', None)]
    """
    try:
        if path.suffix.lower() == ".parquet":
            yield from _from_parquet(path, names)
        else:
            with path.open(encoding="utf-8-sig", newline="") as lines:
                yield from _from_lines(lines, path, names)
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path}: the manifest is not UTF-8. Save it as CSV in UTF-8.") from error
    except OSError as error:
        raise ManifestError(
            f"{path}: the manifest cannot be read ({error.strerror or error}). Check the path and its permissions."
        ) from error


def _from_parquet(path: Path, names: LabelNames | None) -> Iterator[Entry]:
    import polars as pl

    path.open("rb").close()  # a missing file gets the system's own reason
    try:
        table = pl.scan_parquet(path, glob=False)
        header = table.collect_schema().names()
        _check_header(header, path, None if names is None else names.column)
        table = table.select(pl.all().cast(pl.String).fill_null(""))
        start = 0
        while rows := table.slice(start, _ROWS_AT_ONCE).collect().rows():
            for line, row in enumerate(rows, start=start + 1):
                yield _entry(header, list(row), f"row {line}", path, names)
            start += len(rows)
    except pl.exceptions.PolarsError as error:
        raise ManifestError(
            f"{path}: the manifest cannot be read as Parquet ({str(error).splitlines()[0]}). Write it again, with "
            "cells of text, numbers or dates; or give a CSV file."
        ) from error


def _from_lines(lines: Iterable[str], path: Path, names: LabelNames | None) -> Iterator[Entry]:
    reader = csv.reader(lines, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header, path, None if names is None else names.column)
        for row in reader:
            if row:
                row = [plain_cell(cell) for cell in row]
                yield _entry(header, row, f"line {reader.line_num}", path, names)
    except csv.Error as error:
        raise ManifestError(
            f"{path}, line {reader.line_num}: not valid CSV ({error}). Check the quotes on that line."
        ) from error


def _check_header(header: list[str], path: Path, label: str | None) -> None:
    if not any(header):
        raise ManifestError(f"{path}: the manifest is empty. Its first line must name the columns, at least `file`.")
    if "file" not in header:
        seen = ", ".join(header)[:200]
        raise ManifestError(
            f"{path}: there is no `file` column; the columns are: {seen}. "
            "Name the column of paths `file`, separate by commas."
        )
    if label is not None and label not in header:
        raise ManifestError(
            f"{path}: there is no column `{label}` to take labels from; the columns are: {', '.join(header)[:200]}. "
            "Name one of them (--label-column)."
        )
    for name in header:
        if name and header.count(name) > 1:
            raise ManifestError(f"{path}: the column `{name}` is there {header.count(name)} times. Keep one of them.")


def _entry(header: list[str], row: list[str], line: str, path: Path, names: LabelNames | None) -> Entry:
    if any("\0" in cell for cell in row):
        raise ManifestError(f"{path}: the manifest holds a zero byte, so it is not text. Save it as CSV in UTF-8.")
    if len(row) > len(header):
        raise ManifestError(
            f"{path}, {line}: {len(row)} cells under {len(header)} columns. Quote cells that hold a comma."
        )
    cells = dict(zip(header, row + [""] * (len(header) - len(row)), strict=True))
    name = cells["file"]
    if not name:
        raise ManifestError(f"{path}, {line}: the `file` cell is empty. Give the film's path or delete the line.")
    label = cells.get("label" if names is None else names.column, "")
    if names is None and label not in _LABELS:
        raise ManifestError(
            f"{path}, {line}: the label is {label!r}. It must be normal, abnormal or empty, or name what the set "
            "calls them (--normal NAME --abnormal NAME)."
        )
    folder = path.parent
    return Entry(
        name=name,
        path=folder / name,
        label=_LABELS[label] if names is None else names.label_of([label]),
        called=() if names is None else (label,),
        source=cells.get("source") or folder.absolute().name,
        patient=cells.get("patient") or name,
        study=cells.get("study") or name,
        mask=folder / cells["mask"] if cells.get("mask") else None,
        lesion=folder / cells["lesion"] if cells.get("lesion") else None,
        columns={key: value for key, value in cells.items() if key and key not in _KNOWN},
    )


Source = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def entries(source: Source, names: LabelNames | None = None) -> tuple[Entry, ...]:
    """The entries that `source` names, in order; a folder's and a glob's are sorted by path.

    `names`: what a manifest's labels are called, and which folders hold normal and abnormal films.

    Raises:
        ManifestError: a manifest is broken.
        SourceError: a glob matches nothing, a folder cannot be listed, or no film has one of the `names`.
    """
    parts = [source] if isinstance(source, (str, os.PathLike)) else list(source)
    found = tuple(entry for part in parts for entry in _one(os.fspath(part), names))
    if names is None:
        return found
    seen = {name for entry in found for name in entry.called if name}
    if missing := names.missing(seen):
        raise SourceError(
            f"{source}: no film is called {missing[0]!r}; seen: {', '.join(sorted(seen))[:300] or 'none'}. "
            "Give one of these with --normal or --abnormal."
        )
    return found


def _one(given: str, names: LabelNames | None) -> Iterator[Entry]:
    path = Path(given)
    if os.path.isdir(given):
        yield from _folder(path, names)
    elif path.suffix.lower() in MANIFESTS:
        yield from read_manifest(path, names)
    elif not os.path.lexists(given) and glob.has_magic(given):
        matches = sorted(glob.glob(given, recursive=True))
        if not matches:
            raise SourceError(f"{given!r} matches no file. Check the pattern and the folder it starts from.")
        for match in matches:
            if os.path.isdir(match):
                if "**" not in given:  # with ** the files inside are matches themselves
                    yield from _folder(Path(match), names)
            elif not _is_special(match):
                yield _entry_of(match, Path(match).absolute().parent.name, names, Path(match).parent.parts)
    else:
        yield _entry_of(given, path.absolute().parent.name, names, path.parent.parts)


def _folder(folder: Path, names: LabelNames | None) -> Iterator[Entry]:
    source = folder.absolute().name
    found: list[str] = []
    seen: set[tuple[int, int]] = set()  # (device, inode) of the folders walked: a link to a parent must not loop

    def fail(error: OSError) -> None:
        raise SourceError(
            f"{error.filename}: the folder cannot be listed ({error.strerror}). Check its permissions."
        ) from error

    for here, folders, files in os.walk(folder, followlinks=True, onerror=fail):
        status = os.stat(here)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [os.path.join(here, name) for name in files if not name.startswith(".")]
    for path in sorted(found):
        if not _is_special(path):
            below = Path(path).parent.relative_to(folder).parts
            yield _entry_of(path, source, names, (source, *below))


def _is_special(path: str) -> bool:
    """Whether `path` is a pipe, socket or device. A broken link is not: it is an input that will say so."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _entry_of(name: str, source: str, names: LabelNames | None, folders: tuple[str, ...]) -> Entry:
    label = None if names is None else names.label_of(folders)
    called = () if names is None else folders
    return Entry(name=name, path=Path(name), label=label, source=source, patient=name, study=name, called=called)
