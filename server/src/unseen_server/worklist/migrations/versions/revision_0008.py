"""Reports that other systems send, those that come before their films among them; and patients that were merged."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATUS = "status in ('final', 'corrected', 'withdrawn')"
OUTCOME = "outcome in ('normal', 'abnormal', 'unsure')"


def upgrade() -> None:
    op.create_table(
        "outside_reports",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("study_id", NUMBER, nullable=True),
        sa.Column("accession", sa.Text(), nullable=True),
        sa.Column("uid", sa.Text(), nullable=True),
        sa.Column("patients", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("issued_us", sa.BigInteger(), nullable=True),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.Column("early", sa.Boolean(), nullable=False),
        sa.Column("replaced_us", sa.BigInteger(), nullable=True),
        sa.Column("report_id", NUMBER, nullable=True),
        sa.CheckConstraint(STATUS, name="ck_outside_reports_status"),
        sa.CheckConstraint(OUTCOME, name="ck_outside_reports_outcome"),
        sa.PrimaryKeyConstraint("id", name="pk_outside_reports"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_outside_reports_study_id"),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name="fk_outside_reports_report_id"),
    )
    for name in ("study_id", "accession", "uid", "message", "report_id"):
        op.create_index(f"ix_outside_reports_{name}", "outside_reports", [name])
    op.create_index("ix_outside_reports_received_us", "outside_reports", ["received_us"])
    op.create_table(
        "merged_patients",
        sa.Column("prior", sa.Text(), nullable=False),
        sa.Column("patient", sa.Text(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("prior", name="pk_merged_patients"),
    )
    op.create_index("ix_merged_patients_patient", "merged_patients", ["patient"])
