"""Schema of release 0.2, the first that this version upgrades from: `schema_0009_sqlite.sql`, or of PostgreSQL."""

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = None


def upgrade() -> None:
    connection = op.get_bind()
    schema = Path(__file__).with_name(f"schema_0009_{connection.dialect.name}.sql").read_text(encoding="utf-8")
    _, _, statements = schema.partition("\n")  # the first line is a comment
    for statement in statements.split(";\n"):
        if statement:
            connection.exec_driver_sql(statement)
