"""A manifest from a folder of films: labels from folder names, from file names or from a table; patients; folds.

View positions come from the table of the labels.

Plan only: no image is opened. `list_films` gives the rows, `deal_folds` a fold for each, `as_csv` the file's text.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from unseen.data.cells import safe_row
from unseen.data.csv_rows import open_table
from unseen.data.film import Label
from unseen.data.label_names import LabelNames
from unseen.data.manifest import VIEW_POSITIONS, Entry, entries
from unseen.data.missing_cells import is_missing
from unseen.data.source_errors import ManifestError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".dcm", ".dicom", "")
"""Endings of the files that are listed; a DICOM file often has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """One film: `file` relative to the folder, with slashes; `patient` and `view_position`: "" where not known."""

    file: str
    label: Label | None
    patient: str = ""
    view_position: str = ""
    fold: int | None = None


def list_films(
    folder: Path,
    *,
    label_of: Callable[[str], Label | None],
    patient: re.Pattern[str] | None = None,
    view_of: Callable[[str], str] | None = None,
    labels_expected: bool | None = True,
) -> list[Listed]:
    """Return the films below `folder`, by name.

    Args:
        folder: is walked as `entries` does; files with other suffixes are left out.
        label_of: a file's label from its path relative to the folder.
        patient: finds the patient in this path: its first group, or all that it matches.
        view_of: a file's view position from this path; None: not known.
        labels_expected: refuse a folder without any label. Otherwise it is refused only where a folder's name contains
            "normal", such as Normals: its abnormal films would be taken as normal ones. None: refuse neither, since
            the labels are no folders' names.

    Raises:
        ManifestError: there is no such folder, no film, no label at all, or a film in which `patient` finds nothing.
    """
    if not folder.is_dir():
        raise ManifestError(f"{folder}: there is no such folder. Give the folder that holds the films.")
    files = [_below(folder, entry) for entry in entries(folder)]
    found = [
        Listed(
            file=file,
            label=label_of(file),
            patient=_patient(file, patient),
            view_position="" if view_of is None else view_of(file),
        )
        for file in files
        if Path(file).suffix.lower() in SUFFIXES
    ]
    if not found:
        kinds = ", ".join(filter(None, SUFFIXES))
        raise ManifestError(f"{folder}: holds no film ({kinds}, or a name without a suffix). Check the path.")
    almost = any("normal" in name.casefold() for row in found for name in Path(row.file).parent.parts)
    if labels_expected is not None and (labels_expected or almost) and all(row.label is None for row in found):
        raise ManifestError(
            f"{folder}: none of the {len(found)} films has a label. Put films into folders named normal and abnormal, "
            "name your folders by `normal=` and `abnormal=`, or give `labels=` or `label=`."
        )
    return found


def _below(folder: Path, entry: Entry) -> str:
    """Return the path of a film as seen from the folder, with slashes; raise ManifestError if it is no UTF-8."""
    file = entry.path.relative_to(folder).as_posix()
    if not file.isascii() and any("\udc80" <= character <= "\udcff" for character in file):
        raise ManifestError(f"{entry.name}: the name is not UTF-8, so no manifest can hold it. Rename the file.")
    return file


def _patient(file: str, pattern: re.Pattern[str] | None) -> str:
    if pattern is None:
        return ""
    match = pattern.search(file)
    who = "" if match is None else (match.group(1) if pattern.groups else match.group()) or ""
    if not who:
        raise ManifestError(
            f"{file}: `patient=` {pattern.pattern!r} finds nothing in this name. Change the pattern so that it fits "
            "every film."
        )
    return who


def by_folder(names: LabelNames) -> Callable[[str], Label | None]:
    """Return the label by the nearest folder whose name is one of the names.

    >>> by_folder(LabelNames(normal=("normal",), abnormal=("abnormal",)))("ward/Abnormal/a.png")
    'abnormal'
    """

    def label_of(file: str) -> Label | None:
        return next(filter(None, (names.label_of([name]) for name in reversed(Path(file).parent.parts))), None)

    return label_of


def by_name(names: LabelNames, pattern: re.Pattern[str]) -> Callable[[str], Label | None]:
    """Return the label by what `pattern` finds in the path: its first group, or all that it matches.

    >>> names = LabelNames(normal=("0",), abnormal=("1",))
    >>> by_name(names, re.compile(r"_([01])[.]png$"))("CHNCXR_0001_0.png")
    'normal'
    """

    def label_of(file: str) -> Label | None:
        match = pattern.search(file)
        return None if match is None else names.label_of([(match.group(1) if pattern.groups else match.group()) or ""])

    return label_of


