"""Filters of long lists: an index in the list's order for each that may leave many studies; the audit sample's own."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

LISTED = ["shelf", "band", "rank", "received_us", "id"]
APART = sa.text("apart >= 0.5")
SELDOM = sa.text("state NOT IN ('to_read', 'cleared', 'reported')")
SAMPLE = sa.text("audit_sample")
SAMPLE_SQLITE = sa.text("audit_sample = 1")


def upgrade() -> None:
    for name in ("view", "assigned_to", "apart"):
        op.drop_index(f"ix_studies_{name}", table_name="studies")
    op.create_index("ix_studies_view", "studies", ["view", *LISTED])
    op.create_index("ix_studies_assigned_to", "studies", ["assigned_to", *LISTED])
    op.create_index("ix_studies_apart", "studies", LISTED, sqlite_where=APART, postgresql_where=APART)
    by_state = ["state", *LISTED]
    op.create_index("ix_studies_state_order", "studies", by_state, sqlite_where=SELDOM, postgresql_where=SELDOM)
    sample = ["audit_sample", "shelf"]
    op.create_index("ix_studies_sample", "studies", sample, sqlite_where=SAMPLE_SQLITE, postgresql_where=SAMPLE)
