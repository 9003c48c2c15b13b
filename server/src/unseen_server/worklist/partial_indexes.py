"""Conditions of partial indexes, and of the queries that use them."""

from typing import Final

from sqlalchemy import text

from unseen_server.worklist.states import STATES

SETTLING_ALONE: Final = text("settles_us IS NOT NULL")
"""Studies to which a film may still be added."""

APART_ALONE: Final = text("apart >= 0.5")
"""Studies on which models disagree."""

SELDOM_STATES: Final = tuple(state for state in STATES if state not in ("to_read", "cleared", "reported"))
"""States that few studies have. In one order with all other studies, such a study may be far down the list."""

SELDOM_ALONE: Final = text("state NOT IN ('to_read', 'cleared', 'reported')")
"""Studies in one of `SELDOM_STATES`."""

SAMPLE_ALONE: Final = text("audit_sample")
"""Studies of the audit sample.

Their index contains this column, too, because SQLite prefers an index of two columns to one of one.
"""

SAMPLE_SQLITE: Final = text("audit_sample = 1")
"""The same condition, in the form that queries of SQLite use."""

AUDITED_ALONE: Final = text("audited")
"""Reports on studies of the audit sample."""

AUDITED_SQLITE: Final = text("audited = 1")
"""The same condition, in the form that queries of SQLite use."""
