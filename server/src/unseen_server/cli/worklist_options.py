"""Options that commands on a worklist share: its folder and its database."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Option(help="the worklist's folder")]
NewFolder = Annotated[Path, typer.Option(help="the worklist's folder; made where it is missing")]
Url = Annotated[
    str | None, typer.Option(help="its PostgreSQL database: postgresql://user@host/name", envvar="UNSEEN_URL")
]