def by_table(
    names: LabelNames, table: Path, *, file_column: str, label_column: str, given: Sequence[str] = ()
) -> Callable[[str], Label | None]:
    """Return the label by a CSV file that names each film by its path or by its name alone.

    Rows of one film may have several words of one label, such as findings. A word for a missing value, such as NaN, is
    no label.

    Args:
        names: words that mean normal and abnormal.
        table: the CSV file.
        file_column: its column of films.
        label_column: its column of words.
        given: words that the user has named; each must occur.

    Raises:
        ManifestError: the table cannot be read, has no such columns, lacks a given word, or has rows of one film with
            both labels; for a film, another film of the folder has its name, and the table has no paths.
    """
    cells = _cells(table, file_column, label_column, "`label_column=`")
    words = sorted({cell.strip() for _, cell in cells} - {""})
    for word in LabelNames(normal=given).missing(words):
        raise ManifestError(
            f"{table}: no cell of the column {label_column} is {word!r}; seen: {', '.join(words)[:300] or 'none'}. "
            "Give one of these with `normal=` or `abnormal=`."
        )
    labels: dict[str, tuple[Label, str]] = {}
    for file, cell in cells:
        label = names.label_of([cell])
        if label is None:
            continue
        known, word = labels.setdefault(file, (label, cell))
        if known != label:
            raise ManifestError(
                f"{table}: {file} is both normal and abnormal ({word!r} and {cell!r}, in two rows). Keep one of them."
            )
    key_of = _one_film_each({file for file, _ in cells}, table, file_column)

    def label_of(file: str) -> Label | None:
        label, _ = labels.get(key_of(file), (None, ""))
        return label

    return label_of


def first_in_table(table: Path, *, file_column: str) -> str:
    """Return the film of the first row of a CSV file; "" where it has no row."""
    _, rows = open_table(table)
    return next(rows, {}).get(file_column, "")


def views_by_table(table: Path, *, file_column: str, view_column: str) -> Callable[[str], str]:
    """Return the view position by the CSV file of the labels; "" for a film that it does not name.

    Raises:
        ManifestError: the table cannot be read, has no such columns, or two views of one film; for a film, it has
            another value than those of `VIEW_POSITIONS` or empty, or another film of the folder has its name.
    """
    views: dict[str, str] = {}
    cells = _cells(table, file_column, view_column, "`view_column=`")
    for file, cell in cells:
        known = "" if is_missing(cell) else cell.strip()
        if known and views.setdefault(file, known) != known:
            raise ManifestError(
                f"{table}: the {view_column} of {file} is {views[file][:64]!r} in one row and {known[:64]!r} in "
                "another. Keep one of them."
            )
    key_of = _one_film_each({file for file, _ in cells}, table, file_column)

    def view_of(file: str) -> str:
        view = views.get(key_of(file), "")
        if view and view not in VIEW_POSITIONS:
            raise ManifestError(
                f"{table}: the {view_column} of {file} is {view[:64]!r}. It must be one of "
                f"{', '.join(VIEW_POSITIONS)}, or empty where it is not known."
            )
        return view

    return view_of


def _cells(table: Path, file_column: str, column: str, option: str) -> list[tuple[str, str]]:
    """Return the film and the cell of a column of each row of a CSV file."""
    columns, rows = open_table(table)
    for name, by in ((file_column, "`file_column=`"), (column, option)):
        if name not in columns:
            seen = ", ".join(columns)[:200]
            raise ManifestError(f"{table}: has no column {name!r}; its columns are: {seen}. Name one by {by}.")
    return [(row[file_column], row.get(column, "")) for row in rows if file_column in row]


def _one_film_each(named: Collection[str], table: Path, file_column: str) -> Callable[[str], str]:
    """Return a function from a film's path to its name in a table: the path, or the file's name alone.

    The function raises ManifestError for the second film that has one name in the table.
    """
    films: dict[str, str] = {}

    def key_of(file: str) -> str:
        key = file if file in named else Path(file).name
        if key in named and (other := films.setdefault(key, file)) != file:
            raise ManifestError(
                f"{table}: {key} may be {other} or {file}. Write each film's path below the folder into the column "
                f"{file_column}."
            )
        return key

    return key_of


def deal_folds(rows: Sequence[Listed], *, folds: int, seed: int) -> list[Listed]:
    """Return the rows with folds 0 to `folds` − 1: all films of a patient in one fold, each label spread evenly.

    A film without a patient is a patient of its own. The same rows, folds and seed give the same folds.

    Raises:
        ManifestError: there are fewer patients than folds.
    """
    abnormal: dict[str, bool] = {}
    for row in rows:
        who = row.patient or row.file
        abnormal[who] = abnormal.get(who, False) or row.label == "abnormal"
    if len(abnormal) < folds:
        raise ManifestError(
            f"{folds} folds need {folds} patients or more, and there are {len(abnormal)}. Lower `folds=`."
        )
    rng = np.random.default_rng(seed)
    fold_of: dict[str, int] = {}
    for ill in (False, True):
        group = sorted(who for who, is_ill in abnormal.items() if is_ill is ill)
        for who in (group[index] for index in rng.permutation(len(group))):
            fold_of[who] = len(fold_of) % folds
    return [replace(row, fold=fold_of[row.patient or row.file]) for row in rows]


def as_csv(rows: Sequence[Listed], *, before: str = "", source: str = "", folds: bool = False) -> str:
    """Return a manifest's text, or with `folds` a split's; `before` is the folder's path as seen from the file."""
    with_patients = any(row.patient for row in rows) and not folds
    with_views = any(row.view_position for row in rows) and not folds
    header = ["file", "label"] + ["source"] * bool(source) + ["patient"] * with_patients
    header += ["view_position"] * with_views + ["fold"] * folds
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        cells = [f"{before}{row.file}", row.label or ""]
        cells += [source] * bool(source) + [row.patient] * with_patients
        cells += [row.view_position] * with_views + [str(row.fold)] * folds
        writer.writerow(safe_row(cells))
    return text.getvalue()
