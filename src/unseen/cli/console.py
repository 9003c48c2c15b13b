"""How commands speak: steps, progress, results; their mistakes, and packages that are missing.

`UsageError`: a command that contradicts itself or lacks something; one sentence, exit status 2.

How commands speak: steps announced on stderr, progress in one line, results on stdout.

A package that an extra brings and that is not installed: one sentence instead of a traceback.
"""

import sys
from collections.abc import Callable
from typing import Final

import typer

from unseen.artifacts.errors import UserError
from unseen.artifacts.installation import LIMITS


class UsageError(UserError, ValueError):
    """What is wrong with the command line, and what to give instead."""


def step(text: str) -> None:
    """Announce what happens next."""
    typer.secho(f"▸ {text}", err=True, bold=True)


def note(text: str) -> None:
    """A remark on stderr."""
    typer.secho(f"  {text}", err=True)


def limits() -> None:
    """The sentence that stands where results are seen."""
    typer.secho(LIMITS, err=True, dim=True)


def count_progress(what: str) -> Callable[[int], None]:
    """A callback for scoring: how many rows are done, written over on a terminal, silent elsewhere."""
    live = sys.stderr.isatty()

    def report(done: int) -> None:
        if live and done % 10 == 0:
            typer.echo(f"\r\033[K  {what}: {done}", err=True, nl=False)

    return report


SERVE: Final = frozenset(
    {
        "alembic",
        "anyio",
        "argon2",
        "fastapi",
        "h11",
        "python_multipart",
        "sqlalchemy",
        "starlette",
        "uvicorn",
    }
)
"""Modules of the extra `serve`: the worklist's database and the server."""


PACS: Final = frozenset(
    {
        "dicomweb_client",
        "fhir",
        "highdicom",
        "prometheus_client",
        "pynetdicom",
    }
)
"""Modules of the extra `pacs`: the DICOM node and its neighbours."""


OIDC: Final = frozenset({"authlib", "joserfc", "requests"})
"""Modules of the extra `oidc`: sign-in by an identity provider."""


def sentence(error: ModuleNotFoundError) -> str | None:
    """What to install; None where the missing module belongs to no extra, which is a bug.

    >>> sentence(ModuleNotFoundError("No module named 'sqlalchemy'", name="sqlalchemy"))
    'the worklist and its server need packages that are not installed (sqlalchemy): pip install "unseen[serve]"'
    >>> sentence(ModuleNotFoundError("No module named 'pynetdicom'", name="pynetdicom"))
    'the PACS node needs packages that are not installed (pynetdicom): pip install "unseen[serve,pacs]"'
    """
    missing = (error.name or "").split(".")[0]
    if missing in PACS:
        return f'the PACS node needs packages that are not installed ({missing}): pip install "unseen[serve,pacs]"'
    if missing in OIDC:
        return f'--oidc needs packages that are not installed ({missing}): pip install "unseen[serve,oidc]"'
    if missing not in SERVE:
        return None
    return f'the worklist and its server need packages that are not installed ({missing}): pip install "unseen[serve]"'
