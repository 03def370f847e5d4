"""A site over many nights and accounts: only what changed is written, nothing else is touched, whatever happens."""

import fcntl
import json
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report.sample import HOSTILE
from sites import ALL_CHECKS, TODAY, an_account, broken_links, build, files, told
from store.nights import START
from store.test_lives import CHECK

from auditor.acceptance import Accepted, Waiver, WaiverUse
from auditor.catalog import bundled
from auditor.errors import ReportError, UsageError
from auditor.model import ScanStatus, Score, Severity, Verdict
from auditor.report import write
from auditor.report.html import look
from auditor.report.site import folder_name
from auditor.report.summary import summary_from
from auditor.site import SiteFolder
from auditor.store import Keep, Store

MANIFEST = ".auditor-site.json"


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with Store.open(store_url) as opened:
        yield opened


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "site"


def stamps(root: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in root.rglob("*")}


def test_a_second_run_writes_nothing_where_nothing_changed(store: Store, root: Path) -> None:
    told(store, an_account(store))
    assert build(store, root).written
    before = stamps(root)
    again = build(store, root)
    assert (again.written, again.removed) == ((), ())
    assert stamps(root) == before


def test_a_narrowed_scan_is_no_night_of_the_site_and_hides_no_whole_one(store: Store, root: Path) -> None:
    judge = an_account(store)
    told(store, judge)
    build(store, root)
    before = stamps(root)
    narrow = judge.nights.night(judge.nights.volume("a"), selection={"section": ["cost"]})
    judge.judge(narrow, judge.nights.volume("a"))
    again = build(store, root)
    assert not [path for path in again.written if "nights/" in path or "compliance" in path]
    summary = summary_from((root / "accounts/123456789012/summary.json").read_bytes())
    assert summary
    assert (root / "accounts/123456789012/nights/2026-01-03-scan-3/summary.json").exists()
    assert {path for path in stamps(root) if "scan-4" in path} == set()
    assert {path for path in before if "scan-" in path} == {path for path in stamps(root) if "scan-" in path}


def test_the_next_night_writes_its_own_and_the_pages_it_is_on(store: Store, root: Path) -> None:
    judge = an_account(store)
    told(store, judge, 3)
    build(store, root)
    before = stamps(root)
    told(store, judge, 1)
    written = build(store, root).written
    base = "accounts/123456789012"
    assert f"{base}/index.html" in written
    assert "index.html" in written
    assert f"{base}/compliance.html" in written
    assert {path.split("/")[3] for path in written if "/nights/" in path} == {"2026-01-04-scan-4"}
    assert not [path for path in written if path.startswith("checks/") and CHECK not in path and "index" not in path]
    old = [path for path in before if "scan-3" in path]
    assert old
    assert {path: stamps(root)[path] for path in old} == {path: before[path] for path in old}
    assert broken_links(root) == []


def test_only_the_newest_nights_keep_their_reports_and_all_keep_their_row(store: Store, root: Path) -> None:
    judge = an_account(store)
    told(store, judge, 4)
    assert build(store, root, nights=3).nights == 3
    told(store, judge, 1)
    built = build(store, root, nights=2)
    kept = sorted(path.name for path in (root / "accounts/123456789012/nights").iterdir())
    assert kept == ["2026-01-04-scan-4", "2026-01-05-scan-5"]
    assert {path.split("/")[3] for path in built.removed} == {"2026-01-02-scan-2", "2026-01-03-scan-3"}
    page = (root / "accounts/123456789012/index.html").read_text()
    for number in range(1, 6):
        assert f"2026-01-0{number} <small" in page
    assert page.count("not kept") == 3
    assert broken_links(root) == []


