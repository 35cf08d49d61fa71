"""Alembic's entry point: runs the steps on the connection that `migration` opened."""

from alembic import context

from promptvault.server.tables import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
