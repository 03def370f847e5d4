"""The pages of a site over many accounts and nights: an index, a page for each account, bullet and check."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from auditor.kit import Check
from auditor.model import Severity
from auditor.report.charts import Line, charts, sparkline
from auditor.report.checked import check_view
from auditor.report.examples import case_json, shown_case
from auditor.report.html import render_page
from auditor.report.money import UNTAGGED
from auditor.report.summary import BulletSummary, Summary
from auditor.report.text import json_text, plural, short, visible
from auditor.report.view import CheckView, Counts, DateText, MoneyShare, NightView, Standing
from auditor.standard import Pattern, Standard

__all__ = ["AccountView", "SiteView", "folder_name", "render_site"]

STALE_DAYS = 2
"""An account whose last judged scan is older than this is pointed out."""
_CHARTED = 90
"""Nights in the charts of an account."""
_SPARKED = 30
_EXAMPLES = 2
_TOP = 8
_PLAIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,78}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account on the site."""

    account: str
    name: str
    """As its owner calls it; may be empty."""
    folder: str
    """Of its pages, below ``accounts/``."""
    scan: int
    """Its newest scan, however that ended."""
    status: str
    """How that scan ended: ``complete``, ``incomplete``, ``running``, ``interrupted``, ``failed``."""
    when: DateText
    """When that scan began."""
    latest: Summary | None = None
    """What its newest judged scan says; ``None``: none was judged yet."""
    day: str = ""
    """Of the newest judged scan, ``2026-06-15``."""
    age: int | None = None
    """Days between that and the day the site shows; never below 0."""
    nights: tuple[NightView, ...] = ()
    """Every judged night, oldest first."""
    reports: Mapping[str, str] = field(default_factory=dict)
    """Kind of report (``compliance``) -> file in the account's folder, of the newest judged scan."""
    kept: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """Scan -> kind of report -> file below the account's folder."""

    @property
    def title(self) -> str:
        """Its name, or its id."""
        return self.name or self.account

    @property
    def late(self) -> bool:
        """Whether its figures are too old to lean on."""
        return self.age is None or self.age > STALE_DAYS

    @property
    def broken(self) -> bool:
        """Whether its newest scan gave no figures: it was stopped, died or is still running."""
        return self.latest is None or self.latest.scan != self.scan

    @property
    def delta(self) -> float | None:
        """By how much its score moved since the night before; ``None`` where the two do not compare."""
        if len(self.nights) < 2:
            return None
        before, now = self.nights[-2:]
        if not before.comparable or before.score is None or now.score is None:
            return None
        return round(now.score - before.score, 1)

    @property
    def grew(self) -> int | None:
        """By how many its critical and high findings grew since the night before; ``None`` where the two do not compare."""
        if len(self.nights) < 2 or not self.nights[-2].comparable:
            return None
        before, now = (
            sum(night.severities[level] for level in (Severity.CRITICAL, Severity.HIGH)) for night in self.nights[-2:]
        )
        return now - before

    def count(self, *levels: Severity) -> int:
        """Return its open findings of LEVELS."""
        return sum(self.latest.severities[level] for level in levels) if self.latest else 0

    def sparks(self, section: str) -> tuple[Line, ...]:
        """Return a section's score over the last nights as lines."""
        return sparkline(self.nights[-_SPARKED:], section)


@dataclass(frozen=True, slots=True)
class SiteView:
    """All accounts as of a day, under today's standard and checks."""

    version: str
    """Of the program."""
    today: str
    """``2026-06-15``: ages are counted to it."""
    standard: Standard
    checks: Mapping[str, Check]
    actions: Mapping[str, Sequence[str]]
    """Check id -> the IAM actions its facts are read by."""
    accounts: tuple[AccountView, ...]

    @property
    def judged(self) -> tuple[AccountView, ...]:
        """Those that were judged."""
        return tuple(account for account in self.accounts if account.latest)

    @property
    def severities(self) -> Mapping[Severity, int]:
        """Open findings of all accounts."""
        return {level: sum(account.count(level) for account in self.accounts) for level in Severity}


