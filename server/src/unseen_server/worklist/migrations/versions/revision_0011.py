"""Reports of other systems: when their message was sent, and who has confirmed that the outcome was read correctly."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("outside_reports", sa.Column("sent_us", sa.BigInteger(), nullable=True))
    op.add_column("reports", sa.Column("confirmed_by", sa.Text(), nullable=True))
    op.add_column("reports", sa.Column("confirmed_us", sa.BigInteger(), nullable=True))
