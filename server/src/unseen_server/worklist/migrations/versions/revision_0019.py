"""Time at which a film joined a study with a report, which this report does not cover."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("films", sa.Column("joined_us", sa.BigInteger()))
