"""Policies of further models that were calibrated together with the one that decides."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("activations", sa.Column("further", sa.Text(), nullable=True))
