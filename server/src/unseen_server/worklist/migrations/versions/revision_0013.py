"""Deliberate acts: time that a report's film was shown, films that raised an alarm, studies that were reopened."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("reports", sa.Column("dwell_ms", sa.Integer(), nullable=True))
    op.add_column("studies", sa.Column("reopened_us", sa.BigInteger(), nullable=True))
    op.add_column("watches", sa.Column("studies", sa.Text(), server_default="[]", nullable=False))
    op.create_table(
        "alarms",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raised_us", sa.BigInteger(), nullable=False),
        sa.Column("studies", sa.Text(), nullable=False),
        sa.Column("recorded", sa.Boolean(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("proposed_by", sa.Text(), nullable=True),
        sa.Column("proposed_us", sa.BigInteger(), nullable=True),
        sa.Column("proposed_note", sa.Text(), nullable=True),
        sa.Column("reopened_by", sa.Text(), nullable=True),
        sa.Column("reopened_us", sa.BigInteger(), nullable=True),
        sa.Column("reopened_note", sa.Text(), nullable=True),
        sa.Column("reopened", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alarms"),
    )
    op.create_index("ix_alarms_policy", "alarms", ["policy"])
    op.execute(
        "INSERT INTO alarms (policy, kind, reason, raised_us, studies, recorded) "
        "SELECT policy, kind, reason, since_us, '[]', FALSE FROM watches WHERE reason IS NOT NULL"
    )
