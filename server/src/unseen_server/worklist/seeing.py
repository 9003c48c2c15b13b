"""Record of the films that each account has seen, and the films of a study that are to be seen before a report.

A film counts as shown to an account once the program that shows it has confirmed that its pixels were painted. A person
can report a study after all its frontal films were shown to them; a film that cannot be shown must be set aside first
(`report_entry.set_aside`). A lateral film belongs to the study, but need not be looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection, bindparam, select

from unseen_server.worklist.bulk import insert_rows
from unseen_server.worklist.lookup import find_film
from unseen_server.worklist.statements import rows_of
from unseen_server.worklist.tables import films, seen

if TYPE_CHECKING:
    from unseen_server.worklist.transactions import Found, Writing


_SEEN_BY = select(seen.c.film_id).where(
    seen.c.film_id.in_(bindparam("numbers", expanding=True)), seen.c.account == bindparam("account")
)
_NOT_ASIDE = select(films).where(films.c.study_id == bindparam("study"), films.c.aside.is_(None)).order_by(films.c.id)


def mark(writing: Writing, film_id: str, account: str) -> bool:
    """Record that a film's pixels were painted for `account`; False where that was known. Raises NotFoundError."""
    film = find_film(writing.connection, film_id)
    if is_seen(writing.connection, film.id, account):
        return False
    row = {"film_id": film.id, "account": account, "seen_us": writing.now_us}
    insert_rows(writing.connection, seen, [row])
    writing.log(account, "film.seen", film.public_id)
    return True


def is_seen(connection: Connection, number: int, account: str) -> bool:
    """Return the condition that the film with this number was shown to `account`."""
    return rows_of(connection, seen, film_id=number, account=account).first() is not None


def seen_by(connection: Connection, numbers: Sequence[int], account: str) -> set[int]:
    """Return those of the films with these numbers that were shown to `account`."""
    given = {"numbers": numbers, "account": account}
    return set(connection.execute(_SEEN_BY, given).scalars()) if numbers else set()


def to_be_seen(connection: Connection, study: int) -> list[Found]:
    """Return the study's films that a report speaks of: all but laterals and those that were set aside, in their
    order.
    """
    rows = connection.execute(_NOT_ASIDE, {"study": study}).all()
    frontal = [row for row in rows if row.projection != "lateral"]
    return frontal or list(rows)  # of a study of laterals alone, all: something must have been looked at
