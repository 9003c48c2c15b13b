"""The first schema: studies, films, jobs, findings, decisions, reports, audit trail, accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# The audit trail is added to, and nothing else.
SQLITE_TRIGGERS = (
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit "
    "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END",
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit "
    "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END",
)
POSTGRESQL_TRIGGERS = (
    "CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$",
    "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_append_only()",
    "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()",
)


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("disabled_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("role in ('reader', 'lead', 'admin')", name="ck_accounts_role"),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("name", name="uq_accounts_name"),
    )
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )
    op.create_index("ix_audit_subject", "audit", ["subject"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind in ('session', 'link')", name="ck_sessions_kind"),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_sessions"),
    )
    op.create_index("ix_sessions_account", "sessions", ["account"], unique=False)
    op.create_index("ix_sessions_expires_us", "sessions", ["expires_us"], unique=False)
    op.create_table(
        "settings",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_settings"),
    )
    op.create_table(
        "studies",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=True),
        sa.Column("patient", sa.Text(), nullable=True),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("accession", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("shelf", sa.Text(), nullable=False),
        sa.Column("band", sa.SmallInteger(), nullable=False),
        sa.Column("rank", sa.Double(), nullable=False),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.Column("changed_us", sa.BigInteger(), nullable=False),
        sa.Column("films", sa.Integer(), nullable=False),
        sa.Column("audit_sample", sa.Boolean(), nullable=False),
        sa.Column("action", sa.Text(), nullable=True),
        sa.Column("priority", sa.Double(), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("probability", sa.Double(), nullable=True),
        sa.Column("p_value", sa.Double(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("claimed_us", sa.BigInteger(), nullable=True),
        sa.Column("claimed_until_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("shelf in ('to_read', 'cleared', 'reported')", name="ck_studies_shelf"),
        sa.CheckConstraint(
            "state in ('received', 'scored', 'to_read', 'cleared', 'not_scored', 'in_reading', 'reported', "
            "'reported_elsewhere')",
            name="ck_studies_state",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_studies"),
        sa.UniqueConstraint("public_id", name="uq_studies_public_id"),
        sa.UniqueConstraint("uid", name="uq_studies_uid"),
    )
    op.create_index("ix_studies_accession", "studies", ["accession"], unique=False)
    op.create_index("ix_studies_claimed", "studies", ["claimed_until_us"], unique=False)
    op.create_index(
        "ix_studies_due",
        "studies",
        ["shelf", "band", "received_us"],
        unique=False,
        sqlite_where=sa.text("shelf = 'to_read' AND band = 2"),
        postgresql_where=sa.text("shelf = 'to_read' AND band = 2"),
    )
    op.create_index("ix_studies_order", "studies", ["shelf", "band", "rank", "received_us", "id"], unique=False)
    op.create_index("ix_studies_patient", "studies", ["patient"], unique=False)
    op.create_index("ix_studies_received", "studies", ["received_us", "id"], unique=False)
    op.create_index(
        "ix_studies_source_order", "studies", ["source", "shelf", "band", "rank", "received_us", "id"], unique=False
    )
    op.create_index("ix_studies_source_received", "studies", ["source", "received_us", "id"], unique=False)
    op.create_index("ix_studies_state_changed", "studies", ["state", "changed_us"], unique=False)
    op.create_table(
        "watches",
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("policy", name="pk_watches"),
    )
    op.create_table(
        "films",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("study_id", NUMBER, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.Column("judged", sa.Boolean(), nullable=False),
        sa.Column("view_position", sa.Text(), nullable=True),
        sa.Column("file_format", sa.Text(), nullable=True),
        sa.Column("pixel_sha256", sa.Text(), nullable=True),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_films_study_id"),
        sa.PrimaryKeyConstraint("id", name="pk_films"),
        sa.UniqueConstraint("public_id", name="uq_films_public_id"),
        sa.UniqueConstraint("sha256", name="uq_films_sha256"),
    )
    op.create_index("ix_films_source_name", "films", ["source", "name"], unique=False)
    op.create_index("ix_films_study_id", "films", ["study_id"], unique=False)
    op.create_table(
        "merged",
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("study_id", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_merged_study_id"),
        sa.PrimaryKeyConstraint("public_id", name="pk_merged"),
    )
    op.create_index("ix_merged_study_id", "merged", ["study_id"], unique=False)
    op.create_table(
        "reports",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("study_id", NUMBER, nullable=False),
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("elsewhere", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("undone_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("outcome in ('normal', 'abnormal', 'unsure')", name="ck_reports_outcome"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_reports_study_id"),
        sa.PrimaryKeyConstraint("id", name="pk_reports"),
    )
    op.create_index("ix_reports_study_id", "reports", ["study_id"], unique=False)
    op.create_table(
        "terms",
        sa.Column("term", sa.Text(), nullable=False),
        sa.Column("study_id", NUMBER, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_terms_study_id"),
        sa.PrimaryKeyConstraint("term", "study_id", name="pk_terms"),
    )
    op.create_index("ix_terms_study_id", "terms", ["study_id"], unique=False)
    op.create_table(
        "decisions",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("study_id", NUMBER, nullable=False),
        sa.Column("film_id", NUMBER, nullable=True),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("probability", sa.Double(), nullable=True),
        sa.Column("p_value", sa.Double(), nullable=True),
        sa.Column("priority", sa.Double(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("policy_digest", sa.Text(), nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["film_id"], ["films.id"], name="fk_decisions_film_id"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_decisions_study_id"),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
    )
    op.create_index("ix_decisions_film_id", "decisions", ["film_id"], unique=False)
    op.create_index("ix_decisions_study_id", "decisions", ["study_id"], unique=False)
    op.create_table(
        "findings",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("film_id", NUMBER, nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("box", sa.Text(), nullable=True),
        sa.Column("inner", sa.Text(), nullable=True),
        sa.Column("map_sha256", sa.Text(), nullable=True),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["film_id"], ["films.id"], name="fk_findings_film_id"),
        sa.PrimaryKeyConstraint("id", name="pk_findings"),
        sa.UniqueConstraint("film_id", "model", name="uq_findings_film_model"),
    )
    op.create_index("ix_findings_map_sha256", "findings", ["map_sha256"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("film_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_us", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("state in ('open', 'done', 'dead')", name="ck_jobs_state"),
        sa.ForeignKeyConstraint(["film_id"], ["films.id"], name="fk_jobs_film_id"),
        sa.PrimaryKeyConstraint("film_id", name="pk_jobs"),
    )
    op.create_index("ix_jobs_due", "jobs", ["state", "due_us", "film_id"], unique=False)

    on_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE_TRIGGERS if on_sqlite else POSTGRESQL_TRIGGERS:
        op.execute(statement)