def folder_name(id: str) -> str:
    """Return ID as the name of a folder or file: itself where it is plain, else what is plain of it, and a hash.

    The same for the same id, another one for every other id, also where case does not count.
    """
    if _PLAIN.fullmatch(id) and ".." not in id:
        return id
    plain = re.sub(r"[^a-z0-9]+", "-", id.lower()[:200]).strip("-")[:40]
    digest = sha256(id.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{plain}-{digest}" if plain else digest


def render_site(site: SiteView) -> Iterator[tuple[str, str]]:
    """Yield path and HTML of every page, each after those it links to, but for the parts of one whole; the index is the last."""
    order = sorted(site.checks.values(), key=lambda check: _place(check, site.standard))
    views = [check_view(check, _totals(site)) for check in order]
    files = {check.id: f"{folder_name(check.id)}.html" for check in order}
    common: dict[str, Any] = {"view": site, "files": files, "folder_name": folder_name}
    for account in site.accounts:
        yield (
            f"accounts/{account.folder}/index.html",
            render_page("site/account.html.j2", **common, root="../../", account=account,
                        charts=charts(account.nights[-_CHARTED:]), charted=_CHARTED),
        )  # fmt: skip
    served: Mapping[str, list[CheckView]] = defaultdict(list)
    for check, shown in zip(order, views, strict=True):
        for id in check.patterns:
            served[id].append(shown)
        yield (
            f"checks/{files[check.id]}",
            render_page(
                "site/check.html.j2", **common, root="../", check=shown, aliases=tuple(map(visible, check.aliases)),
                patterns=[site.standard[id] for id in check.patterns if id in site.standard],
                actions=site.actions.get(check.id, ()), examples=_examples(check), rows=_where(site, check.id),
            ),
        )  # fmt: skip
    for pattern in site.standard:
        yield (
            f"standard/{folder_name(pattern.id)}.html",
            render_page("site/bullet.html.j2", **common, root="../", pattern=pattern, numbers=_numbers(pattern),
                        checks=served[pattern.id], rows=_standing(site, pattern.id)),
        )  # fmt: skip
    yield (
        "checks/index.html",
        render_page("site/checks.html.j2", **common, root="../", checks=views, fails=_fails(site)),
    )
    yield (
        "standard/index.html",
        render_page(
            "site/standard.html.j2", **common, root="../", standings=_standings(site), standing=tuple(Standing)
        ),
    )
    yield (
        "index.html",
        render_page("site/index.html.j2", **common, root="", sentence=_sentence(site), moved=_moved(site),
                    notes=_notes(site), sections=_sections(site),
                    risks=_risks(site, views), shares=_shares(site)),
    )  # fmt: skip


def _place(check: Check, standard: Standard) -> tuple[int, int, str]:
    order = {pattern.id: number for number, pattern in enumerate(standard)}
    return min(order.get(id, len(order)) for id in check.patterns), check.severity.rank, check.id


def _totals(site: SiteView) -> Mapping[str, Counts]:
    """Return each check's verdicts in all accounts."""
    found: dict[str, Counts] = {}
    for account in site.judged:
        for id, more in account.latest.checks.items() if account.latest else ():
            held = found.get(id, Counts())
            found[id] = Counts(
                held.passed + more.passed, held.failed + more.failed, held.unknown + more.unknown,
                held.not_applicable + more.not_applicable, held.waived + more.waived,
            )  # fmt: skip
    return found


def _where(site: SiteView, check: str) -> list[tuple[AccountView, Counts]]:
    """Return the accounts in which a check ran, with its verdicts there; those with most failures first."""
    rows = [
        (account, account.latest.checks[check])
        for account in site.judged
        if account.latest and check in account.latest.checks
    ]
    return sorted(rows, key=lambda row: (-row[1].failed, -row[1].unknown, row[0].title.casefold(), row[0].account))


def _standing(site: SiteView, pattern: str) -> list[tuple[AccountView, BulletSummary]]:
    """Return how a bullet stands in each account, worst first."""
    rank = {standing: number for number, standing in enumerate(Standing)}
    rows = [
        (account, account.latest.bullets[pattern])
        for account in site.judged
        if account.latest and pattern in account.latest.bullets
    ]

    def key(row: tuple[AccountView, BulletSummary]) -> tuple[int, float, str, str]:
        score = row[1].score
        return rank[row[1].standing], 100.0 if score is None else score, row[0].title.casefold(), row[0].account

    return sorted(rows, key=key)


def _standings(site: SiteView) -> Mapping[str, Counter[Standing]]:
    """Return for each bullet in how many accounts it stands how."""
    return {pattern.id: Counter(row.standing for _, row in _standing(site, pattern.id)) for pattern in site.standard}


def _fails(site: SiteView) -> Counter[str]:
    """Return in how many accounts each check fails."""
    return Counter(id for a in site.judged if a.latest for id, counts in a.latest.checks.items() if counts.failed)


def _risks(site: SiteView, checks: Sequence[CheckView]) -> list[tuple[CheckView, int]]:
    """Return the worst checks that fail, each with the number of accounts: by severity, then by accounts and findings."""
    fails = _fails(site)
    failing = [check for check in checks if fails[check.id] and check.severity is not Severity.INFO]
    failing.sort(key=lambda check: (check.severity.rank, -fails[check.id], -check.counts.failed))
    return [(check, fails[check.id]) for check in failing[:_TOP]]


def _shares(site: SiteView) -> Mapping[str, Sequence[MoneyShare]]:
    """Return what can be saved a month by account and by tag, largest first; nothing where nothing can be saved."""
    paid = [account for account in site.judged if account.latest and account.latest.savings]
    if not paid:
        return {}
    found = {"account": [MoneyShare(short(a.title, 48), a.latest.savings, 0) for a in paid if a.latest]}
    for name in dict.fromkeys(name for a in paid if a.latest for name in a.latest.savings_by_tag):
        totals: dict[str, list[float]] = defaultdict(lambda: [0.0, 0])
        for account in paid:
            latest = account.latest
            if latest is None:
                continue
            # An account without that tag has all of its savings not tagged.
            for share in latest.savings_by_tag.get(name) or (MoneyShare(UNTAGGED, latest.savings, 0),):
                totals[share.name][0] += share.usd_month
                totals[share.name][1] += share.items
        found[name] = [MoneyShare(value, round(usd, 2), int(items)) for value, (usd, items) in totals.items()]
    return {name: sorted(shares, key=lambda share: (-share.usd_month, share.name)) for name, shares in found.items()}


def _sentence(site: SiteView) -> str:
    """Return the whole site in one sentence."""
    total, judged = len(site.accounts), site.judged
    if not total:
        return "Nothing has been scanned yet"
    if not judged:
        return f"{plural(total, 'account')}, and no scan that could be judged yet"
    if total == 1 and judged[0].latest:
        return judged[0].latest.verdict
    whole = len(judged) == total and all(a.latest and a.latest.known == a.latest.asked for a in judged)
    read = "" if whole else " in what could be read"
    for level in (Severity.CRITICAL, Severity.HIGH):
        if having := sum(account.count(level) > 0 for account in judged):
            head = "" if level is Severity.CRITICAL else f"No critical findings{read}; "
            return f"{head}{having:,} of {total:,} accounts {'has' if having == 1 else 'have'} {level} findings"
    return f"No critical or high findings{read}, in {total:,} accounts"


def _sections(site: SiteView) -> Mapping[str, str]:
    """Return id and name of the sections that some account has a score in; all where none has."""
    scored = {id for a in site.judged if a.latest for id, (score, _) in a.latest.sections.items() if score is not None}
    return {id: name for id, name in site.standard.sections.items() if id in scored or not scored}


def _moved(site: SiteView) -> str:
    """Return how the accounts' scores moved since the night before, in a sentence; nothing where none compares."""
    deltas = [account.delta for account in site.judged if account.delta is not None]
    if not deltas:
        return ""
    if len(site.accounts) == 1:
        return f"Since the night before: {_by(deltas[0])}" if deltas[0] else "The score is that of the night before"
    better, worse = sum(delta > 0 for delta in deltas), sum(delta < 0 for delta in deltas)
    same = len(deltas) - better - worse
    said = [(better, "better"), (worse, "worse"), (same, "as they were" if same != 1 else "as it was")]
    return f"Since the night before: {', '.join(f'{count:,} {words}' for count, words in said if count)}"


def _by(delta: float) -> str:
    return f"{abs(delta):.1f} points {'better' if delta > 0 else 'worse'}"


def _notes(site: SiteView) -> list[str]:
    """Return what one must know to lean on the figures."""
    said = []
    if late := sum(account.late for account in site.judged):
        said.append(f"{plural(late, 'account was', 'accounts were')} not judged for more than {STALE_DAYS} days")
    if broken := sum(account.broken for account in site.accounts):
        said.append(f"the newest scan of {plural(broken, 'account')} gave no figures")
    if unread := sum(a.latest.known < a.latest.asked for a in site.judged if a.latest):
        said.append(f"{plural(unread, 'account')} could not be read completely")
    if len({account.latest.digests for account in site.judged if account.latest}) > 1:
        said.append("not all were judged by the same standard and checks, so their scores do not compare")
    return said


def _numbers(pattern: Pattern) -> list[tuple[str, str]]:
    return [(visible(name), json_text(value)) for name, value in pattern.thresholds.items()]


def _examples(check: Check) -> list[tuple[str, str, str]]:
    """Return some of the check's own cases: what it makes of it, why, and the document as JSON."""
    return [
        (title, visible(case.why), "\n".join(map(visible, case_json(shown_case(check, case)).splitlines())))
        for title, cases in (
            ("It passes", check.passes),
            ("It fails", check.fails),
            ("It does not apply", check.skips),
            ("It cannot be known", check.unknowns),
        )
        for case in cases[:_EXAMPLES]
    ]