def test_what_was_judged_again_is_written_again(store: Store, root: Path) -> None:
    judge = an_account(store)
    scan = told(store, judge, 2)
    build(store, root)
    volumes = [judge.nights.volume(name) for name in "abcd"]
    findings = [judge.finding(volume) for volume in volumes if volume.name == "b"]
    tallies = store.tallies(scan.id)
    waiver = Waiver(check=CHECK, reason="it is a test", owner="me", ticket="T-1", until=TODAY)
    accepted = Accepted(waivers=(WaiverUse(waiver, "active", 1),), waived={findings[0].key: waiver})
    assert store.save_judgement(scan.id, findings, tallies, store.scores(scan.id), accepted=accepted)
    written = build(store, root).written
    assert "accounts/123456789012/compliance.html" in written
    assert "it is a test" in (root / "accounts/123456789012/compliance.html").read_text()
    assert build(store, root).written == ()


def test_the_counts_are_those_of_the_store(store: Store, root: Path) -> None:
    for id, nights in (("111111111111", 2), ("222222222222", 3)):
        scan = told(store, an_account(store, id, f"account {id}"), nights)
        build(store, root)
        summary = summary_from((root / f"accounts/{id}/summary.json").read_bytes())
        assert summary is not None
        assert summary.scan == scan.id
        failing = [s.finding for s in store.findings(scan.id) if s.finding.verdict is Verdict.FAIL]
        assert summary.severities == {
            level: sum(finding.severity is level for finding in failing) for level in Severity
        }
        tallies = [tally for tally in store.tallies(scan.id) if tally.check == CHECK]
        counts = summary.checks[CHECK]
        assert counts.failed == sum(len(tally.failed) for tally in tallies) > 0
        assert counts.passed == sum(len(tally.passed) for tally in tallies) > 0
        (night,) = store.nights(id, 1)
        assert (summary.score, summary.known, summary.asked) == (night.score, night.known, night.scopes)
        report = json.loads((root / f"accounts/{id}/report.json").read_text())
        assert (report["score"], report["scan"]["id"]) == (summary.score, scan.id)
    page = (root / f"checks/{CHECK}.html").read_text()
    assert "2 resources fail in 2 accounts" in page
    index = re.sub(r"<[^>]+>", " ", (root / "index.html").read_text())
    assert re.search(r"High\s+2\s", index)


def test_every_page_is_reached_and_every_link_leads_somewhere(store: Store, root: Path) -> None:
    for number in range(3):
        told(store, an_account(store, f"{number}" * 12, f"n{number}"), number + 1)
    build(store, root, nights=2)
    assert broken_links(root) == []
    assert len(list((root / "checks").iterdir())) == len(ALL_CHECKS) + 1


@pytest.mark.parametrize("after", [0, 1, 2, 5, 9, 12, 16, 20])
def test_an_interrupted_run_leaves_whole_files_and_the_next_one_makes_the_site_whole(
    store: Store, root: Path, tmp_path: Path, after: int
) -> None:
    judge = an_account(store)
    told(store, judge, 2)
    build(store, root, nights=2)
    told(store, judge, 2)
    real, calls = write._replace, iter(range(10**6))

    def dies(path: Path, content: str | bytes) -> None:
        if next(calls) == after:
            (path.parent / f".{path.name}.a1b2c3d4").write_bytes(b"half a pa")
            raise KeyboardInterrupt
        real(path, content)

    with patch.object(write, "_replace", dies), pytest.raises(KeyboardInterrupt):
        build(store, root, nights=2)
    for path in root.rglob("[!.]*.html"):
        assert path.read_text().rstrip().endswith("</html>")
    assert broken_links(root, unreached=False) == []
    build(store, root, nights=2)
    build(store, tmp_path / "fresh", nights=2)
    assert files(root) == files(tmp_path / "fresh")


def test_a_first_run_that_was_interrupted_is_taken_up(store: Store, root: Path, tmp_path: Path) -> None:
    told(store, an_account(store), 2)
    real, calls = write._replace, iter(range(10**6))

    def dies(path: Path, content: str | bytes) -> None:
        if next(calls) == 4:
            raise KeyboardInterrupt
        real(path, content)

    with patch.object(write, "_replace", dies), pytest.raises(KeyboardInterrupt):
        build(store, root)
    assert not (root / "index.html").exists()
    build(store, root)
    build(store, tmp_path / "fresh")
    assert files(root) == files(tmp_path / "fresh")


