"""The views: what the store knows as plain rows under documented names, for queries, exports and BI tools.

A view is told as of the end of a scan: it holds what was known then. Bodies are unpacked, moments are aware and in UTC,
JSON is text; text and JSON hold nothing that a database or a file format refuses.
"""

import json
import re
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from typing import Any

import orjson

from auditor.store import moments as read
from auditor.store.columns import plain
from auditor.store.moments import Moment

__all__ = ["VIEWS", "Column", "Kind", "View", "ViewRows"]

_REFUSED = re.compile("[\x00\ud800-\udfff]")
"""What PostgreSQL or UTF-8 have no place for."""


ViewRows = Generator[tuple[Any, ...]]
"""Rows of a view, values in the order of its columns."""


class Kind(StrEnum):
    """What a column holds; never a value of another kind, but for NULL."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    MOMENT = "moment"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a view."""

    name: str
    kind: Kind
    doc: str


@dataclass(frozen=True, slots=True)
class View:
    """A view: its columns, and what gives its rows."""

    name: str
    doc: str
    columns: tuple[Column, ...]
    _read: "Callable[[Moment], Iterator[Sequence[Any]]]"

    def only(self, names: Collection[str]) -> "View":
        """The view with those of its columns, or its first where it has none of them."""
        places = [place for place, column in enumerate(self.columns) if column.name in names] or [0]
        pick = itemgetter(*places) if len(places) > 1 else lambda row: (row[places[0]],)
        columns = tuple(self.columns[place] for place in places)
        return View(self.name, self.doc, columns, lambda moment: map(pick, self._read(moment)))

    def rows(self, moment: "Moment") -> ViewRows:
        """Stream the rows, values in the order of ``columns``; only a few thousand are held at a time."""
        makers = [_MAKERS.get(column.kind) for column in self.columns]
        for row in self._read(moment):
            yield tuple(
                value if make is None or value is None else make(value) for make, value in zip(makers, row, strict=True)
            )


# ---- what no database refuses ----------------------------------------------------------------------------------------


