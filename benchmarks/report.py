"""What a report costs: CPU and bytes for 1,000 to 100,000 findings, and against writing the same findings as plain JSON."""

import dataclasses
import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from auditor.report import (
    build_view,
    render_cost_html,
    render_cost_markdown,
    render_html,
    render_json,
    render_markdown,
)

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

_SIZES = {"1,000": 154, "30,000": 4650, "100,000": 15_200}
"""Findings, roughly -> resources of each type in the sample."""


def _timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU seconds RUN takes, and its result."""
    before = time.process_time()
    result = run()
    return time.process_time() - before, result


def main() -> None:
    """Print a line for each step: CPU seconds, bytes, and the ratio to plain JSON of the findings."""
    from report import sample

    gc.set_threshold(50_000, 20, 50)  # as the program itself does
    render_html(build_view(sample.inputs(2)))  # templates are compiled once
    seconds: dict[str, float] = {}
    for name, per_type in _SIZES.items():
        inputs = sample.inputs(per_type)
        findings = [dataclasses.asdict(state) for state in sample.states_of(inputs)]
        plain, data = _timed(lambda found=findings: orjson.dumps(found, default=str))  # type: ignore[misc]
        plain_all, _ = _timed(lambda held=inputs: [dataclasses.asdict(state) for state in sample.states_of(held)])  # type: ignore[misc]
        base = plain + plain_all
        print(
            f"{name} findings ({len(findings):,}; {len(inputs.tallies):,} tallies); plain JSON {base:.3f} s, {len(data):,} bytes"
        )
        build, view = _timed(lambda held=inputs: build_view(held))  # type: ignore[misc]
        print(f"  {'view':22} {build:7.3f} s  {build / base:5.2f} x")
        seconds[name] = build
        for render in (render_html, render_cost_html, render_markdown, render_cost_markdown, render_json):
            taken, made = _timed(lambda draw=render, shown=view: draw(shown))  # type: ignore[misc]
            size = len(made if isinstance(made, bytes) else made.encode())
            seconds[name] += taken
            print(
                f"  {render.__name__:22} {taken:7.3f} s  {taken / base:5.2f} x  {size:11,} bytes  {size / len(data):5.2f} x"
            )
    small, *_, large = seconds.values()
    print(f"100 times the findings take {large / small:.1f} times the CPU")


if __name__ == "__main__":
    main()
