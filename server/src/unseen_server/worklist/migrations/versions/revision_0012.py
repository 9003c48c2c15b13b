"""Accounts that only send films (role `sender`), and the sources that an account is limited to.

A reader that has sent films keeps exactly the sources that it has used until now: the audit trail names them.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

ROLES_BEFORE = "role in ('reader', 'lead', 'admin')"
ROLES = "role in ('sender', 'reader', 'lead', 'admin')"
RECEIVED = ("film.received", "object.received")


def upgrade() -> None:
    op.add_column("accounts", sa.Column("sources", sa.Text(), nullable=True))
    _one_more_role(on_sqlite=op.get_bind().dialect.name == "sqlite")
    _limit_readers()


def _one_more_role(*, on_sqlite: bool) -> None:
    """Permit the role `sender`; SQLite changes a check in the table's own text, as in revision 0004."""
    if not on_sqlite:
        op.drop_constraint("ck_accounts_role", "accounts", type_="check")
        op.create_check_constraint("ck_accounts_role", "accounts", ROLES)
        return
    connection = op.get_bind()
    (version,) = connection.exec_driver_sql("PRAGMA schema_version").one()
    (text,) = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'accounts'").one()
    if ROLES_BEFORE not in text:
        raise RuntimeError("the table accounts is not as revision 0001 made it; restore a backup")
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = 'accounts'",
        (text.replace(ROLES_BEFORE, ROLES),),
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")


def _limit_readers() -> None:
    """Limit each reader that has sent films to the sources of those films."""
    connection = op.get_bind()
    accounts = sa.table("accounts", sa.column("name"), sa.column("role"), sa.column("sources"))
    audit = sa.table("audit", sa.column("actor"), sa.column("action"), sa.column("body"))
    readers = connection.execute(sa.select(accounts.c.name).where(accounts.c.role == "reader")).scalars().all()
    if not readers:
        return
    received = sa.select(audit.c.actor, audit.c.body).where(
        audit.c.action.in_(RECEIVED), audit.c.actor.in_(sa.select(accounts.c.name).where(accounts.c.role == "reader"))
    )
    used: dict[str, set[str]] = {}
    for actor, body in connection.execute(received):
        used.setdefault(actor, set()).add(str(json.loads(body).get("source", "")))
    for name, found in used.items():
        if sources := sorted(found - {""}):
            kept = json.dumps(sources, ensure_ascii=False)
            connection.execute(accounts.update().where(accounts.c.name == name).values(sources=kept))
