"""Which films were shown to whom, how a report came to be, who acknowledged an alarm first, what cannot be shown."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATES_BEFORE = (
    "state in ('received', 'scored', 'to_read', 'cleared', 'not_scored', 'in_reading', 'reported', "
    "'reported_elsewhere')"
)
STATES = (
    "state in ('received', 'scored', 'to_read', 'cleared', 'not_scored', 'in_reading', 'reported', "
    "'reported_elsewhere', 'set_aside')"
)
ASIDE = "aside in ('returned', 'discarded')"
HOW = "how in ('seen', 'simulated', 'elsewhere', 'unrecorded', 'returned', 'discarded')"


def upgrade() -> None:
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    op.create_table(
        "seen",
        sa.Column("film_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("seen_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["film_id"], ["films.id"], name="fk_seen_film_id"),
        sa.PrimaryKeyConstraint("film_id", "account", name="pk_seen"),
    )
    if on_sqlite:  # a column brings its check there; a constraint cannot be added later
        op.execute(f"ALTER TABLE films ADD COLUMN aside TEXT CONSTRAINT ck_films_aside CHECK ({ASIDE})")
        op.execute(
            "ALTER TABLE reports ADD COLUMN how TEXT NOT NULL DEFAULT 'unrecorded' "
            f"CONSTRAINT ck_reports_how CHECK ({HOW})"
        )
    else:
        op.add_column("films", sa.Column("aside", sa.Text(), nullable=True))
        op.create_check_constraint("ck_films_aside", "films", ASIDE)
        op.add_column("reports", sa.Column("how", sa.Text(), nullable=False, server_default="unrecorded"))
        op.create_check_constraint("ck_reports_how", "reports", HOW)
    op.execute("UPDATE reports SET how = 'elsewhere' WHERE elsewhere")
    op.add_column("watches", sa.Column("first_by", sa.Text(), nullable=True))
    op.add_column("watches", sa.Column("first_us", sa.BigInteger(), nullable=True))
    op.add_column("watches", sa.Column("first_note", sa.Text(), nullable=True))
    op.add_column("activations", sa.Column("activated_note", sa.Text(), nullable=True))
    op.add_column("activations", sa.Column("despite", sa.Text(), nullable=True))
    op.add_column("studies", sa.Column("refusal", sa.Text(), nullable=True))
    ends = ", ".join(f"coalesce(nullif(instr(reason, '{end} '), 0), 121)" for end in (":", "."))
    clause = (
        f"substr(reason, 1, min({ends}) - 1)"
        if on_sqlite
        else "left(split_part(replace(reason, '. ', ': '), ': ', 1), 120)"
    )
    op.execute(f"UPDATE studies SET refusal = {clause} WHERE action = 'not_scored'")
    op.create_index("ix_studies_refusal", "studies", ["shelf", "band", "refusal"], unique=False)
    _one_more_state(on_sqlite=on_sqlite)


def _one_more_state(*, on_sqlite: bool) -> None:
    """SQLite changes a check in the table's own text: https://sqlite.org/lang_altertable.html, section 7. Copying the
    table would touch every foreign key that points to it."""
    if not on_sqlite:
        op.drop_constraint("ck_studies_state", "studies", type_="check")
        op.create_check_constraint("ck_studies_state", "studies", STATES)
        return
    connection = op.get_bind()
    (version,) = connection.exec_driver_sql("PRAGMA schema_version").one()
    (text,) = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'studies'").one()
    if STATES_BEFORE not in text:
        raise RuntimeError("the table studies is not as revision 0001 made it; restore a backup")
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = 'studies'",
        (text.replace(STATES_BEFORE, STATES),),
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")
