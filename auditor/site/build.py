"""From the store to a site: each account's nights, the reports of the newest ones, and the pages that lead to them."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256

from auditor import __version__
from auditor.aws.permissions import actions
from auditor.collect.declare import ResourceType
from auditor.collect.plan import make_plan
from auditor.errors import UsageError
from auditor.kit.check import Check
from auditor.model import Scan, Severity
from auditor.report import ReportView, build_view, file_names, write_reports
from auditor.report.changes import night_view
from auditor.report.html import look
from auditor.report.site import AccountView, SiteView, folder_name, render_site
from auditor.report.summary import SCHEMA as SUMMARY_SCHEMA
from auditor.report.summary import Summary, summary_from, summary_json, summary_of
from auditor.report.text import moment, visible
from auditor.reporting import report_inputs
from auditor.savings import priced
from auditor.site.folder import SiteFolder
from auditor.standard import Standard
from auditor.store import Store
from auditor.tomlfile import shown
from auditor.trend import Night

__all__ = ["REPORTS", "Built", "build_site"]

log = logging.getLogger("auditor.site")

_FORMATS = ("html", "json")
_SUMMARY = "summary.json"
REPORTS: Mapping[str, str] = {
    "JSON" if name == "report.json" else name.partition(".")[0]: name for name in file_names(_FORMATS)
}
"""Kind of report -> its file, in the account's folder and in that of every night that is kept."""
_ABOVE = ("This account", "All accounts")
"""What every report leads back to: the account's page and the index."""
_ROWS = 10_000
"""Nights of an account that the site shows at most."""


@dataclass(frozen=True, slots=True)
class Built:
    """What a run did to a site."""

    accounts: int
    nights: int
    """Nights whose reports the site holds."""
    written: tuple[str, ...]
    """Paths of the files that are new or changed."""
    removed: tuple[str, ...]


def build_site(
    store: Store,
    folder: SiteFolder,
    standard: Standard,
    checks: Mapping[str, Check],
    types: Mapping[str, ResourceType],
    *,
    today: date,
    accounts: Iterable[str] = (),
    nights: int = 30,
) -> Built:
    """Bring the site in FOLDER up to date with the store, as of TODAY (UTC); only what is new or changed is written.

    ACCOUNTS are ids (none: all of the store). Of each account the full reports of the newest NIGHTS judged nights are kept,
    at least one; older nights stay in its table. Files are written before the pages that link to them, and removed after.
    Raises UsageError for an account that is not in the store, and when the site is about accounts that this run would leave
    out; ReportError and StoreError.
    """
    known, asked = store.accounts(), tuple(accounts)
    if unknown := [id for id in asked if id not in known]:
        raise UsageError(f"no account in the store has the id {shown(unknown[0])}; `auditor scans` lists them")
    chosen = {id: known[id] for id in asked or known}
    if missing := [id for id in folder.accounts if id not in chosen]:
        named = ", ".join(shown(folder.accounts[id] or id) for id in missing[:3]) + (", …" if len(missing) > 3 else "")
        raise UsageError(
            f"the site in {shown(str(folder.root))} is also about {named}, which this run would leave out "
            "(another store, or fewer --account): name another folder"
        )
    views = []
    held = 0
    for number, (id, newest) in enumerate(chosen.items(), 1):
        log.info("account %s of %s: %s", number, len(chosen), newest.account_name or id)
        folder.accounts[id] = newest.account_name
        view = _Account(store, folder, standard, checks, types, newest).view(max(1, nights), today)
        held += len(view.kept)
        views.append(view)
    site = SiteView(
        version=__version__,
        today=today.isoformat(),
        standard=standard,
        checks=checks,
        actions={id: _actions(check, types) for id, check in checks.items()},
        accounts=tuple(sorted(views, key=_worst_first)),
    )
    pages = [(path, html.encode("utf-8", "backslashreplace")) for path, html in render_site(site)]
    changed = [(path, data) for path, data in pages if not folder.holds(path, data)]
    if changed:
        folder.claim(path for path, _ in changed)
    for path, data in changed:
        folder.put(path, data)
    folder.finish()
    return Built(len(views), held, tuple(folder.written), tuple(folder.removed))


def _worst_first(account: AccountView) -> tuple[bool, int, int, float, str, str]:
    latest = account.latest
    if latest is None:
        return True, 0, 0, 0.0, account.title.casefold(), account.account
    critical, high = account.count(Severity.CRITICAL), account.count(Severity.HIGH)
    score = 100.0 if latest.score is None else latest.score
    return False, -critical, -high, score, account.title.casefold(), account.account


