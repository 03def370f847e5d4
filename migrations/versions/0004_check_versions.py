"""By which code and which numbers each check judged."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "check_versions",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("check", sa.Text(), nullable=False),
        sa.Column("since_scan", ID, autoincrement=False, nullable=False),
        sa.Column("until_scan", ID, nullable=True),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("numbers", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("account", "check", "since_scan", name=op.f("pk_check_versions")),
        comment="By which code and which numbers a check judged an account: tells a changed check from a changed account.",
        sqlite_with_rowid=False,
    )
