"""Manifests, and the list of files that a source names. No image is opened here.

A manifest is a CSV or Parquet file that lists films and what is known about each, in the columns `file, label, source,
patient, study, view_position, mask, lesion`, in any case. Only `file` must be there; any other column is kept as
written. A Parquet file has the same columns; numbers and dates become their text, and null or NaN is an empty cell. A
source, patient, study or view position called `NaN`, `NA` or `None` is a missing one. Paths are relative to the
manifest. Rows are kept in order and never merged: a file named twice is two rows. A broken manifest raises
`ManifestError`; a file that is missing or broken is a row like any other and becomes `NotRead` when it is read.

`entries` takes what a user names (a folder, a glob, a manifest, a file, or a list of those) and gives its entries in a
fixed order. A folder is walked to its depth; hidden files, files that a system keeps in a folder (`Thumbs.db`,
`DICOMDIR`) and things that are not files (pipes, sockets, devices) are passed over. Every other file is an input,
whatever it is called: a file that is no film becomes a `NotRead` row.
"""

import glob
import io
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from unseen.data.csv_rows import check_columns, open_rows, text_rows
from unseen.data.film import Label
from unseen.data.label_names import LabelNames
from unseen.data.missing_cells import is_missing
from unseen.data.parquet_manifest import parquet_rows
from unseen.data.source_errors import ManifestError as ManifestError
from unseen.data.source_errors import SourceError as SourceError
from unseen.data.unknown_patients import patient_of_study

_KNOWN = ("file", "label", "source", "patient", "study", "view_position", "mask", "lesion")
VIEW_POSITIONS = ("AP", "PA", "LL", "RL", "RLD", "LLD", "RLO", "LLO")
"""Values of the column `view_position`: the defined terms of ViewPosition (DICOM PS3.3, C.8.1.1)."""
MANIFESTS = (".csv", ".parquet")
"""Endings of a manifest's name."""
_OF_A_SYSTEM = re.compile(r"\.|~\$|thumbs\.db$|desktop\.ini$|dicomdir$", re.IGNORECASE)
_LABELS: dict[str, Label | None] = {"normal": "normal", "abnormal": "abnormal", "": None}


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One input before it is read, as the manifest or the folder describes it.

    Args:
        name: the file as given; bytes of a folder's file that are no UTF-8 are written as ``\\xff``.
        path: where it is.
        label: normal or abnormal; None when the manifest gives none.
        source: the site or collection.
        patient: the patient's name; where it is not known, that of the study (`patient_of_study`), else the file's own.
        study: the study's name, likewise.
        view_position: one of `VIEW_POSITIONS`; None when the manifest gives none.
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
    view_position: str | None = None
    mask: Path | None = None
    lesion: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    called: tuple[str, ...] = ()
    """Labels of the set itself, if it has other names than normal and abnormal: the cell, or the folders."""


def read_manifest(path: Path, names: LabelNames | None = None) -> tuple[Entry, ...]:
    """Read all entries of a manifest, in its order.

    Args:
        path: the manifest, CSV in UTF-8 or Parquet (`.parquet`). Paths in the manifest are relative to its folder.
        names: the data set's names for normal and abnormal, and their column; None: normal, abnormal or empty, in the
            column `label`.

    Returns:
        One entry per row. No film is opened.

    Raises:
        ManifestError: the file cannot be read, is neither UTF-8 CSV nor Parquet, is damaged or empty, has no `file`
            column, a column twice, more than 4,096 columns, a row longer than the header or than 2^20 characters, an
            empty `file` cell, a label other than normal, abnormal or empty, or a view position other than those of
            `VIEW_POSITIONS` or empty.

    Example:
        >>> import tempfile
        >>> manifest = Path(tempfile.mkdtemp()) / "manifest.csv"
        >>> _ = manifest.write_text("file,label\\na.png,normal\\nb.png,\\n")
        >>> [(entry.name, entry.label) for entry in read_manifest(manifest)]
        [('a.png', 'normal'), ('b.png', None)]
    """
    return tuple(stream_manifest(path, names))


def parse_manifest(data: bytes, *, path: Path, names: LabelNames | None = None) -> tuple[Entry, ...]:
    """Return the entries that `data`, the bytes of the manifest at `path`, hold; raises as `read_manifest` does.

    >>> [entry] = parse_manifest(b"file,label,age\\na.png,normal,61\\n", path=Path("ward/manifest.csv"))
    >>> entry.path.as_posix(), entry.label, entry.source, entry.patient, dict(entry.columns)
    ('ward/a.png', 'normal', 'ward', 'a.png', {'age': '61'})
    """
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", errors="surrogateescape", newline="")
    return tuple(_from_rows(text_rows(text, path), path, names))


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
            yield from _from_rows(enumerate(parquet_rows(path)), path, names, counted="row")
        else:
            yield from _from_rows(open_rows(path), path, names)
    except OSError as error:
        raise ManifestError(
            f"{path}: the manifest cannot be read ({error.strerror or error}). Check the path and its permissions."
        ) from error


def _from_rows(
    rows: Iterator[tuple[int, list[str]]], path: Path, names: LabelNames | None, *, counted: str = "line"
) -> Iterator[Entry]:
    header = [_column(name) for name in next(rows, (0, []))[1]]
    label = "label" if names is None else _column(names.column)
    _check_header(header, path, None if names is None else label)
    folder = path.parent
    source = _text(folder.absolute().name)
    for number, row in rows:
        yield _entry(header, row, f"{path}, {counted} {number}", folder, source, label, names)


