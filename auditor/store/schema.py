"""The tables. A change here needs a migration in ``migrations/versions`` and its revision in ``REVISIONS``.

Whatever lasts is kept as intervals of scan numbers: a row holds from ``since_scan`` on, until before ``until_scan``;
``until_scan`` NULL is current. A night in which nothing changed therefore adds coverage rows and nothing else.
Bodies are JSON; ``codec`` says how they are packed (``auditor.store.codec``).
"""

from typing import Any

from sqlalchemy import (
    DDL,
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
    event,
)

from auditor.store.columns import ID, JsonText, Moment, SafeText

__all__ = [
    "HEAD",
    "REVISIONS",
    "acceptances",
    "attestations",
    "check_versions",
    "coverage",
    "dictionaries",
    "evidence",
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
    "waivers",
    "waivings",
]

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006")
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

check_versions = Table(
    "check_versions",
    metadata,
    Column("account", SafeText, primary_key=True),
    Column("check", SafeText, primary_key=True),
    Column("since_scan", ID, primary_key=True, autoincrement=False),
    Column("until_scan", ID),
    Column("code", String(32), nullable=False),
    Column("numbers", String(32), nullable=False),
    comment="By which code and which numbers a check judged an account: tells a changed check from a changed account.",
    sqlite_with_rowid=False,
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
    Column("waived", Integer, nullable=False),  # how many of the failed are
    Column("strict", Float),  # what the value would be if nothing were waived
    sqlite_with_rowid=False,
)


def _said(*own: Column[Any]) -> tuple[Column[Any], ...]:
    """Columns that waivers and attestations share, around their OWN; days are YYYY-MM-DD."""
    return (
        Column("id", ID, primary_key=True),
        Column("digest", LargeBinary(16), nullable=False, unique=True),
        Column("check", SafeText, nullable=False),
        Column("pattern", SafeText, nullable=False),
        Column("resource", SafeText, nullable=False),
        Column("account", SafeText, nullable=False),
        Column("region", SafeText, nullable=False),
        *own,
        Column("until", String(10), nullable=False),
        Column("place", SafeText, nullable=False),
        Column("recorded_by", SafeText, nullable=False),
        Column("recorded_at", Moment),
        Column("revoked_at", Moment),
        Column("revoked_by", SafeText, nullable=False),
    )


waivers = Table(
    "waivers",
    metadata,
    *_said(
        Column("tag", SafeText, nullable=False),
        Column("reason", SafeText, nullable=False),
        Column("owner", SafeText, nullable=False),
        Column("ticket", SafeText, nullable=False),
    ),
    comment="Waivers made by command (place is empty), and those of files that ever waived something.",
)

attestations = Table(
    "attestations",
    metadata,
    *_said(
        Column("statement", SafeText, nullable=False),
        Column("author", SafeText, nullable=False),
        Column("given", String(10), nullable=False),
        Column("evidence", SafeText, nullable=False),
        Column("sha256", String(64), nullable=False),
    ),
    comment="Attestations made by command; never changed but to be revoked.",
)

waivings = Table(
    "waivings",
    metadata,
    Column("finding_id", ID, ForeignKey("findings.id", ondelete="CASCADE"), primary_key=True),
    Column("since_scan", ID, primary_key=True),
    Column("until_scan", ID),
    Column("waiver_id", ID, ForeignKey("waivers.id"), nullable=False),
    Index(None, "until_scan"),
    comment="Which waiver took a failing finding's weight, from which scan to which.",
)

acceptances = Table(
    "acceptances",
    metadata,
    Column("scan_id", ID, ForeignKey("scans.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("body", JsonText, nullable=False),
    comment="The waivers and attestations that stood in a scan, what came of each, and what was told of them.",
)

evidence = Table(
    "evidence",
    metadata,
    Column("id", ID, primary_key=True),
    Column("account", SafeText, nullable=False),
    # Of kind, region, type, resource and moment: what tells a fact from all others of its account.
    Column("digest", LargeBinary(16), nullable=False),
    Column("kind", SafeText, nullable=False),
    Column("region", SafeText, nullable=False),
    Column("type", SafeText, nullable=False),
    Column("resource", SafeText, nullable=False),
    Column("about", SafeText, nullable=False),
    Column("name", SafeText, nullable=False),
    Column("at", Moment, nullable=False),
    Column("operation", SafeText, nullable=False),
    Column("document", JsonText, nullable=False),
    # No foreign key: the evidence outlives the scan that saw it first.
    Column("scan_id", ID, nullable=False),
    Column("seen_at", Moment, nullable=False),
    UniqueConstraint("account", "digest"),
    Index(None, "account", "type", "at"),
    comment="Dated facts that AWS forgets. Append-only: triggers refuse every update and delete.",
)


def _ddl(statement: str, dialect: str) -> DDL:
    return DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]


_REFUSAL = "the evidence ledger is append-only"

_NO = "CREATE TRIGGER evidence_no_{0} BEFORE {0} ON evidence BEGIN SELECT RAISE(ABORT, '{1}'); END"
# REPLACE takes rows away without asking the trigger of deletes. NEW.id is -1 where SQLite is to choose the number.
_NO_REPLACE = (
    "CREATE TRIGGER evidence_no_replace BEFORE INSERT ON evidence WHEN EXISTS (SELECT 1 FROM evidence "
    "WHERE id = NEW.id OR (account = NEW.account AND digest = NEW.digest)) BEGIN SELECT RAISE(ABORT, '{0}'); END"
)
_FUNCTION = """CREATE OR REPLACE FUNCTION auditor_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{0}'; END $$"""
_TRIGGER = """CREATE TRIGGER evidence_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence
FOR EACH STATEMENT EXECUTE FUNCTION auditor_append_only()"""
_TRIGGERS = {
    "sqlite": [_NO.format("update", _REFUSAL), _NO.format("delete", _REFUSAL), _NO_REPLACE.format(_REFUSAL)],
    "postgresql": [_FUNCTION.format(_REFUSAL), _TRIGGER],
}
for _dialect, _statements in _TRIGGERS.items():
    for _statement in _statements:
        event.listen(evidence, "after_create", _ddl(_statement, _dialect))

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
