"""What a page with 100,000 findings costs a browser: until it is usable, to filter, search, sort and scroll; and its heap.

At the end the table is scrolled: a frame at a time, by wheel and by its bar. What the main thread did then is read out of
Chromium's trace: a task of more than 50 ms of CPU is a stutter, one of more than 16.7 ms lets at least one frame fall out.

Run with ``python -m benchmarks browser`` or ``python benchmarks/browser.py [RESOURCES]`` (of each type in the sample; 15,200 make
100,000 findings). Needs Chromium: ``playwright install chromium``, or its path in ``CHROMIUM``. Seconds are CPU of the page's
main thread, beside those of a page with next to no findings; on a quiet machine a person waits about as long.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import FloatRect, Page, sync_playwright

from auditor.report import build_view, write_reports

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

_FIELD = "const f = document.querySelector('[name={0}]'); f.value = '{1}'; f.dispatchEvent(new Event('input', {{bubbles: true}}));"
_RESET = "document.querySelector('#filter').reset();"
_STEPS = {
    "filter by severity": _FIELD.format("severity", "high"),
    "take it off": _RESET,
    "sort by name": "document.querySelector('th[data-key=name] button').click();",
    "search two words": _FIELD.format("search", "orders prod"),
    "take it off again": _RESET,
    "group by check": _FIELD.format("group", "check"),
    "ungroup": _RESET,
    "jump to the end": "const box = document.getElementById('box'); box.scrollTop = box.scrollHeight;",
}

_STEP = """([step, frames]) => new Promise((done) => {
  const box = document.getElementById("box"), far = step || box.scrollHeight / frames;
  box.scrollTop = 0;
  let left = frames;
  const move = () => {
    if (!left--) return done();
    box.scrollTop += far;
    requestAnimationFrame(move);
  };
  requestAnimationFrame(move);
})"""


def _by_steps(page: Page, step: int, frames: int) -> None:
    """Scroll in so many FRAMES, by so many pixels each; 0: as many as bring it to the end."""
    page.evaluate(_STEP, [step, frames])


def _box(page: Page) -> FloatRect:
    page.evaluate("document.getElementById('box').scrollTop = 0")
    page.locator("#box").scroll_into_view_if_needed()
    found = page.locator("#box").bounding_box()
    assert found is not None
    return found


def _by_wheel(page: Page) -> None:
    box = _box(page)
    page.mouse.move(box["x"] + 200, box["y"] + box["height"] / 2)
    for _ in range(100):
        page.mouse.wheel(0, 600)
        page.wait_for_timeout(16)


def _by_bar(page: Page) -> None:
    """Drag the bar from the top to the end."""
    box = _box(page)
    x, y = box["x"] + box["width"] - 6, box["y"] + 24
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(100):
        page.mouse.move(x, y + (box["height"] - 48) * (step + 1) / 100)
        page.wait_for_timeout(16)
    page.mouse.up()
    assert page.evaluate("document.getElementById('box').scrollTop") > 0, "the bar was missed"


_SCROLLS: dict[str, Callable[[Page], None]] = {
    "scrolled slowly": lambda page: _by_steps(page, 120, 300),
    "scrolled through in 200 steps": lambda page: _by_steps(page, 0, 200),
    "scrolled by wheel": _by_wheel,
    "scrolled by its bar": _by_bar,
}
_FRAME = 1000 / 60


def main() -> None:
    """Print a line for each step: CPU seconds with few and with many findings."""
    from report import sample

    size = int(sys.argv[1]) if sys.argv[1:2] and sys.argv[1].isdigit() else 15_200
    columns: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM") or None
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--enable-precise-memory-info"],
            ignore_default_args=["--hide-scrollbars"],
        )
        for number in (20, size):
            view = build_view(sample.inputs(number))
            write_reports(view, Path(folder), ["html"])
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            columns.append({"findings": len(view.findings), **_costs(page, Path(folder) / "compliance.html")})
            page.close()
        browser.close()
    for name, few in columns[0].items():
        print(f"{name:40}{few:12,.2f}{columns[1][name]:12,.2f}")


def _costs(page: Page, file: Path) -> dict[str, float]:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent() -> float:
        metrics: Any = session.send("Performance.getMetrics")["metrics"]
        return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))

    page.goto(file.as_uri(), wait_until="commit")
    page.wait_for_selector("#filter:not([hidden])", timeout=120_000)
    found = {"usable": spent()}
    for name, script in _STEPS.items():
        before = spent()
        # A search waits until nobody types any more.
        page.evaluate(f"async () => {{ {script} await new Promise(done => setTimeout(done, 400)) }}")
        found[name] = spent() - before
    for name, scroll in _SCROLLS.items():
        tasks = _tasks(page, scroll)
        found |= {
            name: sum(tasks) / 1000,
            f"{name}, tasks over 50 ms": sum(task > 50 for task in tasks),
            f"{name}, frames fallen out": sum(int(task / _FRAME) for task in tasks),
            f"{name}, longest task, ms": max(tasks),
        }
    found["heap MB"] = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
    return found


def _tasks(page: Page, scroll: Callable[[Page], None]) -> list[float]:
    """Return the milliseconds of CPU of each task of the page's main thread while it was scrolled."""
    browser = page.context.browser
    assert browser is not None
    browser.start_tracing(page=page, categories=["devtools.timeline", "disabled-by-default-devtools.timeline"])
    scroll(page)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    threads = {
        (e["pid"], e["tid"]) for e in events if e["name"] == "thread_name" and e["args"]["name"] == "CrRendererMain"
    }
    return [
        e["tdur"] / 1000 for e in events if e["name"] == "RunTask" and (e["pid"], e["tid"]) in threads and "tdur" in e
    ]


if __name__ == "__main__":
    main()
