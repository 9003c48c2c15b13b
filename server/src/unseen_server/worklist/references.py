"""Films that others may be compared with: a film that was refused is no reference, and a blank one is no prior.

A reader may report a study normal although a film of it is blank, or shows no chest. The film then says nothing about
normal films: neither its score nor its image is compared with others. A prior is different: readers compare with films
that no model could score, so only a blank one is left out there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import ColumnElement, Connection, func, select

from unseen_server.worklist.refusals import parted
from unseen_server.worklist.tables import decisions, films

if TYPE_CHECKING:
    from collections.abc import Collection

BLANK: Final = "blank"
"""The clause of the input gate's refusal of a film without an image (`screening.gate`)."""


def is_reference() -> ColumnElement[bool]:
    """Return the condition that the latest decision on a film, a row of `films` in the query, did not refuse it."""
    newest = (
        select(func.max(decisions.c.id)).where(decisions.c.film_id == films.c.id).correlate(films).scalar_subquery()
    )
    refused = select(decisions.c.id).where(decisions.c.id == newest, decisions.c.action == "not_scored")
    return ~refused.correlate(films).exists()


def blank_films(connection: Connection, numbers: Collection[int]) -> set[int]:
    """Return those of the films with these numbers that the latest decision refused as blank."""
    newest = (
        select(func.max(decisions.c.id)).where(decisions.c.film_id.in_(list(numbers))).group_by(decisions.c.film_id)
    )
    refused = select(decisions.c.film_id, decisions.c.reason).where(
        decisions.c.id.in_(newest), decisions.c.action == "not_scored"
    )
    return {row.film_id for row in connection.execute(refused) if parted(row.reason)[0] == BLANK}
