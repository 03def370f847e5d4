"""The tables. A change here needs a migration in ``migrations/versions`` and its revision in ``REVISIONS``.

Whatever lasts is kept as intervals of scan numbers: a row holds from ``since_scan`` on, until before ``until_scan``;
``until_scan`` NULL is current. A night in which nothing changed therefore adds coverage rows and nothing else.
Bodies are JSON; ``codec`` says how they are packed (``auditor.store.codec``).
"""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

from auditor.store.columns import ID, JsonText, Moment, SafeText

__all__ = [
    "HEAD",
    "REVISIONS",
    "coverage",
    "dictionaries",
    "finding_versions",
    "findings",
    "judgements",
    "leases",
    "metadata",
    "observations",
    "prices",
    "resources",
    "scans",
    "scopes",
    "scores",
    "tallies",
    "tally_versions",
    "versions",
]

REVISIONS = ("0001", "0002")
"""Every revision of the schema, oldest first; a revision that is not among them is a newer program's."""

HEAD = REVISIONS[-1]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

scopes = Table(
    "scopes",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account", SafeText, nullable=False),
    Column("region", SafeText, nullable=False),
    Column("type", SafeText, nullable=False),
    UniqueConstraint("account", "region", "type"),
    comment="A resource type in one account and region.",
)

scans = Table(
    "scans",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account", SafeText, nullable=False),
    Column("account_name", SafeText, nullable=False),
    Column("partition", SafeText, nullable=False),
    Column("status", String(16), nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("regions", JsonText, nullable=False),
    Column("selection", JsonText, nullable=False),
    Column("program_version", SafeText, nullable=False),
    Column("standard_digest", SafeText, nullable=False),
    Column("checks_digest", SafeText, nullable=False),
    Column("statistics", JsonText, nullable=False),
    Column("lease", String(64)),
    Column("types_digest", SafeText),
    Index(None, "account", "id"),
    comment="One row per run; lease is the token of the lease it runs under.",
    # A scan's number is never given twice, not even after the newest scan was deleted.
    sqlite_autoincrement=True,
)

coverage = Table(
    "coverage",
    metadata,
    Column("scan_id", ID, ForeignKey("scans.id"), primary_key=True),
    Column("scope_id", ID, ForeignKey("scopes.id"), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("operation", SafeText),
    Column("code", SafeText),
    Column("message", SafeText),
    Column("observed_at", Moment),
    Column("resources", Integer, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("gaps", JsonText),
    Column("codec", Integer),
    Column("seen", LargeBinary),
    Column("from_scan", ID),
    comment="How completely a scan read a scope; gaps: fields unread; seen: what it saw, when not all; from_scan: who read it.",
    sqlite_with_rowid=False,
)

observations = Table(
    "observations",
    metadata,
    Column("scan_id", ID, ForeignKey("scans.id"), primary_key=True),
    Column("scope_id", ID, ForeignKey("scopes.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("codec", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    comment="The fields that change by themselves, as one scan saw them: {resource id: [{field: value}, {field: gap}]}.",
)

resources = Table(
    "resources",
    metadata,
    Column("id", ID, primary_key=True),
    Column("scope_id", ID, ForeignKey("scopes.id"), nullable=False),
    # Of the ARN: an index of either database has room for it, whatever the ARN's length.
    Column("digest", LargeBinary(16), nullable=False),
    Column("arn", SafeText, nullable=False),
    Column("name", SafeText, nullable=False),
    UniqueConstraint("scope_id", "digest"),
    comment="What exists or once existed; the name is the last one known.",
)

versions = Table(
    "versions",
    metadata,
    Column("resource_id", ID, ForeignKey("resources.id"), primary_key=True),
    Column("since_scan", ID, primary_key=True),
    Column("until_scan", ID),
    # The resource's own, again: a scope's current resources are found by one index.
    Column("scope_id", ID, nullable=False),
    Column("hash", LargeBinary(16), nullable=False),
    Column("codec", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "scope_id", "until_scan"),
    comment="What a resource was like, and from which scan to which.",
)

tallies = Table(
    "tallies",
    metadata,
    Column("id", ID, primary_key=True),
    Column("scope_id", ID, ForeignKey("scopes.id"), nullable=False),
    Column("check", SafeText, nullable=False),
    UniqueConstraint("scope_id", "check"),
    comment="A check in an account and region.",
)

tally_versions = Table(
    "tally_versions",
    metadata,
    Column("tally_id", ID, ForeignKey("tallies.id"), primary_key=True),
    Column("since_scan", ID, primary_key=True),
    Column("until_scan", ID),
    Column("passed", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("not_applicable", Integer, nullable=False),
    Column("unread", Boolean, nullable=False),
    Column("hash", LargeBinary(16), nullable=False),
    Column("codec", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "until_scan"),
    comment="What a check concluded, in counts; which resources, in the body.",
)

findings = Table(
    "findings",
    metadata,
    Column("id", ID, primary_key=True),
    Column("key", SafeText, nullable=False, unique=True),
    Column("tally_id", ID, ForeignKey("tallies.id"), nullable=False, index=True),
    Column("resource_id", ID, ForeignKey("resources.id")),
    Column("resource", SafeText, nullable=False),
    Column("name", SafeText, nullable=False),
    comment="A check's conclusion about a resource that is not a plain pass; its key never changes.",
)

finding_versions = Table(
    "finding_versions",
    metadata,
    Column("finding_id", ID, ForeignKey("findings.id"), primary_key=True),
    Column("since_scan", ID, primary_key=True),
    Column("until_scan", ID),
    Column("verdict", String(16), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("lifecycle", String(16), nullable=False),
    Column("ended", String(16)),
    Column("opened_scan", ID, nullable=False),
    Column("seen_scan", ID),
    Column("usd_month", Float),
    Column("hash", LargeBinary(16), nullable=False),
    Column("codec", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "until_scan"),
    comment="lifecycle: why the version began; ended: why none follows; seen_scan: the last to see it fail.",
)

judgements = Table(
    "judgements",
    metadata,
    Column("scan_id", ID, ForeignKey("scans.id"), primary_key=True, autoincrement=False),
    Column("codec", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    comment="Which tallies a scan judged: a narrower scan says nothing about the others.",
)

scores = Table(
    "scores",
    metadata,
    Column("scan_id", ID, ForeignKey("scans.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("level", String(16), nullable=False),
    Column("id", SafeText, nullable=False),
    Column("value", Float),
    Column("letter", String(2)),
    Column("passed", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("not_applicable", Integer, nullable=False),
    Column("waived", Integer, nullable=False),
    sqlite_with_rowid=False,
)

prices = Table(
    "prices",
    metadata,
    Column("key", SafeText, primary_key=True),
    Column("fetched_at", Moment, nullable=False),
    Column("published", SafeText, nullable=False),
    Column("codec", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    comment="Answers of the Price List API.",
)

leases = Table(
    "leases",
    metadata,
    Column("name", SafeText, primary_key=True),
    Column("holder", SafeText, nullable=False),
    Column("token", String(64), nullable=False),
    Column("acquired_at", Moment, nullable=False),
    Column("heartbeat_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    comment="Who may do what only one may do at a time.",
)

dictionaries = Table(
    "dictionaries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", SafeText, nullable=False),
    Column("body", LargeBinary, nullable=False),
    comment="zstandard dictionaries, one or more for a kind of body (a resource type, findings).",
)
