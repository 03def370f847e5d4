"""Waivers, attestations, and the evidence ledger; scores also say what they would be without waivers."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REFUSAL = "the evidence ledger is append-only"


def _said(table: str, comment: str, *own: sa.Column[str]) -> None:
    op.create_table(
        table,
        sa.Column("id", ID, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("check", sa.Text(), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        *own,
        sa.Column("until", sa.String(length=10), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("digest", name=op.f(f"uq_{table}_digest")),
        comment=comment,
    )


def upgrade() -> None:
    op.add_column("scores", sa.Column("strict", sa.Float(), nullable=True))
    op.execute("UPDATE scores SET strict = value")
    _said(
        "waivers",
        "Waivers made by command (place is empty), and those of files that ever waived something.",
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
    )
    _said(
        "attestations",
        "Attestations made by command; never changed but to be revoked.",
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("given", sa.String(length=10), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
    )
    op.create_table(
        "waivings",
        sa.Column("finding_id", ID, nullable=False),
        sa.Column("since_scan", ID, nullable=False),
        sa.Column("until_scan", ID, nullable=True),
        sa.Column("waiver_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["findings.id"], name=op.f("fk_waivings_finding_id_findings"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["waiver_id"], ["waivers.id"], name=op.f("fk_waivings_waiver_id_waivers")),
        sa.PrimaryKeyConstraint("finding_id", "since_scan", name=op.f("pk_waivings")),
        comment="Which waiver took a failing finding's weight, from which scan to which.",
    )
    op.create_index(op.f("ix_waivings_until_scan"), "waivings", ["until_scan"], unique=False)
    op.create_table(
        "acceptances",
        sa.Column("scan_id", ID, autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["scan_id"], ["scans.id"], name=op.f("fk_acceptances_scan_id_scans"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("scan_id", name=op.f("pk_acceptances")),
        comment="The waivers and attestations that stood in a scan, what came of each, and what was told of them.",
    )
    op.create_table(
        "evidence",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("scan_id", ID, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
        sa.UniqueConstraint("account", "digest", name=op.f("uq_evidence_account_digest")),
        comment="Dated facts that AWS forgets. Append-only: triggers refuse every update and delete.",
    )
    op.create_index(op.f("ix_evidence_account_type_at"), "evidence", ["account", "type", "at"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        for word in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER evidence_no_{word} BEFORE {word} ON evidence "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION auditor_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER evidence_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence "
        "FOR EACH STATEMENT EXECUTE FUNCTION auditor_append_only()"
    )
