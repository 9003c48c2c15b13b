"""`unseen export TO --folder worklist`: studies, findings, decisions and reports as Parquet and CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unseen.artifacts import number_of, verb_of
from unseen.cli import UsageError, console
from unseen_server.cli.worklist_options import Folder, Url


@console.with_output_options
def export(
    to: Annotated[Path, typer.Argument(help="folder for the tables; made where it is missing")],
    folder: Folder,
    url: Url = None,
    labelled: Annotated[
        bool,
        typer.Option("--labelled", help="also labelled.csv, a manifest of the labels on films that were seen"),
    ] = False,
    with_selected: Annotated[
        bool,
        typer.Option(
            "--with-selected",
            help="labels of studies that were read because of their score, too, for `unseen adapt` and `unseen gate`; "
            "`unseen calibrate` refuses such a labelled.csv",
        ),
    ] = False,
    policy: Annotated[
        list[Path] | None,
        typer.Option(help="policies of `unseen serve --policy` or `unseen worker --policy` that decided here"),
    ] = None,
) -> None:
    """Write a worklist's studies, findings, decisions and reports, each as Parquet and as CSV.

    Patients and accession numbers are pseudonyms, as they are stored; readers' notes are as they were written.

    Example:

      unseen export tables --folder worklist
    """
    from unseen.screening import Policy
    from unseen_server.worklist.store import Store
    from unseen_server.worklist.table_export import export_labelled, export_tables

    if not labelled and (with_selected or policy):
        raise UsageError("--with-selected and --policy go with --labelled: they choose the labels that are exported")
    policies = [Policy.load(path) for path in policy or ()]
    with Store.open(url or folder, films_folder=folder, create=False, check="database") as store:
        for name, rows in export_tables(store, to).items():
            files = [f"{to / name}.parquet", f"{to / name}.csv"]
            console.item(
                "tables", f"{rows} {name}: {to / name}.parquet, .csv", {"name": name, "rows": rows, "files": files}
            )
        if labelled:
            table = to / "labelled.csv"
            done = export_labelled(store, table, with_selected=with_selected, policies=policies)
            console.item(
                "tables",
                f"{number_of(done.films, 'labelled film')}: {table}",
                {"name": "labelled", "rows": done.films, "files": [table], "selected": done.selected},
            )
            if done.selected:
                console.note(_selected(done.selected, with_selected=with_selected))
    console.limits()


def _selected(number: int, *, with_selected: bool) -> str:
    """Return the note on studies that were read because of their score."""
    if with_selected:
        return (
            f"{number_of(number, 'study')} {verb_of(number, 'was')} read because of the score under a policy "
            "that clears, or one that is not known here. `unseen calibrate` refuses this labelled.csv"
        )
    return (
        f"{number_of(number, 'reported study')} left out of labelled.csv: read because of the score under a policy "
        "that clears, or one that is not known here (--policy). With such studies a calibration would break its "
        "guarantee. For `unseen adapt` and `unseen gate`, --with-selected exports them, too"
    )
