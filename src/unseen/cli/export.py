"""`unseen export TO --folder worklist`: studies, findings, decisions and reports as Parquet and CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    to: Annotated[Path, typer.Argument(help="folder for the tables; made where it is missing")],
    folder: Annotated[Path, typer.Option(help="the worklist's folder")],
    url: Annotated[
        str | None, typer.Option(help="its PostgreSQL database: postgresql://user@host/name", envvar="UNSEEN_URL")
    ] = None,
) -> None:
    """Write a worklist's studies, findings, decisions and reports, each as Parquet and as CSV.

    Patients and accession numbers are pseudonyms, as they are stored; readers' notes are as they were written.

    Example:

      unseen export tables --folder worklist
    """
    from unseen.cli import console
    from unseen.worklist.exporting import export_tables
    from unseen.worklist.store import Store

    with Store.open(url or folder, films_folder=folder, create=False) as store:
        for name, rows in export_tables(store, to).items():
            typer.echo(f"{rows} {name}: {to / name}.parquet, .csv")
    console.limits()
