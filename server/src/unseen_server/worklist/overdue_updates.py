"""Updates that are due as time passes: overdue studies move up, complete studies are decided on."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from unseen_server.worklist import completeness, waiting_cap
from unseen_server.worklist.states import BusyError

if TYPE_CHECKING:
    from unseen_server.worklist.site import Site


def bring_up_to_date(site: Site) -> None:
    """Move overdue studies up, and decide on studies that have become complete."""
    with site.database.reading() as connection:
        overdue = waiting_cap.due(connection, site.now_us())
        complete = completeness.due(connection, now_us=site.now_us())
    if not overdue and not complete:
        return
    with contextlib.suppress(BusyError), site.writing() as writing:  # the next page will
        waiting_cap.age(writing)
        completeness.settle(writing)