@dataclass(frozen=True, slots=True)
class _Account:
    """One account, whose newest scan is NEWEST, on its way to the site."""

    store: Store
    folder: SiteFolder
    standard: Standard
    checks: Mapping[str, Check]
    types: Mapping[str, ResourceType]
    newest: Scan
    _made: dict[int, ReportView] = field(default_factory=dict)

    def view(self, nights: int, today: date) -> AccountView:
        """Write the reports that are not there yet, and return what the pages say of the account."""
        finished = self.store.latest_scan(self.newest.account)
        last = self.store.widest_scan(finished).id if finished else None
        rows = self.store.nights(self.newest.account, _ROWS, by=last, counting=priced(self.checks.values()))
        kept, latest = {}, None
        for previous, night in list(zip((None, *rows), rows, strict=False))[-nights:]:
            key = self._key(night, previous)
            kept[night.scan.id] = self._night(night, key)
            if night is rows[-1]:
                latest = self._latest(night, key)
        day = rows[-1].scan.started_at.date() if rows else None
        return AccountView(
            account=visible(self.newest.account),
            name=visible(self.newest.account_name),
            folder=self._name,
            scan=self.newest.id,
            status=str(self.newest.status),
            when=moment(self.newest.started_at),
            latest=latest,
            day=day.isoformat() if day else "",
            age=max(0, (today - day).days) if day else None,
            nights=tuple(map(night_view, rows)),
            reports=REPORTS if latest else {},
            kept={scan: {kind: f"{place}/{file}" for kind, file in REPORTS.items()} for scan, place in kept.items()},
        )

    @property
    def _name(self) -> str:
        return folder_name(self.newest.account)

    @property
    def _base(self) -> str:
        return f"accounts/{self._name}"

    def _night(self, night: Night, key: str) -> str:
        """Have the reports of a night, which depend on what KEY names; return their folder, below the account's."""
        place = f"nights/{night.scan.started_at:%Y-%m-%d}-scan-{night.scan.id}"
        self._reports(night, f"{self._base}/{place}", key, "../../")
        return place

    def _latest(self, night: Night, key: str) -> Summary:
        """Have the newest night's reports in the account's own folder too, at an address that stays; return the summary."""
        self._reports(night, self._base, key, "")
        path = f"{self._base}/{_SUMMARY}"
        summary = summary_from(self.folder.read(path))
        if summary is None:
            summary = summary_of(self._view(night.scan))
            self.folder.claim([path])
            self.folder.put(path, summary_json(summary), key)
        return summary

    def _reports(self, night: Night, place: str, key: str, back: str) -> None:
        """Have a night's reports in the folder PLACE; BACK leads from there to the account's."""
        files = {name: f"{place}/{name}" for name in (*REPORTS.values(), _SUMMARY)}
        if self.folder.same(files.values(), key):
            return
        log.info("reports of scan %s of account %s", night.scan.id, self.newest.account)
        self.folder.claim(files.values())
        view = self._view(night.scan)
        addresses = (f"{back}index.html", f"{back}../../index.html")
        write_reports(view, self.folder.root / place, _FORMATS, above=dict(zip(_ABOVE, addresses, strict=True)))
        for name in REPORTS.values():
            self.folder.made(files[name], key)
        self.folder.put(files[_SUMMARY], summary_json(summary_of(view)), key)
        self.folder.save()

    def _view(self, scan: Scan) -> ReportView:
        """Return the view of a scan; the newest one's is asked for twice, and made once."""
        if scan.id not in self._made:
            self._made.clear()
            self._made[scan.id] = build_view(report_inputs(self.store, scan, self.standard, self.checks, self.types))
        return self._made[scan.id]

    def _key(self, night: Night, previous: Night | None) -> str:
        """Return what a night's reports depend on: the scan, how it was judged, the night before, the program and its pages.

        What else has changed since (today's standard and checks) is not in it: they stay as they were.
        """
        scan = night.scan
        before = (previous.scan.id, previous.score) if previous else None
        told = (
            __version__, look(), SUMMARY_SCHEMA, before,
            scan.id, str(scan.status), scan.account_name, scan.standard_digest, scan.checks_digest,
            [(s.level, s.id, s.value, s.passed, s.failed, s.unknown, s.waived) for s in self.store.scores(scan.id)],
            list(night.severities.values()), night.unverified, night.waived, night.savings, repr(self.store.accepted(scan.id)),
        )  # fmt: skip
        return sha256(repr(told).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _actions(check: Check, types: Mapping[str, ResourceType]) -> Sequence[str]:
    """Return the IAM actions by which the types a check judges and joins, and their parents, are read."""
    known = [types[name] for name in (*check.on, *check.reads) if name in types]
    planned = make_plan(known, types, "", "aws", ()).types.values()
    return sorted(actions(call for type in planned for call in type.every_call))
