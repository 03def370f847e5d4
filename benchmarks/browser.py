"""What a page with 100,000 findings costs a browser: until it is usable, to filter, search, sort and scroll; and its heap.

At the end the whole table is scrolled through, a frame at a time, once slowly and once so that every frame shows other rows:
a task of more than 50 ms is a stutter.

Run with ``python -m benchmarks browser`` or ``python benchmarks/browser.py [RESOURCES]`` (of each type in the sample; 15,200 make
100,000 findings). Needs Chromium: ``playwright install chromium``, or its path in ``CHROMIUM``. Seconds are CPU of the page's
main thread, beside those of a page with next to no findings; on a quiet machine a person waits about as long.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

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

_SCROLL = """([step, frames]) => new Promise((done) => {
  const box = document.getElementById("box"), long = [], whole = box.scrollHeight, worst = { frame: 0 };
  const watch = new PerformanceObserver((list) => list.getEntries().forEach((task) => long.push(task.duration)));
  watch.observe({ type: "longtask" });
  box.scrollTop = 0;
  let left = frames, last = performance.now();
  const move = (now) => {
    worst.frame = Math.max(worst.frame, now - last);
    last = now;
    if (!left--) return setTimeout(() => { watch.disconnect(); done([long.length, Math.max(0, ...long), worst.frame]); }, 300);
    box.scrollTop += step || whole / frames;
    requestAnimationFrame(move);
  };
  requestAnimationFrame(move);
})"""
_SCROLLS = {"scrolled slowly": [120, 300], "scrolled through": [0, 600]}
"""Pixels a frame (0: as many as bring it to the end), and frames."""


def main() -> None:
    """Print a line for each step: CPU seconds with few and with many findings."""
    from report import sample

    size = int(sys.argv[1]) if sys.argv[1:2] and sys.argv[1].isdigit() else 15_200
    columns: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM") or None
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--enable-precise-memory-info"]
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
    for name, how in _SCROLLS.items():
        before = spent()
        tasks, longest, frame = page.evaluate(_SCROLL, how)
        told = {
            "": spent() - before,
            ", tasks over 50 ms": tasks,
            ", longest task, ms": longest,
            ", longest frame, ms": frame,
        }
        found |= {name + what: value for what, value in told.items()}
    found["heap MB"] = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
    return found


if __name__ == "__main__":
    main()
