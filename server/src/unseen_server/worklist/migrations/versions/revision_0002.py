"""How a film looks, and its trivial statistics; indexes by which reports and a model's findings are found."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("films", sa.Column("look", sa.LargeBinary(), nullable=True))
    op.add_column("films", sa.Column("statistics", sa.Text(), nullable=True))
    op.create_index("ix_findings_model", "findings", ["model", "id"], unique=False)
    op.create_index("ix_reports_outcome", "reports", ["outcome", "id"], unique=False)
