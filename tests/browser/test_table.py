"""The table of findings in a real browser: what is searched, filtered, sorted, grouped, opened, sent on and taken along."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from browser.conftest import Opened, Opener
from browser.pages import OTHER, folder_of, view_of

from auditor.model import Severity, Verdict
from auditor.report.tags import environment, owner
from auditor.report.text import service, type_words
from auditor.report.view import FindingView, ReportView

FILE = "compliance.html"


def table(visit: Opener, state: str = "ordinary", fragment: str = "") -> Opened:
    opened = visit(folder_of(state) / FILE, fragment=fragment)
    opened.page.wait_for_selector("#filter:not([hidden])")
    return opened


def shown(opened: Opened) -> str:
    return opened.page.inner_text("#shown")


def names(opened: Opened) -> list[str]:
    return opened.page.locator("#rows tr.row .name").all_inner_texts()


def everything(opened: Opened) -> list[list[str]]:
    """Scroll through the whole table and return its rows' names and sentences in order."""
    seen: dict[int, list[str]] = {}
    while True:
        # All at once: to ask for each text by itself takes twenty times as long.
        for index, *texts in opened.page.evaluate(
            "() => [...document.querySelectorAll('#rows tr.row')].map((row) => [Number(row.dataset.index),"
            " ...['.name', '.open'].map((css) => row.querySelector(css).innerText)])"
        ):
            seen[index] = texts
        at, moved = opened.page.evaluate(
            "() => { const box = document.getElementById('box'), was = box.scrollTop; box.scrollTop += box.clientHeight / 2;"
            " return [was, box.scrollTop]; }"
        )
        if moved <= at:
            return [seen[index] for index in sorted(seen)]
        opened.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 30)))")


def choose(opened: Opened, **values: str) -> None:
    for name, value in values.items():
        opened.page.select_option(f"#filter [name={name}]", value)
    opened.page.wait_for_timeout(50)


def test_all_findings_are_in_it_in_the_views_order(visit: Opener) -> None:
    view = view_of("ordinary")
    rows = everything(table(visit))
    assert [name for name, _ in rows] == [finding.name for finding in view.findings]
    assert [said for _, said in rows] == [finding.sentence for finding in view.findings]


@pytest.mark.parametrize("level", [Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM])
def test_a_filter_leaves_what_it_says(visit: Opener, level: Severity) -> None:
    view = view_of("ordinary")
    opened = table(visit)
    choose(opened, severity=level, verdict="Fail")
    wanted = [f for f in view.findings if f.severity is level and f.verdict is Verdict.FAIL]
    assert shown(opened) == f"{len(wanted)} of {len(view.findings)} findings"
    assert [name for name, _ in everything(opened)] == [finding.name for finding in wanted]


