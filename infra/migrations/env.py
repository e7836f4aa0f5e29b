"""What Alembic runs around each migration: the caller's connection and transaction, no other."""

from alembic import context

from infra.migrations import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], **VERSION_TABLE)
context.run_migrations()