def test_what_was_lost_or_damaged_is_made_again(store: Store, root: Path) -> None:
    told(store, an_account(store), 2)
    build(store, root)
    before = files(root)
    base = root / "accounts/123456789012"
    (base / "compliance.html").write_text("cut off")
    (base / "nights/2026-01-01-scan-1/report.json").unlink()
    (base / "summary.json").write_bytes(b"x" * (base / "summary.json").stat().st_size)
    (root / f"checks/{CHECK}.html").write_text("other words")
    (root / "index.html").unlink()
    build(store, root)
    assert files(root) == before


def test_what_it_did_not_make_is_left_alone(store: Store, root: Path) -> None:
    judge = an_account(store)
    told(store, judge, 2)
    build(store, root, nights=2)
    own = [root / "robots.txt", root / "accounts/123456789012/nights/2026-01-01-scan-1/notes.txt", root / ".htaccess"]
    for path in own:
        path.write_text("mine")
    replaced = root / "accounts/123456789012/nights/2026-01-01-scan-1/cost.html"
    replaced.write_text("mine, too")
    told(store, judge, 3)
    build(store, root, nights=1)
    assert [path.read_text() for path in own] == ["mine"] * 3
    assert replaced.read_text() == "mine, too"
    assert not (replaced.parent / "compliance.html").exists()


def test_a_folder_that_holds_something_else_is_refused(store: Store, root: Path) -> None:
    root.mkdir()
    (root / "index.html").write_text("my homepage")
    with pytest.raises(UsageError, match="holds files and is no site"):
        build(store, root)
    assert files(root) == {"index.html": b"my homepage"}


def test_a_file_in_the_way_is_named_and_kept(store: Store, root: Path) -> None:
    build(store, root)
    told(store, an_account(store), 1)
    place = root / "accounts/123456789012"
    place.mkdir(parents=True)
    (place / "cost.html").write_text("mine")
    with pytest.raises(ReportError, match=r"cost\.html .*was not made by the auditor"):
        build(store, root)
    assert (place / "cost.html").read_text() == "mine"


def test_two_runs_at_once_are_one_run_and_a_sentence(store: Store, root: Path) -> None:
    root.mkdir()
    with SiteFolder.open(root), pytest.raises(ReportError, match="another run is writing the site"):
        build(store, root)
    assert build(store, root).written


def test_a_lock_of_a_dead_run_holds_nobody_up(store: Store, root: Path) -> None:
    root.mkdir()
    with (root / ".auditor-site.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    assert build(store, root).written


def test_a_run_that_would_leave_accounts_out_says_so(store: Store, root: Path, tmp_path: Path) -> None:
    told(store, an_account(store, "1" * 12, "one"), 1)
    told(store, an_account(store, "2" * 12, HOSTILE[6]), 1)
    build(store, root)
    before = files(root)
    with pytest.raises(UsageError, match="is also about") as refused:
        build(store, root, accounts=("1" * 12,))
    assert "\x1b" not in str(refused.value)
    with Store.open(f"sqlite:///{tmp_path / 'other.db'}") as other, pytest.raises(UsageError, match="another store"):
        build(other, root)
    assert files(root) == before
    assert build(store, tmp_path / "narrow", accounts=("1" * 12,)).accounts == 1
    assert build(store, tmp_path / "narrow").accounts == 2


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"[" * 100_000, b'{"schema":1,"whole":true,"accounts":{},"files":{"../../x":[1,"",""]}}', b"\xff",
     b'{"schema":1,"whole":true,"accounts":[],"files":{}}', b'{"schema":1,"whole":true,"accounts":{},"files":{"a":3}}',
     b'{"schema":99,"whole":true,"accounts":{},"files":{}}'],
)  # fmt: skip
def test_a_damaged_list_of_files_removes_and_writes_nothing(store: Store, root: Path, content: bytes) -> None:
    root.mkdir()
    (root / MANIFEST).write_bytes(content)
    outside = root.parent.parent / "x"
    with pytest.raises(ReportError, match=r"damaged|another version"):
        build(store, root)
    assert files(root) == {MANIFEST: content}
    assert not outside.exists()