def test_the_search_finds_names_tags_arns_and_checks(visit: Opener) -> None:
    view = view_of("ordinary")
    opened = table(visit)
    finding = view.findings[len(view.findings) // 2]
    for text in (finding.name, finding.resource, finding.check, next(iter(finding.tags.values()))):
        opened.page.fill("#filter [name=search]", text.upper())
        opened.page.wait_for_timeout(250)
        assert finding.name in [name for name, _ in everything(opened)]
    opened.page.fill("#filter [name=search]", "no such thing anywhere")
    opened.page.wait_for_timeout(250)
    assert shown(opened).startswith("0 of")
    assert "Clear the filter" in opened.page.inner_text("#rows")


def test_a_view_is_in_the_address_and_comes_back_from_it(visit: Opener) -> None:
    opened = table(visit)
    choose(opened, severity="high", region="us-east-1")
    opened.page.click("th[data-key=name] button")
    fragment = opened.page.evaluate("location.hash")
    again = table(visit, fragment=fragment)
    assert shown(again) == shown(opened)
    assert everything(again) == everything(opened)
    assert again.page.input_value("#filter [name=region]") == "us-east-1"
    assert again.page.get_attribute("th[data-key=name]", "aria-sort") == "ascending"


@pytest.mark.parametrize(
    "fragment",
    ["#findings?severity=worst&sort=nonsense", "#findings?%", "#%E0%A4%A", "#findings?check=x&bullet=y&age=1", "#<b>"],
)
def test_an_address_that_means_nothing_shows_the_page(visit: Opener, fragment: str) -> None:
    opened = table(visit, fragment=fragment)
    assert re.search(r"^\d[\d,]* (of \d[\d,]* )?findings", shown(opened))
    opened.harmless()


def test_it_is_sorted_by_a_click_and_back_by_another(visit: Opener) -> None:
    opened = table(visit)
    opened.page.click("th[data-key=name] button")
    up = [name.lower() for name, _ in everything(opened)]
    assert up == sorted(up)
    opened.page.click("th[data-key=name] button")
    down = [name.lower() for name, _ in everything(opened)]
    assert down == sorted(down, reverse=True)
    assert opened.page.get_attribute("th[data-key=name]", "aria-sort") == "descending"


def test_groups_hold_all_findings_and_open(visit: Opener) -> None:
    view = view_of("ordinary")
    opened = table(visit)
    choose(opened, group="region")
    heads = opened.page.locator("#rows tr.of small").all_inner_texts()
    assert sum(int(count.replace(",", "")) for count in heads) == len(view.findings)
    assert not names(opened)
    opened.page.click("#rows tr.of button >> nth=0")
    assert names(opened)
    assert opened.page.get_attribute("#rows tr.of button >> nth=0", "aria-expanded") == "true"


def test_an_opened_finding_says_all_there_is(visit: Opener) -> None:
    view = view_of("ordinary")
    opened = table(visit)
    finding = next(f for f in view.findings if f.command and f.evidence and f.evidence[0].facts and f.console)
    opened.page.fill("#filter [name=search]", f"{finding.resource} {finding.check}")
    opened.page.wait_for_timeout(250)
    opened.page.click("#rows button.open")
    text = opened.page.inner_text("#rows .detail")
    check = view.checks[finding.check]
    for wanted in (
        finding.command,
        finding.resource,
        check.terraform,
        *(value for _, value in finding.evidence[0].facts),
    ):
        assert wanted in text
    assert "Why it matters" in text
    hrefs = opened.page.evaluate("[...document.querySelectorAll('#rows .detail a')].map((a) => a.getAttribute('href'))")
    assert f"#check-{check.id}" in hrefs
    assert finding.console in hrefs
    assert {f"#b-{pattern}" for pattern in check.patterns} & set(hrefs)


def test_an_opened_finding_tells_how_its_life_turned(visit: Opener) -> None:
    finding = next(f for f in view_of("ordinary").findings if f.history)
    opened = table(visit)
    opened.page.fill("#filter [name=search]", f"{finding.resource} {finding.check}")
    opened.page.wait_for_timeout(250)
    opened.page.click("#rows button.open")
    told = "history: " + ", ".join(turn.words for turn in finding.history)
    assert told in opened.page.inner_text("#rows .detail")
    assert told.capitalize() in visit(folder_of("ordinary") / FILE, javascript=False).page.content()


def rows_of_csv(opened: Opened, folder: Path) -> list[dict[str, str]]:
    with opened.page.expect_download() as download:
        opened.page.click("#csv")
    file = folder / "taken.csv"
    download.value.save_as(file)
    return list(csv.DictReader(io.StringIO(file.read_bytes().decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("state", ["ordinary", "hostile"])
def test_the_csv_is_what_is_shown(visit: Opener, tmp_path: Path, state: str) -> None:
    view = view_of(state)
    opened = table(visit, state)
    choose(opened, verdict="Fail")
    rows = rows_of_csv(opened, tmp_path)
    failing = [finding for finding in view.findings if finding.verdict is Verdict.FAIL]
    assert [row["resource"].removeprefix("'") for row in rows] == [finding.resource for finding in failing]
    assert [row["command"].removeprefix("'") for row in rows] == [finding.command for finding in failing]
    assert not [value for row in rows for value in row.values() if value.lstrip().startswith(("=", "+", "-", "@"))]
    opened.harmless()


def test_of_two_accounts_one_is_shown_sent_on_and_taken_along(visit: Opener, tmp_path: Path) -> None:
    view = view_of("waived")
    opened = table(visit, "waived")
    listed = opened.page.locator("#filter [name=account] option").all_inner_texts()
    counts = Counter(finding.account for finding in view.findings)
    assert listed == ["all", *(f"{account} ({counts[account]})" for account in sorted(counts))]
    choose(opened, account=OTHER)
    wanted = [finding for finding in view.findings if finding.account == OTHER]
    assert shown(opened) == f"{len(wanted)} of {len(view.findings)} findings"
    again = table(visit, "waived", opened.page.evaluate("location.hash"))
    assert again.page.input_value("#filter [name=account]") == OTHER
    assert [name for name, _ in everything(again)] == [finding.name for finding in wanted]
    rows = rows_of_csv(again, tmp_path)
    assert {row["account"] for row in rows} == {OTHER}
    assert [row["resource"] for row in rows] == [finding.resource for finding in wanted]


def test_the_keyboard_goes_through_the_whole_table(visit: Opener) -> None:
    opened = table(visit)
    count = len(view_of("ordinary").findings)
    opened.page.focus("#rows button.open >> nth=0")

    def at(number: int) -> None:  # a row far away is drawn with the next frame, and has the focus then
        opened.page.wait_for_function(
            "n => document.activeElement.closest('tr')?.dataset.index === String(n)", arg=number
        )

    opened.page.keyboard.press("ArrowDown")
    at(1)
    opened.page.keyboard.press("Enter")
    opened.page.locator("#rows .detail").wait_for()  # what it says is unpacked first
    at(1)
    opened.page.keyboard.press("Enter")
    opened.page.keyboard.press("End")
    at(count - 1)
    opened.page.keyboard.press("ArrowUp")
    at(count - 2)
    opened.page.keyboard.press("Home")
    at(0)
    for number in range(1, 20):
        opened.page.keyboard.press("ArrowDown")
        at(number)
        assert opened.page.evaluate(_WHOLE_IN_VIEW), f"row {number} is not whole in view"


def test_keys_pressed_before_the_table_has_followed_keep_the_focus(visit: Opener) -> None:
    opened = table(visit)
    opened.page.focus("#rows button.open >> nth=0")
    opened.page.keyboard.press("End")
    opened.page.wait_for_timeout(300)
    opened.page.evaluate(
        "['Home', 'ArrowDown'].forEach((key) =>"
        " document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true })))"
    )
    opened.page.wait_for_timeout(300)
    assert opened.page.evaluate("document.activeElement.closest('tr')?.dataset.index") == "1"


_WHOLE_IN_VIEW = """() => {
  const of = (element) => element.getBoundingClientRect(), row = of(document.activeElement.closest("tr"));
  const box = of(document.getElementById("box")), head = of(document.querySelector("#findings thead"));
  return row.top >= head.bottom - 1 && row.bottom <= box.bottom + 1;
}"""


def test_a_finding_far_down_opens_where_it_stands(visit: Opener) -> None:
    opened = table(visit)
    opened.page.focus("#rows button.open >> nth=0")
    opened.page.keyboard.press("End")
    opened.page.wait_for_timeout(300)
    place = "document.getElementById('box').scrollTop"
    before = opened.page.evaluate(place)
    assert before > 0
    opened.page.keyboard.press("Enter")
    opened.page.wait_for_timeout(300)
    assert opened.page.evaluate(place) >= before
    assert opened.page.locator("#rows .detail").count() == 1


def test_what_has_the_focus_keeps_it_when_the_table_is_scrolled(visit: Opener) -> None:
    opened = table(visit)
    opened.page.focus("#rows button.open >> nth=2")
    opened.page.evaluate("document.getElementById('box').scrollTop = 1e6")
    opened.page.wait_for_timeout(100)
    assert opened.page.evaluate("document.activeElement.closest('tr').dataset.index") == "2"


_SLOW = """() => {
  const text = Response.prototype.text;
  window.going = [];
  Response.prototype.text = async function () { await new Promise((go) => going.push(go)); return text.call(this); };
}"""
"""From now on what a row says is unpacked only when the test lets it."""


def test_a_finding_that_opens_late_takes_the_focus_from_nobody(visit: Opener) -> None:
    opened = table(visit)
    at = "document.activeElement.closest('tr')?.dataset.index"
    said = "document.activeElement.innerText"
    opened.page.evaluate(_SLOW)
    first = opened.page.locator("#rows tr.row .open").first.inner_text()
    opened.page.click("#rows button.open >> nth=0")
    opened.page.keyboard.press("ArrowDown")
    second = opened.page.evaluate(said)
    opened.page.evaluate(
        "document.getElementById('box').scrollTop = 1e6"
    )  # the first row's element is another row's now
    opened.page.wait_for_timeout(100)
    assert opened.page.evaluate(at) == "1"
    opened.page.evaluate("going.forEach((go) => go())")
    opened.page.wait_for_timeout(300)
    assert opened.page.evaluate(at) == "2", "it is opened, so that what has the focus stands one further down"
    assert opened.page.evaluate(said) == second
    opened.page.keyboard.press("ArrowUp")
    opened.page.wait_for_timeout(300)
    assert opened.page.evaluate(said) == first
    assert opened.page.locator("#rows .detail").count() == 1
    opened.harmless()


def test_a_finding_that_opens_late_opens_in_no_other_view(visit: Opener) -> None:
    opened = table(visit)
    opened.page.evaluate(_SLOW)
    opened.page.click("#rows button.open >> nth=0")
    opened.page.focus("#filter [name=verdict]")
    choose(opened, verdict="Unknown")  # the row that was clicked is gone
    opened.page.wait_for_timeout(100)
    opened.page.evaluate("going.forEach((go) => go())")
    opened.page.wait_for_timeout(200)
    assert not opened.page.locator("#rows .detail").count()
    assert opened.page.evaluate("document.activeElement.name") == "verdict"
    opened.harmless()


def test_only_what_is_in_view_is_in_the_page(visit: Opener) -> None:
    opened = table(visit)
    assert opened.page.locator("#rows tr.row").count() < len(view_of("ordinary").findings)
    assert (
        int(opened.page.get_attribute("table.findings", "aria-rowcount") or 0) == len(view_of("ordinary").findings) + 1
    )


def test_closed_rows_are_of_one_height_and_stand_where_they_belong(visit: Opener) -> None:
    opened = table(visit)
    opened.page.evaluate("document.getElementById('box').scrollTop = 700")
    opened.page.wait_for_timeout(100)
    top = "const top = document.querySelector('#rows').getBoundingClientRect().top;"
    rows = opened.page.evaluate(
        f"() => {{ {top} return [...document.querySelectorAll('#rows tr.row')].map((row) => "
        "[Number(row.dataset.index), row.getBoundingClientRect().top - top, row.getBoundingClientRect().height]) }"
    )
    ((height,), first) = {tall for *_, tall in rows}, rows[0]
    assert first[0] > 0
    assert [place for _, place, _ in rows] == [pytest.approx(index * height, abs=0.5) for index, *_ in rows]
    opened.page.set_viewport_size({"width": 320, "height": 800})
    opened.page.wait_for_timeout(100)
    opened.page.evaluate("document.getElementById('box').scrollTop = 1e6")
    opened.page.wait_for_timeout(100)
    places = opened.page.locator("#rows tr.row").evaluate_all("all => all.map(row => Number(row.dataset.index))")
    assert places[-1] == len(view_of("ordinary").findings) - 1
    assert places[0] > 0


def test_on_a_phone_severity_resource_and_finding_stand_below_each_other(visit: Opener) -> None:
    opened = visit(folder_of("first") / FILE, width=320)
    opened.page.wait_for_selector("#rows tr.row")
    edges = opened.page.locator("#rows tr.row").first.evaluate(
        "row => [row, ...[0, 1, 2].map((i) => row.cells[i])].map((part) => part.getBoundingClientRect().left)"
    )
    assert len(set(edges)) == 1, edges


def links(opened: Opened, kind: str) -> Iterator[str]:
    yield from opened.page.evaluate(f"[...document.querySelectorAll('a[data-{kind}]')].map((a) => a.dataset.{kind})")


def test_a_link_from_a_risk_or_a_bullet_shows_its_findings(visit: Opener) -> None:
    view = view_of("ordinary")
    opened = table(visit)
    check = next(links(opened, "check"))
    opened.page.locator(f"a[data-check='{check}']").first.evaluate("(link) => link.click()")
    assert {finding.check for finding in view.findings if finding.check == check} == {check}
    assert shown(opened).startswith(f"{sum(f.check == check for f in view.findings)} of")
    failing = [check.id for check in view.checks.values() if check.ran and check.counts.failed]
    of_pages = opened.page.locator(".pages a[data-check]").evaluate_all("all => all.map(link => link.dataset.check)")
    assert of_pages == failing
    bullet = next(bullet for section in view.sections for bullet in section.bullets if bullet.counts.failed > 1)
    opened.page.locator(f"[id='b-{bullet.id}'] a[data-bullet]").evaluate("(link) => link.click()")
    assert shown(opened).endswith(f"of “{bullet.name}”")


def test_paper_holds_rows_though_none_is_in_view(visit: Opener) -> None:
    opened = table(visit)
    before = everything(opened)
    opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert opened.page.locator("#rows tr.row").count() == min(200, len(before))
    assert not opened.page.locator("#findings thead button").count(), (
        "Chromium repeats no head with buttons on each page"
    )
    opened.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert opened.page.locator("#findings thead button").count() == 5
    opened.page.evaluate("document.getElementById('box').scrollTop = 0")
    assert everything(opened) == before


def _sections(view: ReportView) -> dict[str, str]:
    return {section.id: section.name for section in view.sections}


SAID: dict[str, Callable[[ReportView, FindingView], str]] = {
    "severity": lambda _, f: f.severity,
    "verdict": lambda _, f: f.verdict,
    "section": lambda view, f: _sections(view)[f.section],
    "service": lambda _, f: service(f.type),
    "type": lambda _, f: type_words(f.type),
    "region": lambda _, f: f.region,
    "environment": lambda _, f: environment(f.tags),
    "owner": lambda _, f: owner(f.tags),
}
"""Filter -> what it goes by, as the list names it."""


@pytest.mark.parametrize("name", SAID)
def test_each_filter_leaves_what_its_list_says(visit: Opener, name: str) -> None:
    view = view_of("ordinary")
    opened = table(visit)
    values = [str(SAID[name](view, finding)).casefold() for finding in view.findings]
    options = opened.page.locator(f"#filter [name={name}] option").evaluate_all(
        "all => all.map(o => [o.value, o.textContent])"
    )
    assert len(options) > 2
    for value, label in options[1:4]:
        words, _, count = label.removesuffix(")").rpartition(" (")
        opened.page.select_option(f"#filter [name={name}]", value)
        opened.page.wait_for_timeout(60)
        wanted = values.count(words.casefold())
        assert int(count) == wanted > 0, label
        assert shown(opened) == f"{wanted} of {len(view.findings)} findings"


def test_the_age_filter_counts_days_from_the_scan(visit: Opener) -> None:
    view = view_of("ordinary")
    opened = table(visit)
    last = date.fromisoformat(view.started[:10])
    ages = [(last - date.fromisoformat(finding.day)).days for finding in view.findings]
    for value, low, high in (("7", 0, 7), ("30", 8, 30), ("90", 31, 90), ("older", 91, 10_000)):
        opened.page.select_option("#filter [name=age]", value)
        opened.page.wait_for_timeout(60)
        wanted = sum(low <= age <= high for age in ages)
        assert shown(opened) == f"{wanted} of {len(ages)} findings"
