"""`unseen audit`: check a worklist's audit trail, or print where it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from unseen.artifacts import number_of
from unseen.cli import console
from unseen_server.cli.worklist_options import Folder, Url

if TYPE_CHECKING:
    pass


@console.with_output_options
def audit(
    act: Annotated[Literal["verify", "head"], typer.Argument(help="check the whole trail, or print where it ends")],
    folder: Folder,
    url: Url = None,
    head: Annotated[
        str | None, typer.Option(help="for verify: what `unseen audit head` printed some time ago, in quotes")
    ] = None,
) -> None:
    """Check a worklist's audit trail: no row changed, none missing. The exit status is 1 where it is broken.

    The chain of hashes alone cannot show that its end was cut off, or that the whole chain was rewritten. To detect
    this, print the head from time to time, keep it somewhere else, and pass it to verify.

    Examples:

      unseen audit verify --folder worklist

      unseen audit head --folder worklist

      unseen audit verify --folder worklist --head "1234 9f86d081…"
    """
    from unseen_server.worklist.audit import AuditHead
    from unseen_server.worklist.store import Store

    with Store.open(url or folder, films_folder=folder, create=False, check="database") as store:
        end = store.audit.head()
        if act == "head":
            console.result(str(end), seq=end.seq, hash=end.hash, head=str(end))
            return
        broken = store.audit.verify(None if head is None else AuditHead.parse(head))
    if broken is not None:
        console.result(None, whole=False, broken=broken)
        console.error(broken)
        raise typer.Exit(1)
    console.result(f"whole: {number_of(end.seq, 'row')}. Its head is {end}", whole=True, rows=end.seq, head=str(end))
