"""The key of a finding whose ARN does not name the account that sees it is that account's own."""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_AT_ONCE = 10_000


def upgrade() -> None:
    connection = op.get_bind()
    last = 0
    while True:
        found = connection.execute(
            sa.text(
                "SELECT f.id, f.key, f.resource, s.account FROM findings f JOIN tallies t ON t.id = f.tally_id "
                "JOIN scopes s ON s.id = t.scope_id WHERE f.id > :last ORDER BY f.id LIMIT :some"
            ),
            {"last": last, "some": _AT_ONCE},
        ).all()
        if not found:
            return
        last = found[-1].id
        changed = [
            {"row": row.id, "key": hashlib.sha256(f"{row.key}\0{row.account}".encode()).hexdigest()[:32]}
            for row in found
            if row.account != _named(row.resource)
        ]
        if changed:
            connection.execute(sa.text("UPDATE findings SET key = :key WHERE id = :row"), changed)


def _named(arn: str) -> str:
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 and parts[0] == "arn" else ""
