"""Digests of the models that scored, decided and were activated; the probe films' scores of each model."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    for table in ("findings", "decisions", "activations"):
        op.add_column(table, sa.Column("model_digest", sa.Text(), nullable=True))
    op.create_table(
        "model_probes",
        sa.Column("model_digest", sa.Text(), nullable=False),
        sa.Column("probes", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("model_digest", name="pk_model_probes"),
    )
