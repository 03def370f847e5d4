"""Pages in a real browser: Debian's Chromium, driven by Playwright. Where it is missing these tests are skipped, saying so."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, Request, sync_playwright

_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_WATCH = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.__violations.push(event.violatedDirective + " " + event.blockedURI));
"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; the tests are skipped where there is none."""
    if _CHROMIUM is None:
        pytest.skip("no Chromium here, so no page was opened: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_FLAGS)
        yield browser
        browser.close()


@dataclass
class Opened:
    """A page, and what it did that a report must never do."""

    page: Page
    dialogs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """Of scripts, and on the console."""
    requests: list[str] = field(default_factory=list)
    """Besides the file itself."""

    def refuse(self, dialog: Dialog) -> None:
        """Remember a dialog and close it."""
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def asked(self, request: Request, own: str) -> None:
        """Remember a request for anything but the page's OWN address."""
        if request.url.partition("#")[0] != own:
            self.requests.append(request.url)

    @property
    def violations(self) -> list[str]:
        """What the content security policy stopped."""
        return [str(item) for item in self.page.evaluate("window.__violations")]

    def harmless(self) -> None:
        """Assert that nothing ran, loaded or failed."""
        assert (self.dialogs, self.errors, self.requests, self.violations) == ([], [], [], [])


class Opener:
    """Opens files in the browser."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._pages: list[Page] = []

    def __call__(
        self,
        path: Path,
        *,
        fragment: str = "",
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
        javascript: bool = True,
    ) -> Opened:
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=javascript,
            reduced_motion="reduce",
        )
        page = context.new_page()
        self._pages.append(page)
        opened = Opened(page)
        page.add_init_script(_WATCH)
        page.on("dialog", opened.refuse)
        page.on("pageerror", lambda error: opened.errors.append(str(error)))
        page.on("console", lambda message: opened.errors.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: opened.asked(request, path.as_uri()))
        page.goto(path.as_uri() + fragment)
        return opened

    def close(self) -> None:
        """Close all that was opened."""
        for page in self._pages:
            page.context.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Opener]:
    """Open a file in a fresh context of the browser: ``visit(path, width=320, dark=True)``."""
    opener = Opener(browser)
    yield opener
    opener.close()
