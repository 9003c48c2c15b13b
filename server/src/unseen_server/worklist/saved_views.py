"""Views of the list that people keep: a tab, filters and an order under a name. A lead may share one with everybody.

What was searched for is never part of a view: it may be a patient's number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, or_, select

from unseen_server.worklist.statements import insert_row, rows_of, update_row
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.stored_text import checked_text
from unseen_server.worklist.tables import saved_views

if TYPE_CHECKING:
    from unseen_server.worklist.site import Site

MOST = 50
"""Views of one account."""
_LONGEST_NAME, _LONGEST = 60, 2000
_NEVER = ("text", "after", "before")
_OWN = saved_views.c.account == bindparam("owner")
_LISTED = select(saved_views).where(or_(_OWN, saved_views.c.shared)).order_by(saved_views.c.name, saved_views.c.id)
_OTHERS = select(func.count()).where(_OWN, saved_views.c.name != bindparam("new_name"))
_AWAY = saved_views.delete().where(saved_views.c.id == bindparam("number"))


@dataclass(frozen=True, kw_only=True)
class SavedView:
    """A view.

    Args:
        number: by which it is removed.
        owner: whose it is; everybody sees it where it is `shared`.
        wanted: what the list is narrowed to, as it was given.
    """

    number: int
    name: str
    owner: str
    shared: bool
    wanted: Mapping[str, object]


class SavedViews:
    """Views that people keep: `store.saved_views`.

    Args:
        site: the store's own.

    >>> import tempfile
    >>> from unseen_server.worklist import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store:
    ...     number = store.saved_views.save("ann", "My films", {"tab": "to_read"})
    ...     [view.name for view in store.saved_views.listed("ann")]
    ['My films']
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def listed(self, account: str) -> list[SavedView]:
        """Return an account's own views, and those that are shared with everybody, by name."""
        with self._site.database.reading() as connection:
            rows = connection.execute(_LISTED, {"owner": account}).all()
        return [
            SavedView(number=row.id, name=row.name, owner=row.account, shared=row.shared, wanted=json.loads(row.wanted))
            for row in rows
        ]

    def save(self, account: str, name: str, wanted: Mapping[str, object], *, shared: bool = False) -> int:
        """Keep a view, in place of the account's own of that name; return its number.

        Raises:
            WorklistError: the name is empty or too long, there are too many views, or the view has a search.
        """
        name = checked_text(name, "The view's name", most=_LONGEST_NAME).strip()
        if not name:
            raise WorklistError("Give the view a name.")
        kept = json.dumps(dict(wanted), sort_keys=True)
        if any(wanted.get(key) for key in _NEVER) or len(kept) > _LONGEST:
            raise WorklistError("A view holds a tab, filters and an order, and no search and no page.")
        values = {"account": account, "name": name, "shared": shared, "wanted": kept}
        with self._site.writing() as writing:
            connection = writing.connection
            count = connection.execute(_OTHERS, {"owner": account, "new_name": name}).scalar_one()
            if count >= MOST:
                raise WorklistError(f"You have {count} views, and {MOST} is the most. Remove one first.")
            known = rows_of(connection, saved_views, account=account, name=name).one_or_none()
            if known is None:
                number = insert_row(connection, saved_views, values)
            else:
                number = int(known.id)
                update_row(connection, saved_views, number, values)
            writing.log(account, "view.saved", account, number=number, shared=shared)  # its name may say anything
            return number

    def remove(self, number: int, account: str, *, as_lead: bool = False) -> None:
        """Remove a view of one's own; a lead may remove a shared one.

        Raises:
            NotFoundError: the account can see no such view.
            NotAllowedError: it is another account's.
        """
        with self._site.writing() as writing:
            known = rows_of(writing.connection, saved_views, id=number).one_or_none()
            if known is None or not (known.shared or known.account == account):
                raise NotFoundError(f"There is no view {number} of yours. It may have been removed.")
            if known.account != account and not as_lead:
                raise NotAllowedError(f"This is a view of {known.account}. Only they, or a lead, can remove it.")
            writing.connection.execute(_AWAY, {"number": number})
            writing.log(account, "view.removed", known.account, number=number, shared=bool(known.shared))
