"""Runs the migrations on the connection that auditor.store.upgrade hands over.

A new migration: change auditor/store/schema.py, write versions/NNNN_what.py by hand, add its revision to REVISIONS.
The tests compare the result with a fresh schema, on both databases.
"""

from alembic import context

from auditor.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=False,  # the caller's transaction is the one
)
context.run_migrations()
