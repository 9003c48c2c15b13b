"""Films that may be used for comparison: no refused film is a reference, and no blank film is a prior.

A reader may report a study normal although one of its films is blank or does not show a chest. Such a film contains no
information about normal films, so neither its score nor its image is compared with others. Priors have another rule:
readers also compare with films that no model could score, so only blank films are left out there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import ColumnElement, Connection, func, select

from unseen_server.worklist.refusals import parted
from unseen_server.worklist.tables import decisions, films

if TYPE_CHECKING:
    from collections.abc import Collection

BLANK: Final = "blank"
"""Clause with which the input gate refuses a film without an image (`screening.gate`)."""


def is_reference() -> ColumnElement[bool]:
    """Return the condition that the latest decision on a film did not refuse it.

    The film is a row of `films` in the query.
    """
    newest = (
        select(func.max(decisions.c.id)).where(decisions.c.film_id == films.c.id).correlate(films).scalar_subquery()
    )
    refused = select(decisions.c.id).where(decisions.c.id == newest, decisions.c.action == "not_scored")
    return ~refused.correlate(films).exists()


def blank_films(connection: Connection, numbers: Collection[int]) -> set[int]:
    """Return the numbers of those films that the latest decision refused as blank."""
    newest = (
        select(func.max(decisions.c.id)).where(decisions.c.film_id.in_(list(numbers))).group_by(decisions.c.film_id)
    )
    refused = select(decisions.c.film_id, decisions.c.reason).where(
        decisions.c.id.in_(newest), decisions.c.action == "not_scored"
    )
    return {row.film_id for row in connection.execute(refused) if parted(row.reason)[0] == BLANK}
