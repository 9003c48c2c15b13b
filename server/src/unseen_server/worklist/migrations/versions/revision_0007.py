"""What the archive's door needs: instances, attachments of studies, when a study is complete, and the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SETTLING = sa.text("settles_us IS NOT NULL")
STATES = "state in ('waiting', 'sent', 'kept', 'dead', 'superseded')"


def upgrade() -> None:
    op.add_column("studies", sa.Column("settles_us", sa.BigInteger(), nullable=True))
    op.create_index("ix_studies_settling", "studies", ["settles_us"], sqlite_where=SETTLING, postgresql_where=SETTLING)
    op.add_column("films", sa.Column("instance", sa.Text(), nullable=True))
    op.create_index("ix_films_instance", "films", ["instance"])
    op.create_table(
        "attachments",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=True),
        sa.Column("patient", sa.Text(), nullable=True),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("instance", sa.Text(), nullable=True),
        sa.Column("film_id", NUMBER, nullable=True),
        sa.Column("sop_class", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("changed", sa.Text(), nullable=False),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attachments"),
        sa.ForeignKeyConstraint(["film_id"], ["films.id"], name="fk_attachments_film_id"),
        sa.UniqueConstraint("public_id", name="uq_attachments_public_id"),
        sa.UniqueConstraint("sha256", name="uq_attachments_sha256"),
    )
    for name in ("uid", "patient", "instance", "film_id"):
        op.create_index(f"ix_attachments_{name}", "attachments", [name])
    op.create_table(
        "outbox",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("study_id", NUMBER, nullable=False),
        sa.Column("decision_id", NUMBER, nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_us", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("instances", sa.Text(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("sent_us", sa.BigInteger(), nullable=True),
        sa.Column("kept_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(STATES, name="ck_outbox_state"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_outbox_study_id"),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name="fk_outbox_decision_id"),
        sa.UniqueConstraint(
            "study_id", "decision_id", "destination", name="uq_outbox_study_id_decision_id_destination"
        ),
    )
    op.create_index("ix_outbox_due", "outbox", ["state", "due_us", "id"])
    op.create_index("ix_outbox_decision_id", "outbox", ["decision_id"])