def test_a_link_into_another_folder_is_not_followed_by_what_is_removed_or_replaced(store: Store, root: Path) -> None:
    judge = an_account(store)
    told(store, judge, 2)
    build(store, root)
    outside = root.parent / "precious.html"
    outside.write_text("precious")
    for path in ("index.html", "accounts/123456789012/nights/2026-01-01-scan-1/cost.html"):
        (root / path).unlink()
        (root / path).symlink_to(outside)
    told(store, judge, 1)
    build(store, root, nights=1)
    assert outside.read_text() == "precious"
    assert not (root / "index.html").is_symlink()


@pytest.mark.parametrize(
    "id", ["../../etc", "a/b", "A", "CON", ".", "x" * 300, *(text[:900] for text in HOSTILE if text.isascii())]
)
def test_hostile_accounts_get_a_safe_folder_and_a_page_that_is_whole(store: Store, root: Path, id: str) -> None:
    id = id.replace("\x00", "")
    told(store, an_account(store, id, "</title><script>alert(1)</script>\u202e\ud800"), 2)
    build(store, root)
    (account,) = (root / "accounts").iterdir()
    assert re.fullmatch(r"[a-z0-9-]{1,60}", account.name)
    assert {path.name for path in root.iterdir()} == {
        "accounts",
        "checks",
        "index.html",
        "standard",
        MANIFEST,
        ".auditor-site.lock",
    }
    assert broken_links(root) == []
    for path in root.rglob("*.html"):
        text = path.read_text()
        assert "<script>alert(1)" not in text
        assert "\u202e" not in text
    assert build(store, root).written == ()


