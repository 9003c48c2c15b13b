"""A package that an extra brings and that is not installed: one sentence instead of a traceback."""

from __future__ import annotations

from typing import Final

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


def sentence(error: ModuleNotFoundError) -> str | None:
    """What to install; None where the missing module belongs to no extra, which is a bug.

    >>> sentence(ModuleNotFoundError("No module named 'sqlalchemy'", name="sqlalchemy"))
    'the worklist and its server need packages that are not installed (sqlalchemy): pip install "unseen[serve]"'
    """
    missing = (error.name or "").split(".")[0]
    if missing not in SERVE:
        return None
    return f'the worklist and its server need packages that are not installed ({missing}): pip install "unseen[serve]"'
