"""Why studies could not be scored, in short clauses, and how many wait with the same one.

A reason is a clause, ": " or ". ", and what explains it. Studies with the same clause belong together: two hundred
films unlike those that the model learnt from are one thing to look at, the set-up, and not two hundred.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from unseen.worklist.ordering import NOT_SCORED
from unseen.worklist.tables import studies

LEAST = 20
"""Studies with one clause from which they are shown as a group."""
_MOST = 120
_END = re.compile(r"[:.] ")


@dataclass(frozen=True, kw_only=True)
class RefusalGroup:
    """Studies that wait, not scored, for the same reason."""

    clause: str
    studies: int


def parted(reason: str) -> tuple[str, str]:
    """A refusal's short clause, and the rest that explains it.

    >>> parted("blank: the image holds noise at most. Send the film again")
    ('blank', 'the image holds noise at most. Send the film again')
    >>> parted("This is text, which is not read. Export the film as DICOM")
    ('This is text, which is not read', 'Export the film as DICOM')
    """
    clause, *rest = _END.split(reason, maxsplit=1)
    return clause[:_MOST], rest[0] if rest else ""


def groups(connection: Connection) -> list[RefusalGroup]:
    """The groups of `LEAST` studies or more, the largest first."""
    counted = func.count().label("studies")
    query = (
        select(studies.c.refusal, counted)
        .where(studies.c.shelf == "to_read", studies.c.band == NOT_SCORED, studies.c.refusal.is_not(None))
        .group_by(studies.c.refusal)
        .having(counted >= LEAST)
        .order_by(counted.desc(), studies.c.refusal)
    )
    return [RefusalGroup(clause=row.refusal, studies=row.studies) for row in connection.execute(query)]