def _legible(text: str) -> str:
    r"""The text with NUL and halves of characters as ``\uXXXX``: no other place holds them."""
    if text.isascii() and "\x00" not in text:
        return text
    return _REFUSED.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _json(value: Any) -> str:
    """The value as JSON text."""
    try:
        text = orjson.dumps(value, default=plain).decode()
    except TypeError:  # halves of characters, or numbers beyond 64 bits
        text = ""
    if text and "\\u0000" not in text:
        return text
    try:
        return json.dumps(_cleaned(value), default=plain, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:  # what nests hundreds deep
        return '"nested too deeply to be shown"'


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return _legible(value)
    if isinstance(value, Mapping):
        return {_legible(str(name)): _cleaned(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(inner) for inner in value]
    return value


_MAKERS: Mapping[Kind, Callable[[Any], Any]] = {Kind.TEXT: _legible, Kind.JSON: _json, Kind.BOOLEAN: bool}


# ---- their names -----------------------------------------------------------------------------------------------------


def _columns(lines: str) -> tuple[Column, ...]:
    """Columns told in lines: name, kind, what it is."""
    parts = [line.split(maxsplit=2) for line in lines.strip().splitlines()]
    return tuple(Column(name, Kind(kind), doc) for name, kind, doc in parts)


_SCOPE = """
account text the account's id
region text the region, or `global`
type text the resource type, `AWS::RDS::DBInstance`
"""
_THING = f"""{_SCOPE}
arn text the resource's id, an ARN
name text its name
tags json its tags, an object
"""
_DESCRIBED = "document json what its API said of it, under the API's own field names"
_FIELD_GAPS = "gaps json the fields that could not be read: an object of field to operation, code and message"
_FINDING = f"""
key text the finding's key, which never changes
check text the check's id
{_SCOPE}
resource text the resource's ARN
"""
_TOLD = """
name text the resource's name
evidence text what was observed, in sentences
facts json the values behind the sentences, a list with an object for each
reason text why it is unknown, or was not verified
gaps json what could not be read: a list of operation, code and message
saving_usd_month number what mending it saves, in USD a month; NULL when nothing or not priced
saving_formula text how that amount is made
saving_certainty text `exact`, `estimate` or `upper_bound`
fault boolean true when the check itself broke
"""
_WAIVED = """
waived boolean true when it fails and is accepted: it weighs nothing
waived_until text the last day of the waiver, `2026-12-31`
waived_by text who answers for it
waived_for text why it is accepted
waived_ticket text where it is tracked
waived_in text where the waiver is written
"""
_SAID = """
scan integer the scan that took it into account, the one that speaks for its account; NULL: none has yet
account text the account of that scan; before, the one it is limited to
check text the check it is about; empty: `pattern` says what
pattern text the bullet it is about
resource text a glob of the ARN or the name; empty: any
for_account text the account it is limited to; empty: any
for_region text the region it is limited to; empty: any
"""
_WRITTEN = """
until text the last day it holds, `2026-12-31`
written_in text file and line, or who put it into the store and when
recorded_by text who put it into the store
recorded_at moment when; NULL for one of a file
"""
_SCORED = """
scan integer the scan's number
account text the account's id
scanned_at moment when the scan began
level text `account`, `section`, `group` or `pattern`
id text the pattern's or section's id; the account's id for the account
value number 0 to 100; NULL when nothing passed or failed
letter text the score's letter
passed integer how many verdicts were a pass
failed integer how many were a fail
unknown integer how many were unknown; they do not count in the score
not_applicable integer how many did not apply
waived integer how many fails are waived
strict number what the value would be if nothing were waived
"""
_COVERED = f"""
scan integer the scan's number
{_SCOPE}
state text `complete`, `partial`, `denied`, `failed` or `not_offered`
operation text the call that failed, when the state is not complete
code text its error code
message text its error message
observed_at moment when the first answer came, by AWS's clock
resources integer how many resources were read
calls integer how many calls were made
gaps json the fields that could not be read of some resource: an object of field to operation, code and message
"""


def _made(name: str, doc: str, lines: str, read: Callable[[Moment], Iterator[Sequence[Any]]]) -> View:
    told = "\n".join(line for line in lines.splitlines() if line.strip())
    return View(name, doc, _columns(told), read)


VIEWS: Mapping[str, View] = {
    view.name: view
    for view in (
        _made(
            "scans", "Every scan.",
            """
            scan integer the scan's number
            account text the account's id
            account_name text what people call the account
            partition text `aws`, `aws-cn`, …
            status text `running`, `complete`, `incomplete`, `interrupted`, `failed` or `pruned`
            started_at moment when it began
            finished_at moment when it ended; NULL while it has not
            regions json the regions asked for, a list
            selection json what narrowed it, an object; empty: everything
            calls integer how many calls it made
            judged boolean whether its inventory was judged
            program_version text the auditor's version
            standard_digest text the standard it was judged by last
            checks_digest text the checks it was judged by last
            """,
            read.scans,
        ),
        _made(
            "resources",
            "What exists, as far as is known. A resource whose scope could not be read last time is as it was last seen; "
            "`coverage` says so.",
            f"""{_THING}
            {_DESCRIBED}; fields that change by themselves are those of scan `read_scan`
            {_FIELD_GAPS}
            since_scan integer the scan that first saw it so
            since moment when that scan began
            coverage text how its scope was read last: `complete`, `partial`, `denied`, …
            read_scan integer the scan that tried last to read its scope
            read_at moment when that was, by AWS's clock
            """,
            read.resources,
        ),
        _made(
            "resources_history", "Every version of every resource, without the fields that change by themselves.",
            f"""{_THING}
            {_DESCRIBED}
            {_FIELD_GAPS}
            since_scan integer the first scan that saw it so
            since moment when that scan began
            until_scan integer the first scan that saw it otherwise or gone; NULL: it still holds
            until moment when that scan began
            """,
            read.resources_history,
        ),
        _made(
            "findings",
            "What fails and what is unknown. One that failed and could not be judged any more has verdict `unknown` and "
            "lifecycle `unverified`.",
            f"""{_FINDING}
            verdict text `fail` or `unknown`
            severity text `critical`, `high`, `medium`, `low` or `info`
            lifecycle text `opened`, `open`, `reopened` or `unverified`
            since_scan integer the scan that opened it
            since moment when that scan began
            last_seen moment the last scan that saw this verdict
            {_TOLD}{_WAIVED}""",
            read.findings,
        ),
        _made(
            "findings_history", "Every version of every finding, with how it ended.",
            f"""{_FINDING}
            verdict text `fail` or `unknown`
            severity text `critical`, `high`, `medium`, `low` or `info`
            lifecycle text why this version began: `opened`, `open`, `reopened` or `unverified`
            opened_scan integer the scan that opened the finding
            opened moment when that scan began
            since_scan integer the scan with which this version began
            since moment when that scan began
            until_scan integer the scan with which it ended; NULL: it still holds
            until moment when that scan began
            ended text `resolved` or `vanished` when nothing followed
            {_TOLD}""",
            read.findings_history,
        ),
        _made(
            "scores",
            "The scores of each account's newest scan; where that was narrowed, of one of the week before that was not.",
            _SCORED, read.scores,
        ),
        _made("scores_history", "The scores of all scans.", _SCORED, read.scores_history),
        _made(
            "evidence", "The evidence ledger: dated facts that AWS forgets, each once.",
            """
            kind text `failover`, `experiment`, `copy`, `recovery-point`, `key-use`, …
            happened moment when it happened
            about text what it happened to: an ARN where the API gives one, else a name
            account text the account's id
            region text the region, or `global`
            type text the resource type that it was read as
            arn text the id that it was read as
            name text its name
            operation text the API operation that told it
            scan integer the scan that saw it first
            seen moment when that scan began
            document json what the API said of it, under the API's own field names
            """,
            read.evidence,
        ),
        _made(
            "waivers", "Waivers, as the scan that speaks for each account took them: what each came to.",
            f"""{_SAID}
            tag text `key=value` that the resource carries; empty: any
            state text `active`, `ending`, `expired`, `unused`, `unknown`, `unread`, or `pending`: no scan has taken it yet
            findings integer how many failures it waives; of an expired one, would waive
            reason text why they are accepted
            owner text who answers for it
            ticket text where it is tracked
            {_WRITTEN}""",
            read.waivers_told,
        ),
        _made(
            "attestations", "Attestations, as the scan that speaks for each account took them: which verdicts stand on each.",
            f"""{_SAID}
            state text `holds`, `void` (it proves nothing), or `pending`: no scan has taken it yet
            fault text why it proves nothing
            verdicts json the verdicts that were given by it: a list of check and resource
            statement text what is stated
            author text who states it
            given text the day it was stated, `2026-11-28`
            evidence text a URL, or a file
            sha256 text the file's hash
            {_WRITTEN}""",
            read.attestations_told,
        ),
        _made("coverage", "How completely each scope was read the last time.", _COVERED, read.coverage),
        _made("coverage_history", "How completely each scan read each scope.", _COVERED, read.coverage_history),
        _made(
            "savings",
            "What failing findings that are not waived say can be saved, a row for each. The report adds up the largest of "
            "each resource, without commitments.",
            f"""{_FINDING}
            name text the resource's name
            severity text `critical`, `high`, `medium`, `low` or `info`
            usd_month number USD a month; NULL: it could not be priced
            formula text how the amount is made
            certainty text `exact`, `estimate` or `upper_bound`
            prices json the prices in it: a list of usd, unit, item, source, as_of, certainty and region_factor
            since moment when the finding was opened
            """,
            read.savings,
        ),
    )
}  # fmt: skip
"""The views by name. Names and columns are only ever added to."""
