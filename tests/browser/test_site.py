"""The pages of a site in a real browser: every state, on a wide screen and a phone, in the dark."""

import functools
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from browser.conftest import Opener
from browser.test_pages import overflow, violations
from report import sample

from auditor.report import build_view
from auditor.report.site import AccountView, SiteView, folder_name, render_site
from auditor.report.summary import summary_of

CHECK = "asg-spans-two-azs"
BULLET = "cloud.multi-az.availability-zones"


def account(number: int, name: str, state: str) -> AccountView:
    """An account in one of the sample's states."""
    view = build_view(sample.STATES[state]() if state != "ordinary" else sample.inputs(4))
    id = str(111122223333 + number)
    kept = {night.scan: {"compliance": "../../index.html"} for night in view.nights[-3:]}
    return AccountView(
        id, name, folder_name(id), view.scan, view.status, view.when, summary_of(view), view.started[:10], number % 9,
        view.nights, {"compliance": "../../index.html"}, kept,
    )  # fmt: skip


def accounts(state: str) -> list[AccountView]:
    if state == "forty":
        some = [
            account(n, f"shop-{n}", kind)
            for n, kind in enumerate(("ordinary", "nothing-found", "nothing-read", "waived"))
        ]
        more = [replace(some[n % 4], account=str(n), folder=f"n{n}", name=f"team-{n}", age=n % 5) for n in range(34)]
        broken = replace(some[0], account="b", folder="b", name="stopped", scan=99, status="interrupted")
        return [*some, *more, broken, AccountView("x", "", "x", 7, "failed", "2026-06-15 03:00 UTC")]
    if state == "hostile":
        from auditor.report.text import visible

        return [account(n, visible(text), "hostile") for n, text in enumerate(sample.HOSTILE[:4] + sample.HOSTILE[-1:])]
    return [account(0, "shop", "first")] if state == "one" else []


@functools.cache
def site_of(state: str) -> Path:
    """The folder with the pages of a state."""
    inputs = sample.inputs(2)
    actions = dict.fromkeys(inputs.checks, ("rds:DescribeDBInstances",))
    site = SiteView("1.0", "2026-06-15", inputs.standard, inputs.checks, actions, tuple(accounts(state)))
    folder = Path(tempfile.mkdtemp(prefix="site-"))
    for path, text in render_site(site):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8", errors="backslashreplace")
    return folder


PAGES = [
    *((state, page) for state in ("forty", "one", "none", "hostile") for page in ("index.html", f"standard/{BULLET}.html")),
    *((state, f"checks/{CHECK}.html") for state in ("forty", "none", "hostile")),
    *((state, "accounts/111122223333/index.html") for state in ("forty", "one", "hostile")),
    ("forty", "accounts/x/index.html"), ("forty", "checks/index.html"), ("forty", "standard/index.html"),
]  # fmt: skip


@pytest.mark.parametrize(("state", "page"), PAGES)
def test_a_page_is_harmless_fits_and_everybody_can_use_it(visit: Opener, state: str, page: str) -> None:
    opened = visit(site_of(state) / page)
    opened.harmless()
    assert opened.page.title()
    assert overflow(opened.page) <= 0
    assert violations(opened.page) == []
    narrow = visit(site_of(state) / page, width=320, dark=True)
    assert overflow(narrow.page) <= 0
    assert violations(narrow.page) == []


def test_the_index_says_everything_without_javascript_and_on_paper(visit: Opener) -> None:
    opened = visit(site_of("forty") / "index.html", javascript=False)
    assert opened.page.locator(".fleet tbody tr").count() == 40
    opened.page.emulate_media(media="print")
    assert overflow(opened.page) <= 0
    opened.page.click("text=shop-0")
    assert opened.page.title().startswith("shop-0")
