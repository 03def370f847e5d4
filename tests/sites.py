"""Accounts with nights for a site to be made of, and what every site must be."""

from dataclasses import dataclass
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from store.nights import START, VOLUMES, Nights
from store.test_lives import CHECK, Judge
from waterworks import CHECKS, TYPES, Dampness, a_check, a_standard, pump_dry

from auditor.kit import HIGH
from auditor.model import Scan, Scope
from auditor.site import Built, SiteFolder, build_site
from auditor.store import Lease, Store

ALL_CHECKS = CHECKS | {
    CHECK: a_check(pump_dry, "water.pumps.dry", VOLUMES.type, id=CHECK, severity=HIGH, thresholds=Dampness)
}
TODAY = (START + timedelta(days=400)).date()


@dataclass
class Named(Nights):
    """Nights of an account that has a name."""

    called: str = "production"

    def begin(self, *, account: str | None = None, lease: Lease | None = None, **asked: Any) -> Scan:
        values: dict[str, Any] = {"regions": ("eu-west-1", "us-east-1"), "selection": {}} | asked
        return self.store.begin_scan(
            account=account or self.account, account_name=self.called, partition="aws", program_version="1.0",
            standard_digest="s1", checks_digest="c1", started_at=next(self._moments), lease=lease, **values,
        )  # fmt: skip


def an_account(store: Store, id: str = "123456789012", name: str = "production") -> Judge:
    """An account that can be scanned and judged, a day after the time before."""
    scopes = [Scope(id, region, VOLUMES.type) for region in ("eu-west-1", "us-east-1")]
    return Judge(Named(store, id, scopes[0], scopes[1], called=name))


def told(store: Store, judge: Judge, nights: int = 3) -> Scan:
    """Let NIGHTS pass in which ever another volume fails; returns the last."""
    volumes = [judge.nights.volume(name) for name in "abcd"]
    scans = [judge.night(*volumes, fails=["abcd"[n % 4]]) for n in range(nights)]
    return scans[-1]


def build(store: Store, root: Path, *, nights: int = 30, today: date = TODAY, accounts: tuple[str, ...] = ()) -> Built:
    """Bring a site up to date."""
    with SiteFolder.open(root) as folder:
        return build_site(store, folder, a_standard(), ALL_CHECKS, TYPES, today=today, accounts=accounts, nights=nights)


def files(root: Path) -> dict[str, bytes]:
    """Every file below ROOT but the lock."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != ".auditor-site.lock"
    }


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids.add(given.get("id") or "")
        if tag == "a":
            self.hrefs.append(given.get("href") or "")


def broken_links(root: Path, *, unreached: bool = True) -> list[str]:
    """Go through the site from its index: every link that leads out of it, to no file, or to no place in one.

    And every page no other leads to, where that is not to be UNREACHED.
    """
    pages = {path.resolve(): _Page(path.read_text(encoding="utf-8")) for path in root.rglob("*.html")}
    base = root.resolve()
    ahead, reached, found = [base / "index.html"], set[Path](), []
    while ahead:
        path = ahead.pop()
        if path in reached or path not in pages:
            continue
        reached.add(path)
        for href in pages[path].hrefs:
            parts = urlsplit(href)
            if parts.scheme == "https" and parts.netloc.endswith("aws.amazon.com"):
                continue
            target = Path(f"{path.parent}/{unquote(parts.path)}").resolve() if parts.path else path
            if parts.scheme or parts.netloc or parts.path.startswith("/") or base not in target.parents:
                found.append(f"{path.relative_to(base)}: {href} leads out of the site")
            elif not target.is_file():
                found.append(f"{path.relative_to(base)}: {href} leads to no file")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                found.append(f"{path.relative_to(base)}: {href} leads to no place in its page")
            ahead.append(target)
    return found + [f"nothing leads to {path.relative_to(base)}" for path in pages if unreached and path not in reached]