def _column(name: str) -> str:
    """Return the column's name without surrounding spaces; one of ours in lower case."""
    plain = name.strip()
    return plain.lower() if plain.lower() in _KNOWN else plain


def _check_header(header: list[str], path: Path, label: str | None) -> None:
    check_columns(header, path)
    if "file" not in header:
        seen = ", ".join(header)[:200]
        raise ManifestError(
            f"{path}: there is no `file` column; the columns are: {seen}. "
            "Name the column of paths `file`, and separate the columns by commas, semicolons or tabs."
        )
    if label is not None and label not in header:
        raise ManifestError(
            f"{path}: there is no column `{label}` to take labels from; the columns are: {', '.join(header)[:200]}. "
            "Name one of them (`column=`)."
        )


def _entry(
    header: list[str], row: list[str], where: str, folder: Path, source: str, label: str, names: LabelNames | None
) -> Entry:
    if any("\0" in cell for cell in row):
        raise ManifestError(f"{where}: a cell holds a zero byte, so it is not text. Write the manifest again.")
    if len(row) > len(header):
        raise ManifestError(f"{where}: {len(row)} cells under {len(header)} columns. Quote cells with separators.")
    cells = dict(zip(header, row, strict=False))  # a short row has no cells in its last columns
    name = cells["file"]
    if not name:
        raise ManifestError(f"{where}: the `file` cell is empty. Give the film's path or delete the line.")
    called = cells.get(label, "").strip()
    if names is None and called not in _LABELS:
        raise ManifestError(
            f"{where}: the label is {called!r}. It must be normal, abnormal or empty, or given by the set's own names "
            "(`normal=` and `abnormal=`)."
        )
    view_position = _stated(cells, "view_position")
    if view_position and view_position not in VIEW_POSITIONS:
        raise ManifestError(
            f"{where}: the view_position is {view_position[:64]!r}. It must be one of {', '.join(VIEW_POSITIONS)}, or "
            "empty where it is not known."
        )
    source, study = _stated(cells, "source") or source, _stated(cells, "study")
    return Entry(
        name=name,
        path=folder / name,
        label=_LABELS[called] if names is None else names.label_of([called]),
        called=() if names is None else (called,),
        source=source,
        patient=_stated(cells, "patient") or (patient_of_study(study, source) if study else name),
        study=study or name,
        view_position=view_position or None,
        mask=folder / cells["mask"] if cells.get("mask") else None,
        lesion=folder / cells["lesion"] if cells.get("lesion") else None,
        columns={key: value for key, value in cells.items() if key and key not in _KNOWN},
    )


def _stated(cells: Mapping[str, str], column: str) -> str:
    """Return a cell of a row; empty where it is a program's word for a missing value."""
    stated = cells.get(column, "").strip()
    return "" if is_missing(stated) else stated


Source = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def entries(source: Source, names: LabelNames | None = None) -> tuple[Entry, ...]:
    """Return the entries that `source` names, in order; a folder's and a glob's are sorted by path.

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
            "Give one of these with `normal=` or `abnormal=`."
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


def manifest_in(source: str | os.PathLike[str]) -> Path | None:
    """Return the file manifest.csv of a folder, which `entries` does not use; None if `source` is no such folder.

    Example:
        >>> manifest_in("no-such-folder") is None
        True
    """
    manifest = Path(source) / "manifest.csv"
    return manifest if manifest.is_file() else None


_BY_FOLDERS = LabelNames(normal=("normal",), abnormal=("abnormal",))


def _folder(folder: Path, names: LabelNames | None) -> Iterator[Entry]:
    if names is None and has_label_folders(folder):
        names = _BY_FOLDERS
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
        found += [os.path.join(here, name) for name in files if not is_system_file(name)]
    for path in sorted(found):
        if not _is_special(path):
            below = Path(path).parent.relative_to(folder).parts
            yield _entry_of(path, source, names, (source, *below))


def has_label_folders(folder: Path) -> bool:
    """Return whether a folder holds the two folders `normal` and `abnormal`, in any case: they label its films.

    Args:
        folder: a folder that can be listed; of another one nothing is known.

    Returns:
        True where both are directly below it.
    """
    try:
        with os.scandir(folder) as below:
            # isdir: the method of an entry raises an error at a link to itself
            return {"normal", "abnormal"} <= {one.name.casefold() for one in below if os.path.isdir(one)}
    except OSError:  # the walk reports it
        return False


def is_system_file(name: str) -> bool:
    """Return whether a file's name is hidden, that of a system's own file, or that of a DICOM folder's index.

    Args:
        name: without its folder.

    Returns:
        True for `.DS_Store`, `Thumbs.db`, `desktop.ini`, `~$report.docx` and `DICOMDIR`, in any case.

    Example:
        >>> [name for name in ("a.png", ".a.png", "Thumbs.db", "DICOMDIR", "~$a.docx") if not is_system_file(name)]
        ['a.png']
    """
    return _OF_A_SYSTEM.match(name) is not None


def _is_special(path: str) -> bool:
    """Return True for a pipe, socket or device, not for a broken link, which is reported as not read."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _entry_of(given: str, source: str, names: LabelNames | None, folders: tuple[str, ...]) -> Entry:
    name, called = _text(given), tuple(map(_text, folders))
    label = None if names is None else names.label_of(called)
    return Entry(
        name=name, path=Path(given), label=label, source=_text(source), patient=name, study=name,
        called=() if names is None else called,
    )  # fmt: skip


def _text(name: str) -> str:
    """Return the name of a file as text that every table can hold: bytes that are no UTF-8 are written as \\xff."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
