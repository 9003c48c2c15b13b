"""Alembic's entry: applies revisions through the connection that `unseen_server.worklist.opening` hands it."""

from alembic import context


def apply() -> None:
    """Apply what was asked for, within the caller's transaction."""
    context.configure(connection=context.config.attributes["connection"])
    with context.begin_transaction():
        context.run_migrations()


if __name__ == "env_py":  # the name under which Alembic loads this file
    apply()
