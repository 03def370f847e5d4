"""Waivers: read from files, and laid over the findings of a scan. They take a failure's weight, never its verdict."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from auditor.acceptance import Accepted, Waiver, WaiverUse
from auditor.kit.arn import region_of
from auditor.kit.check import Check
from auditor.ledger.entries import Entry, Field, Form, day, read_entries
from auditor.model import GLOBAL, Finding, Scan, Tally, Verdict
from auditor.tomlfile import nearest, shown

__all__ = ["FORM", "lay", "read_waivers", "waiver_of"]

FORM = Form(
    "waiver",
    {
        "check": Field(),
        "pattern": Field(),
        "resource": Field(),
        "tag": Field("tag"),
        "account": Field("account"),
        "region": Field("region"),
        "reason": Field(required=True),
        "owner": Field(required=True),
        "ticket": Field(),
        "until": Field("day", required=True),
    },
)

Tags = Callable[[Finding], Mapping[str, str] | None]
"""Returns the tags of a finding's resource; ``None`` when they could not be read."""


def read_waivers(path: Path, max_days: int, today: date) -> tuple[list[Waiver], list[str]]:
    """Return the waivers of the file at PATH, and a line for everything that is wrong in it."""
    entries, faults = read_entries(path, FORM, max_days, today)
    return [waiver_of(entry) for entry in entries], faults


def waiver_of(entry: Entry) -> Waiver:
    """Return the waiver a well-formed entry stands for."""
    return Waiver(**{**entry.values, "until": day(entry.values["until"])}, place=entry.place)


def lay(
    waivers: Sequence[Waiver],
    findings: Iterable[Finding],
    tallies: Iterable[Tally],
    checks: Mapping[str, Check],
    patterns: Iterable[str],
    tags: Tags,
    scan: Scan,
    today: date,
    announce_days: int,
    regions: Collection[str] = (),
) -> Accepted:
    """Lay WAIVERS over SCAN as of the day TODAY and return which finding is waived by which, and what is to be told.

    CHECKS and PATTERNS (ids) are all there are; a waiver of another one is told. Of several waivers of a finding the one
    that ends last counts. One that matches nothing is told as unused only where all it is about was read: in its region, or
    in all REGIONS that anything of the account was ever read in.
    """
    waivers = [waiver for waiver in waivers if waiver.account in ("", scan.account)]
    layer = _Layer(waivers, checks, tags, today)
    for finding in findings:
        layer.put(finding)
    blind = {tally.check for tally in tallies if tally.unread}
    judged = {tally.check for tally in tallies}
    known = set(patterns)
    uses = []
    for number, waiver in enumerate(waivers):
        concerned = layer.checks_of(waiver)
        region = waiver.region or _plain_region(waiver.resource)
        everywhere = {GLOBAL, *scan.regions}.issuperset([region] if region else regions)
        seen = concerned <= judged and not concerned & blind and everywhere
        exists = bool(concerned) or waiver.pattern in known
        state = _state(waiver, exists, layer.matched[number], seen, today, announce_days)
        uses.append(WaiverUse(waiver, state, layer.failing[number]))
    return Accepted(layer.waived, tuple(uses), notices=tuple(_notices(uses, checks, known, today)))


class _Layer:
    """Findings as they are matched, each by the few waivers about its check."""

    def __init__(self, waivers: Sequence[Waiver], checks: Mapping[str, Check], tags: Tags, today: date) -> None:
        self.waived: dict[str, Waiver] = {}
        self.matched = [False] * len(waivers)
        self.failing = [0] * len(waivers)
        self._tags = tags
        self._today = today
        # The one that ends last comes first; among those that end together, the first that was written.
        self._ordered = sorted(enumerate(waivers), key=lambda pair: (-pair[1].until.toordinal(), pair[0]))
        self._checks = checks
        self._about: dict[str, list[tuple[int, Waiver]]] = {}

    def checks_of(self, waiver: Waiver) -> set[str]:
        """Return the ids of the checks it is about."""
        return {id for id, check in self._checks.items() if waiver.is_about(id, check.aliases, check.patterns)}

    def put(self, finding: Finding) -> None:
        """Lay the waivers over one finding."""
        about = self._about.get(finding.check)
        if about is None:
            check = self._checks.get(finding.check)
            former, patterns = (check.aliases, check.patterns) if check else ((), ())
            about = [pair for pair in self._ordered if pair[1].is_about(finding.check, former, patterns)]
            self._about[finding.check] = about
        for number, waiver in about:
            fits = waiver.waives(
                finding.account, finding.region, finding.resource, finding.name, lambda: self._tags(finding)
            )
            if fits is False:
                continue
            self.matched[number] = True
            if fits is None or finding.verdict is not Verdict.FAIL:
                continue  # not known, or nothing to waive yet
            if waiver.until < self._today:
                self.failing[number] += 1
            elif finding.key not in self.waived:
                self.waived[finding.key] = waiver
                self.failing[number] += 1


def _plain_region(resource: str) -> str:
    """Return the region a waiver's ARN names; empty where it is a glob, or none."""
    region = region_of(resource)
    return "" if "*" in region or "?" in region else region


def _state(waiver: Waiver, exists: bool, matched: bool, seen: bool, today: date, announce_days: int) -> str:
    if not exists:
        return "unknown"
    if waiver.until < today:
        return "expired"
    if not matched:
        return "unused" if seen else "unread"
    return "ending" if waiver.until <= today + timedelta(days=announce_days) else "active"


def _notices(
    uses: Iterable[WaiverUse], checks: Mapping[str, Check], patterns: Iterable[str], today: date
) -> Iterable[str]:
    for use in uses:
        waiver = use.waiver
        said = f"the waiver of {shown(waiver.subject)} by {shown(waiver.owner)} ({shown(waiver.source)})"
        if use.state == "unknown":
            names = checks if waiver.check else patterns
            kind = "check" if waiver.check else "pattern"
            yield f"{said} waives nothing: there is no such {kind}{nearest(waiver.subject, names)}"
        elif use.state == "expired":
            back = f": {_findings(use.findings)} again" if use.findings else ""
            yield f"{said} ended on {waiver.until}{back}"
        elif use.state == "unused":
            yield f"{said} matches nothing: take it away"
        elif use.state == "ending":
            days = (waiver.until - today).days
            left = f"in {days} day{'s' if days != 1 else ''}" if days else "today"
            yield f"{said} ends {left}, on {waiver.until}: {_findings(use.findings)} then"


def _findings(count: int) -> str:
    return f"{count:,} finding{'s count' if count != 1 else ' counts'}"
