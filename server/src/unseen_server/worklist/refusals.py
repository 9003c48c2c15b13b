"""Number of studies that could not be scored, by reason in a short clause; the wording is the gate's.

A reason is a clause, ": " or ". ", and what explains it. Studies with the same clause belong together: two hundred
films unlike those that the model learnt from are one thing to look at, the set-up, and not two hundred.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from sqlalchemy import ColumnElement, Connection, false, func, select

from unseen_server.worklist.reading_order import NOT_SCORED
from unseen_server.worklist.tables import studies

LEAST = 20
"""Studies with one clause from which they are shown as a group."""
COUNTED = 1000
"""To which a group's studies are counted: a set-up that fails as often is one thing to look at, however often."""
_MOST = 120
_END = re.compile(r"[:.] ")


@dataclass(frozen=True, kw_only=True)
class RefusalGroup:
    """Studies that wait, not scored, for the same reason."""

    clause: str
    studies: Annotated[int, Field(description="counted up to 1,000 at most")]
    more: Annotated[bool, Field(description="they were not all counted: there are more than `studies`")]


def parted(reason: str) -> tuple[str, str]:
    """Return a refusal's short clause, and the rest that explains it.

    >>> parted("blank: the image holds noise at most. Send the film again")
    ('blank', 'the image holds noise at most. Send the film again')
    >>> parted("This is text, which is not read. Export the film as DICOM")
    ('This is text, which is not read', 'Export the film as DICOM')
    """
    clause, *rest = _END.split(reason, maxsplit=1)
    return clause[:_MOST], rest[0] if rest else ""


@dataclass(frozen=True, kw_only=True)
class UnscoredGroups:
    """The studies that wait and were not scored, by clause.

    Args:
        groups: the clauses of `LEAST` studies or more, the largest first.
        others: the other clauses.
        unnamed: whether a study waits without a clause.
    """

    groups: tuple[RefusalGroup, ...]
    others: tuple[str, ...]
    unnamed: bool

    def rest(self, *, scored: bool) -> list[list[ColumnElement[bool]]]:
        """Return the list without the studies in groups, as conditions that exclude each other, each with its own
        index.

        Args:
            scored: with the studies that were scored, or are still to be.
        """
        refused = studies.c.band == NOT_SCORED
        found = [[studies.c.band > NOT_SCORED]] if scored else []
        if self.others:
            found.append([refused, studies.c.refusal.in_(self.others)])
        if self.unnamed:
            found.append([refused, studies.c.refusal.is_(None)])
        return found or [[false()]]


def refused(connection: Connection) -> UnscoredGroups:
    """Count the unscored studies that wait: each clause is found by one step in its index, and counted up to
    `COUNTED`.
    """
    waiting = (studies.c.shelf == "to_read", studies.c.band == NOT_SCORED)
    following = select(func.min(studies.c.refusal).label("refusal")).where(*waiting)
    found = following.cte("clauses", recursive=True)
    further = following.where(studies.c.refusal > found.c.refusal).correlate(found).scalar_subquery()
    clauses = found.union_all(select(further).where(found.c.refusal.is_not(None)))
    some = select(studies.c.id).where(*waiting, studies.c.refusal == clauses.c.refusal).limit(COUNTED + 1)
    counted = select(func.count()).select_from(some.correlate(clauses).subquery()).correlate(clauses).scalar_subquery()
    rows = connection.execute(select(clauses.c.refusal, counted).where(clauses.c.refusal.is_not(None))).all()
    of_none = select(studies.c.id).where(*waiting, studies.c.refusal.is_(None)).limit(1)
    by_size = [RefusalGroup(clause=clause, studies=min(many, COUNTED), more=many > COUNTED) for clause, many in rows]
    by_size.sort(key=lambda group: (-group.studies, group.clause))
    return UnscoredGroups(
        groups=tuple(group for group in by_size if group.studies >= LEAST),
        others=tuple(group.clause for group in by_size if group.studies < LEAST),
        unnamed=connection.execute(of_none).first() is not None,
    )
