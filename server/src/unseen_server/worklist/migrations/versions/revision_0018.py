"""Time at which a person had a film scored again: it waits since then, and not since it was received."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("again_us", sa.BigInteger()))
