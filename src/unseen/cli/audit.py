"""`unseen audit verify --folder worklist`: is the audit trail whole? `unseen audit head`: where does it end?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def audit(
    act: Annotated[Literal["verify", "head"], typer.Argument(help="check the whole trail, or print where it ends")],
    folder: Annotated[Path, typer.Option(help="the worklist's folder")],
    url: Annotated[
        str | None, typer.Option(help="its PostgreSQL database: postgresql://user@host/name", envvar="UNSEEN_URL")
    ] = None,
    head: Annotated[
        str | None, typer.Option(help="for verify: what `unseen audit head` printed some time ago, in quotes")
    ] = None,
) -> None:
    """Check a worklist's audit trail: no row changed, none missing. The exit status is 1 where it is broken.

    The chain of hashes alone cannot show that its end was cut off, or that all of it was written anew. For that, print
    its head from time to time, keep it somewhere else, and give it to verify.

    Examples:

      unseen audit verify --folder worklist

      unseen audit head --folder worklist

      unseen audit verify --folder worklist --head "1234 9f86d081…"
    """
    from unseen.worklist.audit import Head
    from unseen.worklist.store import Store

    with Store.open(url or folder, films_folder=folder, create=False) as store:
        end = store.audit_head()
        if act == "head":
            typer.echo(str(end))
            return
        broken = store.verify_audit(None if head is None else Head.parse(head))
    if broken is not None:
        typer.secho(broken, err=True, fg=typer.colors.RED)
        raise typer.Exit(1)
    typer.echo(f"whole: {end.seq} rows. Its head is {end}")
