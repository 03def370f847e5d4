"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "dictionaries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dictionaries")),
        comment="zstandard dictionaries, one or more for a kind of body (a resource type, findings).",
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("acquired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
        comment="Who may do what only one may do at a time.",
    )
    op.create_table(
        "prices",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published", sa.Text(), nullable=False),
        sa.Column("codec", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_prices")),
        comment="Answers of the Price List API.",
    )
    op.create_table(
        "scans",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("account_name", sa.Text(), nullable=False),
        sa.Column("partition", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("regions", sa.Text(), nullable=False),
        sa.Column("selection", sa.Text(), nullable=False),
        sa.Column("program_version", sa.Text(), nullable=False),
        sa.Column("standard_digest", sa.Text(), nullable=False),
        sa.Column("checks_digest", sa.Text(), nullable=False),
        sa.Column("statistics", sa.Text(), nullable=False),
        sa.Column("lease", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scans")),
        comment="One row per run; lease is the token of the lease it runs under.",
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_scans_account_id"), "scans", ["account", "id"], unique=False)
    op.create_table(
        "scopes",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scopes")),
        sa.UniqueConstraint("account", "region", "type", name=op.f("uq_scopes_account_region_type")),
        comment="A resource type in one account and region.",
    )
    op.create_table(
        "coverage",
        sa.Column("scan_id", ID, nullable=False),
        sa.Column("scope_id", ID, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("operation", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resources", sa.Integer(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("gaps", sa.Text(), nullable=True),
        sa.Column("codec", sa.Integer(), nullable=True),
        sa.Column("seen", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["scan_id"], ["scans.id"], name=op.f("fk_coverage_scan_id_scans")),
        sa.ForeignKeyConstraint(["scope_id"], ["scopes.id"], name=op.f("fk_coverage_scope_id_scopes")),
        sa.PrimaryKeyConstraint("scan_id", "scope_id", name=op.f("pk_coverage")),
        comment="How completely a scan read a scope; gaps: fields unread; seen: the resources it saw, when it did not see all.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "judgements",
        sa.Column("scan_id", ID, autoincrement=False, nullable=False),
        sa.Column("codec", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["scan_id"], ["scans.id"], name=op.f("fk_judgements_scan_id_scans")),
        sa.PrimaryKeyConstraint("scan_id", name=op.f("pk_judgements")),
        comment="Which tallies a scan judged: a narrower scan says nothing about the others.",
    )
    op.create_table(
        "observations",
        sa.Column("scan_id", ID, nullable=False),
        sa.Column("scope_id", ID, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("codec", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["scan_id"], ["scans.id"], name=op.f("fk_observations_scan_id_scans")),
        sa.ForeignKeyConstraint(["scope_id"], ["scopes.id"], name=op.f("fk_observations_scope_id_scopes")),
        sa.PrimaryKeyConstraint("scan_id", "scope_id", "seq", name=op.f("pk_observations")),
        comment="The fields that change by themselves, as one scan saw them: {resource id: [{field: value}, {field: gap}]}.",
    )
    op.create_table(
        "resources",
        sa.Column("id", ID, nullable=False),
        sa.Column("scope_id", ID, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("arn", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["scope_id"], ["scopes.id"], name=op.f("fk_resources_scope_id_scopes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resources")),
        sa.UniqueConstraint("scope_id", "digest", name=op.f("uq_resources_scope_id_digest")),
        comment="What exists or once existed; the name is the last one known.",
    )
    op.create_table(
        "scores",
        sa.Column("scan_id", ID, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("letter", sa.String(length=2), nullable=True),
        sa.Column("passed", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Integer(), nullable=False),
        sa.Column("not_applicable", sa.Integer(), nullable=False),
        sa.Column("waived", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["scan_id"], ["scans.id"], name=op.f("fk_scores_scan_id_scans")),
        sa.PrimaryKeyConstraint("scan_id", "seq", name=op.f("pk_scores")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tallies",
        sa.Column("id", ID, nullable=False),
        sa.Column("scope_id", ID, nullable=False),
        sa.Column("check", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["scope_id"], ["scopes.id"], name=op.f("fk_tallies_scope_id_scopes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tallies")),
        sa.UniqueConstraint("scope_id", "check", name=op.f("uq_tallies_scope_id_check")),
        comment="A check in an account and region.",
    )
    op.create_table(
        "findings",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("tally_id", ID, nullable=False),
        sa.Column("resource_id", ID, nullable=True),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.id"], name=op.f("fk_findings_resource_id_resources")),
        sa.ForeignKeyConstraint(["tally_id"], ["tallies.id"], name=op.f("fk_findings_tally_id_tallies")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
        sa.UniqueConstraint("key", name=op.f("uq_findings_key")),
        comment="A check's conclusion about a resource that is not a plain pass; its key never changes.",
    )
    op.create_index(op.f("ix_findings_tally_id"), "findings", ["tally_id"], unique=False)
    op.create_table(
        "tally_versions",
        sa.Column("tally_id", ID, nullable=False),
        sa.Column("since_scan", ID, nullable=False),
        sa.Column("until_scan", ID, nullable=True),
        sa.Column("passed", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Integer(), nullable=False),
        sa.Column("not_applicable", sa.Integer(), nullable=False),
        sa.Column("unread", sa.Boolean(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("codec", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["tally_id"], ["tallies.id"], name=op.f("fk_tally_versions_tally_id_tallies")),
        sa.PrimaryKeyConstraint("tally_id", "since_scan", name=op.f("pk_tally_versions")),
        comment="What a check concluded, in counts; which resources, in the body.",
    )
    op.create_index(op.f("ix_tally_versions_until_scan"), "tally_versions", ["until_scan"], unique=False)
    op.create_table(
        "versions",
        sa.Column("resource_id", ID, nullable=False),
        sa.Column("since_scan", ID, nullable=False),
        sa.Column("until_scan", ID, nullable=True),
        sa.Column("scope_id", ID, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("codec", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.id"], name=op.f("fk_versions_resource_id_resources")),
        sa.PrimaryKeyConstraint("resource_id", "since_scan", name=op.f("pk_versions")),
        comment="What a resource was like, and from which scan to which.",
    )
    op.create_index(op.f("ix_versions_scope_id_until_scan"), "versions", ["scope_id", "until_scan"], unique=False)
    op.create_table(
        "finding_versions",
        sa.Column("finding_id", ID, nullable=False),
        sa.Column("since_scan", ID, nullable=False),
        sa.Column("until_scan", ID, nullable=True),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("lifecycle", sa.String(length=16), nullable=False),
        sa.Column("ended", sa.String(length=16), nullable=True),
        sa.Column("opened_scan", ID, nullable=False),
        sa.Column("seen_scan", ID, nullable=True),
        sa.Column("usd_month", sa.Float(), nullable=True),
        sa.Column("hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("codec", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["finding_id"], ["findings.id"], name=op.f("fk_finding_versions_finding_id_findings")),
        sa.PrimaryKeyConstraint("finding_id", "since_scan", name=op.f("pk_finding_versions")),
        comment="lifecycle: why the version began; ended: why none follows; seen_scan: the last to see it fail.",
    )
    op.create_index(op.f("ix_finding_versions_until_scan"), "finding_versions", ["until_scan"], unique=False)
