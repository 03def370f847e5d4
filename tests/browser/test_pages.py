"""Every page in every state: nothing runs that should not, nothing is wider than the screen, everybody can use it."""

import re
from collections.abc import Iterator
from pathlib import Path

import axe_playwright_python
import pytest
from browser.conftest import Opened, Opener
from browser.pages import NAMES, STATES, folder_of
from playwright.sync_api import Browser, Page

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[str]:
    """Return what axe-core finds, a line each. It is evaluated by the test, so the page's policy does not stop it."""
    page.evaluate(AXE)
    # Without `resultTypes` it describes each of the thousands of elements that are as they should be: a third of its time.
    options = {"runOnly": {"type": "tag", "values": WCAG}, "resultTypes": ["violations"]}
    found = page.evaluate("options => axe.run(document, options)", options)
    return [f"{item['id']}: {item['nodes'][0]['html'][:200]} ({len(item['nodes'])})" for item in found["violations"]]


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.fixture(scope="module", params=[(state, name) for state in STATES for name in NAMES], ids="-".join)
def opened(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Opened]:
    """Each page in each state, opened once for all that only looks at it."""
    state, name = request.param
    opener = Opener(browser)
    yield opener(folder_of(state) / name)
    opener.close()


def test_nothing_runs_loads_or_fails(opened: Opened) -> None:
    opened.page.wait_for_load_state("networkidle")
    opened.harmless()
    assert opened.page.title()


def test_no_page_is_wider_than_its_window(opened: Opened) -> None:
    assert overflow(opened.page) <= 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("state", STATES)
def test_no_page_is_wider_than_a_phone(visit: Opener, state: str, name: str) -> None:
    assert overflow(visit(folder_of(state) / name, width=320).page) <= 0


def test_everybody_can_use_it(opened: Opened) -> None:
    assert violations(opened.page) == []


@pytest.mark.parametrize("name", NAMES)
def test_everybody_can_use_it_in_the_dark_and_on_a_phone(visit: Opener, name: str) -> None:
    assert violations(visit(folder_of("ordinary") / name, width=320, dark=True).page) == []


@pytest.mark.parametrize("paper", ["A4", "Letter"])
@pytest.mark.parametrize("state", STATES)
def test_the_executive_page_is_one_printed_side(visit: Opener, state: str, paper: str) -> None:
    printed = visit(folder_of(state) / "executive.html").page.pdf(format=paper)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1


def test_every_finding_can_be_opened_and_harms_nobody(visit: Opener) -> None:
    opened = visit(folder_of("hostile") / "compliance.html")
    opened.page.wait_for_selector("#filter:not([hidden])")
    for button in opened.page.query_selector_all("button.open"):
        button.evaluate("element => element.click()")
    assert opened.page.query_selector_all(".detail")
    opened.harmless()
    assert overflow(opened.page) <= 0


def test_links_lead_to_the_console_of_aws_and_nowhere_else(visit: Opener) -> None:
    for name in NAMES:
        opened = visit(folder_of("hostile") / name)
        for button in opened.page.query_selector_all("button.open"):
            button.evaluate("element => element.click()")
        hrefs = opened.page.evaluate("[...document.querySelectorAll('a[href]')].map(link => link.href)")
        for href in hrefs:
            assert href.startswith(("file://", "https://")), href
            if href.startswith("https://"):
                host = href.split("/")[2]
                assert host.endswith((".aws.amazon.com", ".amazonaws-us-gov.com", ".amazonaws.cn")), href


def test_without_javascript_the_findings_are_there(visit: Opener) -> None:
    opened = visit(folder_of("ordinary") / "compliance.html", javascript=False, width=320)
    assert overflow(opened.page) <= 0
    assert opened.page.locator("#rows tr.row").count() > 10
    assert not opened.page.locator("#filter").is_visible()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_what_has_the_focus_is_seen_wherever_the_keyboard_goes(visit: Opener, name: str, dark: bool) -> None:
    page = visit(folder_of("ordinary") / name, dark=dark, height=700).page
    if name == "compliance.html":
        page.wait_for_selector("#filter:not([hidden])")
    seen = set()
    for _ in range(70):
        page.keyboard.press("Tab")
        found = page.evaluate(_FOCUSED)
        if found is None:
            break
        assert found["outlined"], found
        assert found["inside"], found
        seen.add(found["html"])
    assert len(seen) >= (40 if name == "compliance.html" else 3)


_FOCUSED = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const style = getComputedStyle(at), box = at.getBoundingClientRect();
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const inside = box.bottom > 0 && box.top < innerHeight && box.width > 0 && box.height > 0;
  return { outlined, inside, html: at.outerHTML.slice(0, 200) };
}"""


@pytest.mark.parametrize("name", NAMES)
def test_who_chose_the_colours_sees_the_page_in_them(visit: Opener, name: str) -> None:
    page = visit(folder_of("ordinary") / name).page
    page.emulate_media(forced_colors="active", color_scheme="dark")
    ink, paper = page.evaluate(
        "[...document.querySelectorAll('.ring .n, h1')].map(e => getComputedStyle(e)).map(s => [s.fill, s.color])[0]"
        ".concat(getComputedStyle(document.body).backgroundColor).slice(-2)"
    )
    assert ink != paper
    assert violations(page) == []