@given(st.text(max_size=120), st.text(max_size=120))
def test_names_of_folders_are_plain_and_tell_ids_apart(one: str, other: str) -> None:
    for id in (one, other):
        assert re.fullmatch(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", folder_name(id))
        assert len(folder_name(id)) <= 80
        assert ".." not in folder_name(id)
    assert (folder_name(one) == folder_name(other)) == (one == other)


def test_the_folder_of_an_ordinary_account_is_its_id() -> None:
    assert folder_name("123456789012") == "123456789012"


def test_an_empty_store_makes_a_site_that_says_so(store: Store, root: Path) -> None:
    build(store, root)
    text = (root / "index.html").read_text()
    assert "Nothing has been scanned yet" in text
    assert broken_links(root) == []


def test_an_account_without_figures_is_there_and_nothing_is_said_of_it(store: Store, root: Path) -> None:
    told(store, an_account(store, "1" * 12, "good"), 2)
    scan = an_account(store, "2" * 12, "never").nights.begin()
    store.finish_scan(scan.id, ScanStatus.FAILED, scan.started_at, {})
    later = an_account(store, "1" * 12, "good").nights.begin()
    store.finish_scan(later.id, ScanStatus.INTERRUPTED, later.started_at, {})
    build(store, root)
    text = (root / "index.html").read_text()
    assert "never judged" in text
    assert f"scan {later.id} interrupted" in text
    assert "the newest scan of 2 accounts gave no figures" in text.lower()
    assert "No scan of this account was judged yet" in (root / f"accounts/{'2' * 12}/index.html").read_text()
    assert f"Scan {later.id} of" in (root / f"accounts/{'1' * 12}/index.html").read_text()
    assert broken_links(root) == []


def test_an_account_that_is_not_judged_for_days_is_pointed_out(store: Store, root: Path) -> None:
    scan = told(store, an_account(store), 1)
    day = scan.started_at.date()
    build(store, root, today=day)
    assert "today</small>" in (root / "index.html").read_text()
    written = build(store, root, today=TODAY).written
    assert written == ("index.html",)
    text = (root / "index.html").read_text()
    assert f"{(TODAY - day).days} days ago" in text
    assert "not judged for more than 2 days" in text


def test_every_report_leads_back_to_its_account_and_to_the_index(store: Store, root: Path) -> None:
    told(store, an_account(store), 2)
    build(store, root)
    base = root / "accounts/123456789012"
    pages = [path for path in base.rglob("*.html") if path.name != "index.html"]
    assert len(pages) == 9
    for page in pages:
        links = dict(re.findall(r'<a href="([^"#]+)">((?:This|All) accounts?)</a>', page.read_text()))
        assert {(page.parent / href).resolve(): text for href, text in links.items()} == {
            (base / "index.html").resolve(): "This account",
            (root / "index.html").resolve(): "All accounts",
        }


@pytest.mark.parametrize("changed", ["auditor.site.build.__version__", "auditor.site.build.look"])
def test_another_program_or_other_pages_make_every_report_anew(store: Store, root: Path, changed: str) -> None:
    told(store, an_account(store), 2)
    build(store, root)
    with patch(changed, "9.9" if changed.endswith("version__") else lambda: "other"):
        written = build(store, root).written
        assert {path for path in written if path.endswith("compliance.html")} == {
            "accounts/123456789012/compliance.html",
            "accounts/123456789012/nights/2026-01-01-scan-1/compliance.html",
            "accounts/123456789012/nights/2026-01-02-scan-2/compliance.html",
        }
        assert build(store, root).written == ()


def test_what_pages_are_made_with_has_a_digest_of_all_of_it(tmp_path: Path) -> None:
    shutil.copytree(bundled("reports"), tmp_path / "reports")
    with patch("auditor.report.html.bundled", lambda name: tmp_path / name):
        seen = set()
        for name in (
            "templates/style.css",
            "templates/table.js",
            "templates/parts/risks.html.j2",
            "vendor/tanstack.js",
        ):
            seen.add(look.__wrapped__())
            with (tmp_path / "reports" / name).open("a") as file:
                file.write("\n")
        seen.add(look.__wrapped__())
    assert len(seen) == 5
    assert look() in seen


def test_the_reports_of_pruned_scans_vanish_and_the_others_stay(store: Store, root: Path) -> None:
    told(store, an_account(store), 4)
    build(store, root)
    assert store.prune([Keep("all", 1)], START + timedelta(days=3)).scans == 2
    built = build(store, root)
    kept = sorted(path.name for path in (root / "accounts/123456789012/nights").iterdir())
    assert kept == ["2026-01-03-scan-3", "2026-01-04-scan-4"]
    assert "2026-01-01" not in (root / "accounts/123456789012/index.html").read_text()
    # The third is compared with nothing any more; the fourth still with the third.
    assert "accounts/123456789012/nights/2026-01-03-scan-3/compliance.html" in built.written
    assert "accounts/123456789012/nights/2026-01-04-scan-4/compliance.html" not in built.written
    assert broken_links(root) == []
    assert build(store, root).written == ()


def test_a_renamed_account_has_its_new_name_on_every_page_and_its_old_one_in_old_reports(
    store: Store, root: Path
) -> None:
    told(store, an_account(store, name="old name"), 2)
    build(store, root)
    told(store, an_account(store, name="new name"), 1)
    build(store, root)
    for page in ("index.html", "accounts/123456789012/index.html", "accounts/123456789012/compliance.html"):
        assert "new name" in (root / page).read_text(), page
        assert "old name" not in (root / page).read_text(), page
    nights = root / "accounts/123456789012/nights"
    assert "old name" in (nights / "2026-01-02-scan-2/compliance.html").read_text()
    assert broken_links(root) == []


def test_the_pages_say_whether_it_is_better_or_worse_than_the_night_before(store: Store, root: Path) -> None:
    judge = an_account(store)
    volumes = [judge.nights.volume(name) for name in "ab"]
    for value in (50.0, 62.5):
        scan = judge.nights.night(*volumes)
        tallies = [judge.tally(scope, volumes, [], []) for scope in store.inventory(scan.id).coverage]
        assert store.save_judgement(scan.id, [], tallies, [Score("account", "123456789012", value, "F", 1, 1)])
    build(store, root)
    index = re.sub(r"<[^>]+>", "", (root / "index.html").read_text())
    assert "Since the night before: 12.5 points better." in index
    assert "+12.5 since the night before" in index
    page = re.sub(r"<[^>]+>", "", (root / "accounts/123456789012/index.html").read_text())
    assert "12.5 points better than the night before, as many critical and high findings." in page
