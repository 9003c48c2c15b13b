"""Conditions of partial indexes, and of the queries that use them."""

from typing import Final

from sqlalchemy import text

from unseen_server.worklist.states import STATES

SETTLING_ALONE: Final = text("settles_us IS NOT NULL")
"""Studies of which a film may still come."""

APART_ALONE: Final = text("apart >= 0.5")
"""Studies on which models disagree."""

SELDOM_STATES: Final = tuple(state for state in STATES if state not in ("to_read", "cleared", "reported"))
"""States that few studies of a list are in. In one order with all others they may stand far behind."""

SELDOM_ALONE: Final = text("state NOT IN ('to_read', 'cleared', 'reported')")
"""Studies in one of them."""

SAMPLE_ALONE: Final = text("audit_sample")
"""The audit sample. Its index has this column, too: SQLite prefers an index of two columns to one of one."""

SAMPLE_SQLITE: Final = text("audit_sample = 1")
"""The same, as queries of SQLite have it."""
