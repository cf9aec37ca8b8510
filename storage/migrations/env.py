"""What Alembic runs for each command, on the connection that `storage.schema` lends it."""

from alembic import context

from storage.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    # Off by default for SQLite; here every step belongs to the one transaction of the caller.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
