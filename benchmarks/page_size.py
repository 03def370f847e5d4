"""What the compliance page of 1,000 findings of the shipped checks takes, part by part: its limit is 700 kB.

Run with ``python -m benchmarks page_size`` or ``python benchmarks/page_size.py [FINDINGS]``. The findings are those of the
checks' own failing cases, all of them, over and over under other names: no account fails every check at once, so none is
heavier.
"""

import re
import sys
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from auditor import catalog, standard
from auditor.kit import NOW
from auditor.model import GLOBAL, Finding, FindingState, Lifecycle, Tally, Verdict
from auditor.report import Known, ReportInputs, build_view, render_html
from auditor.score import score

LIMIT = 700_000


def main() -> None:
    """Print a line for each part: bytes, and its share of the page."""
    size = int(sys.argv[1]) if sys.argv[1:2] and sys.argv[1].isdigit() else 1000
    text = render_html(build_view(inputs(size)))
    whole = len(text.encode())
    for name, taken in sorted(parts(text).items(), key=lambda part: -part[1]):
        print(f"{name:22}{taken:10,} bytes  {taken / whole:5.1%}")
    print(f"{size:,} findings: {whole:,} bytes, {whole / LIMIT:.2f}x the limit")


def inputs(size: int) -> ReportInputs:
    """Return a report of SIZE failures of all checks."""
    from cases import judge_case
    from report import sample

    checks = catalog.load_checks()
    rules = standard.load(catalog.bundled("checks") / "patterns.toml")
    failing: list[Finding] = []
    for check in checks.values():
        told = rules[check.patterns[0]].thresholds
        fields = check.thresholds.__dataclass_fields__
        wanted = check.thresholds(**{name: value for name, value in told.items() if name in fields})
        failing += [found for case in check.fails if (found := judge_case(check, case, wanted)).verdict is Verdict.FAIL]
    states, known = [], {}
    failed: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for number, finding in enumerate(islice(cycle(failing), size)):
        name, id = f"{finding.name}-{number}", f"{finding.resource}-{number}"
        region = GLOBAL if finding.region == GLOBAL else sample.REGIONS[number % 3]
        named = replace(finding, key=f"{number:032x}", name=name, resource=id, region=region)
        since = NOW - timedelta(days=number % 90)
        states.append(FindingState(named, Lifecycle.OPEN if number % 4 else Lifecycle.OPENED, since, 40, NOW))
        known[id] = Known(name, {"Environment": "prod", "Team": "shop", "Name": name})
        failed[finding.check, region, finding.type].append(id)
    tallies = [
        Tally(check, sample.ACCOUNT, region, type, (), tuple(ids)) for (check, region, type), ids in failed.items()
    ]
    scores = score(
        sample.ACCOUNT, [pattern.id for pattern in rules], checks, tallies, [held.finding for held in states]
    )
    return replace(
        sample.inputs(3), standard=rules, checks=checks, states=states, tallies=tallies, scores=scores, resources=known
    )


def parts(text: str) -> dict[str, int]:
    """Return how many bytes each part of a page takes: its sections, its style and scripts, the findings' block, and the rest."""
    found = {
        name: len(re.findall(pattern, text, re.DOTALL)[-1].encode())
        for name, pattern in (
            ("the style", "<style>.*?</style>"),
            ("the block", '<script[^>]* id="data">.*?</script>'),
            ("the table's scripts", '<script[^>]* id="code">.*?</script>'),
            ("the page's script", "<script>.*?</script>"),
        )
    }
    main, depth, begun = text[text.index("<main") : text.index("</main>")], 0, 0
    for edge in re.finditer("<section|</section>", main):
        if edge[0] == "<section":
            begun = begun if depth else edge.start()
            depth += 1
        else:
            depth -= 1
            if not depth:
                section = main[begun : edge.end()]
                name = re.findall(r'id="(\w+)"', section)[0]
                found[f"section {name}"] = len(section.encode())
    found["the rest"] = len(text.encode()) - sum(found.values())
    return found


if __name__ == "__main__":
    main()
