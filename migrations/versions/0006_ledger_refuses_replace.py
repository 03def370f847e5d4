"""On SQLite the evidence ledger refuses REPLACE too, which takes rows away without asking the trigger of deletes."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER evidence_no_replace BEFORE INSERT ON evidence WHEN EXISTS (SELECT 1 FROM evidence "
            "WHERE id = NEW.id OR (account = NEW.account AND digest = NEW.digest)) "
            "BEGIN SELECT RAISE(ABORT, 'the evidence ledger is append-only'); END"
        )
