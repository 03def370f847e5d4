"""A scan that continues another says whose coverage it took over, and scans say how types were read."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("scans", sa.Column("types_digest", sa.Text(), nullable=True))
    op.add_column("coverage", sa.Column("from_scan", ID, nullable=True))
    if op.get_bind().dialect.name != "sqlite":
        said = "gaps: fields unread; seen: what it saw, when not all; from_scan: who read it."
        op.create_table_comment("coverage", f"How completely a scan read a scope; {said}")
