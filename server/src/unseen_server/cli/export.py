"""`unseen export TO --folder worklist`: studies, findings, decisions and reports as Parquet and CSV."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unseen.artifacts import number_of
from unseen.cli import console
from unseen_server.cli.worklist_options import Folder, Url

if TYPE_CHECKING:
    pass


@console.with_output_options
def export(
    to: Annotated[Path, typer.Argument(help="folder for the tables; made where it is missing")],
    folder: Folder,
    url: Url = None,
    labelled: Annotated[
        bool,
        typer.Option("--labelled", help="also labelled.csv, a manifest of the labels on films that were seen"),
    ] = False,
) -> None:
    """Write a worklist's studies, findings, decisions and reports, each as Parquet and as CSV.

    Patients and accession numbers are pseudonyms, as they are stored; readers' notes are as they were written.

    Example:

      unseen export tables --folder worklist
    """
    from unseen_server.worklist.store import Store
    from unseen_server.worklist.table_export import export_labelled, export_tables

    with Store.open(url or folder, films_folder=folder, create=False, check="database") as store:
        for name, rows in export_tables(store, to).items():
            files = [f"{to / name}.parquet", f"{to / name}.csv"]
            console.item(
                "tables", f"{rows} {name}: {to / name}.parquet, .csv", {"name": name, "rows": rows, "files": files}
            )
        if labelled:
            table = to / "labelled.csv"
            count = export_labelled(store, table)
            console.item(
                "tables",
                f"{number_of(count, 'labelled film')}: {table}",
                {"name": "labelled", "rows": count, "files": [table]},
            )
    console.limits()
