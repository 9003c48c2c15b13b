"""`unseen manifest FOLDER --out manifest.csv`: films, labels, patients, folds; usual names of label folders."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unseen.artifacts.number_words import number_of
from unseen.cli import console
from unseen.cli.console import UsageError

if TYPE_CHECKING:
    from unseen.data.film import Label
    from unseen.data.label_names import LabelNames
    from unseen.data.listing import Listed


def manifest(
    folder: Annotated[Path, typer.Argument(help="the films, with all subfolders")],
    out: Annotated[Path, typer.Option(help="write the manifest here; a new file")] = Path("manifest.csv"),
    normal: Annotated[
        list[str] | None, typer.Option(help="a word that means normal; may be given several times; default: normal")
    ] = None,
    abnormal: Annotated[
        list[str] | None,
        typer.Option(
            help="a word that means abnormal; may be given several times; default: abnormal, or of a table all others"
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(help="a regular expression that finds the word in a film's path, not the folder's name"),
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="a CSV file with a word for each film")] = None,
    file_column: Annotated[str | None, typer.Option(help="of --labels: the film's path or name; default: file")] = None,
    label_column: Annotated[str | None, typer.Option(help="of --labels: the word; default: label")] = None,
    view_column: Annotated[
        str | None, typer.Option(help="of --labels: the projection (AP, PA or another of DICOM's ViewPosition)")
    ] = None,
    patient: Annotated[
        str | None,
        typer.Option(
            help="a regular expression that finds the patient in a film's path: its first group, or all of it"
        ),
    ] = None,
    source: Annotated[
        str, typer.Option(help="the hospital or device; default: the name of the manifest's folder")
    ] = "",
    folds: Annotated[
        int | None, typer.Option(min=2, help="also write splits.csv next to the manifest, by patient")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="of the folds; default: 0")] = None,
) -> None:
    """List the films of a folder in a manifest: labels by folder names (normal/, abnormal/), file names or a table.

    A folder without such folders is listed without labels.

    Examples:

      unseen manifest films --out manifest.csv

      unseen manifest images --labels labels.csv --normal "No Finding" --patient "([0-9]+)_" --folds 5
    """
    from unseen.artifacts.files import write_text
    from unseen.data.label_names import LabelNames
    from unseen.data.listing import as_csv, deal_folds, first_in_table, list_films, views_by_table

    if label is not None and labels is not None:
        raise UsageError("give --label, a pattern, or --labels, a table, not both")
    if labels is None:
        of_table = {"--file-column": file_column, "--label-column": label_column, "--view-column": view_column}
        for option, value in of_table.items():
            console.refuse({option: value}, "has an effect only with --labels. Give that table")
    if folds is None:
        console.refuse({"--seed": seed}, "has an effect only with --folds. Give --folds, too")
    files, words = file_column or "file", label_column or "label"
    split = out.with_name("splits.csv")
    _check_outputs((out, split) if folds else (out,))
    others = "abnormal" if labels is None else "*"
    names = LabelNames(normal=normal or ("normal",), abnormal=abnormal or (others,))
    rows = list_films(
        folder,
        label_of=_labeller(names, label, labels, files, words, [*(normal or ()), *(abnormal or ())]),
        patient=None if patient is None else _compiled(patient, "--patient"),
        view_of=None
        if view_column is None or labels is None
        else views_by_table(labels, file_column=files, view_column=view_column),
        labels_expected=any(given is not None for given in (normal, abnormal, label)) if labels is None else None,
    )
    if labels is None:
        _check_words(rows, folder, normal=normal, abnormal=abnormal)
    elif all(row.label is None for row in rows):
        raise UsageError(
            f"{labels}: labels none of the {len(rows)} films of {folder}. The first film there is {rows[0].file}, the "
            f"first row of the table is {first_in_table(labels, file_column=files) or 'missing'}. Write the "
            "films' paths below the folder, or their names, into the table, and its words into --normal and --abnormal"
        )
    before = Path(os.path.relpath(folder, out.parent)).as_posix()
    before = "" if before == "." else f"{before}/"
    out.parent.mkdir(parents=True, exist_ok=True)
    if folds is not None:
        dealt = deal_folds(rows, folds=folds, seed=seed or 0)
        write_text(split, as_csv(dealt, before=before, source=source, folds=True))
    write_text(out, as_csv(rows, before=before, source=source))
    _report_labels(rows, out, by_folder=labels is None and label is None)
    if patient is not None:
        patients = len({row.patient for row in rows})
        console.result(number_of(patients, "patient"), patients=patients)
    elif folds is not None:
        console.note("without --patient each film counts as a patient: films of one person may lie in several folds")
    if folds is not None:
        console.result(f"{folds} folds: {split}", folds=folds, splits=split)


def _check_outputs(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.exists():
            raise UsageError(f"{path}: is there already. Delete it, or give another --out")
        console.check_output(path)


def _check_words(rows: Sequence[Listed], folder: Path, *, normal: list[str] | None, abnormal: list[str] | None) -> None:
    """Refuse words of the command line that no film has."""
    for option, given, wanted in (("--normal", normal, "normal"), ("--abnormal", abnormal, "abnormal")):
        if given and not any(row.label == wanted for row in rows):
            raise UsageError(f"{option} {', '.join(given)}: no film of {folder} is called so. Check the names")


def _report_labels(rows: Sequence[Listed], out: Path, *, by_folder: bool) -> None:
    """Print the numbers of films by label; name folders without a label if labels are folder names."""
    known = [row.label for row in rows]
    console.result(
        f"{number_of(len(rows), 'film')}: {known.count('normal')} normal, {known.count('abnormal')} abnormal, "
        f"{known.count(None)} without a label: {out}",
        films=len(rows), normal=known.count("normal"), abnormal=known.count("abnormal"), unlabelled=known.count(None),
        manifest=out,
    )  # fmt: skip
    if not any(known):
        console.note(
            "no film has a label. `unseen score` takes this manifest; `unseen train` takes all its films as normal; "
            "`unseen evaluate` and `unseen calibrate` need labels (--normal, --label or --labels)"
        )
    unknown = sorted({Path(row.file).parent.name for row in rows if row.label is None} - {""})
    if unknown and by_folder:
        shown = ", ".join(unknown[:5]) + (", …" if len(unknown) > 5 else "")
        console.note(f"no label for the folders {shown}: name them with --normal NAME or --abnormal NAME")


def _labeller(
    names: LabelNames,
    label: str | None,
    labels: Path | None,
    file_column: str,
    label_column: str,
    given: list[str],
) -> Callable[[str], Label | None]:
    from unseen.data.listing import by_folder, by_name, by_table

    if labels is not None:
        return by_table(names, labels, file_column=file_column, label_column=label_column, given=given)
    return by_folder(names) if label is None else by_name(names, _compiled(label, "--label"))


def _compiled(pattern: str, option: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise UsageError(f"{option} {pattern!r}: is no regular expression ({error}). Correct it") from error
