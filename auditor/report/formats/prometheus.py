"""Prometheus text format, for the textfile collector of node_exporter: scores, counts, coverage, age of the scan."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from auditor.model import CoverageState, Lifecycle, Severity
from auditor.report.formats.extra import require
from auditor.report.view import ReportView

__all__ = ["render_prometheus"]

_Samples = Iterable[tuple[tuple[str, ...], float | None]]
"""Values of the labels, and the sample's; ``None``: there is none."""


def render_prometheus(view: ReportView) -> bytes:
    """Return the scan's numbers as metrics (UTF-8). Raises ReportError without the extra ``formats``.

    Every metric has the labels ``account`` and ``account_name``. What was not judged has no score sample: an absent value is
    not zero. Metric names follow Prometheus's naming (base units, ``_seconds``, ``_ratio``).
    """
    require(["prometheus"])
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    registry = CollectorRegistry()
    for name, help, labels, samples in _metrics(view):
        gauge = Gauge(f"auditor_{name}", help, ("account", "account_name", *labels), registry=registry)
        for values, sample in samples:
            if sample is not None:
                gauge.labels(view.account, view.account_name, *values).set(sample)
    return generate_latest(registry)


def _metrics(view: ReportView) -> Iterator[tuple[str, str, tuple[str, ...], _Samples]]:
    """Yield name, help, labels and samples of each metric."""
    counts = view.counts
    yield "score", "Score of the account, 0 to 100, under the standard.", (), [((), view.score)]
    sections = [((section.id,), section.score) for section in view.sections]
    yield "section_score", "Score of a section of the standard, 0 to 100.", ("section",), sections
    verdicts = {
        "pass": counts.passed,
        "fail": counts.failed,
        "unknown": counts.unknown,
        "not_applicable": counts.not_applicable,
    }
    yield "verdicts", "Verdicts of all checks.", ("verdict",), [((name,), count) for name, count in verdicts.items()]
    failing = [((str(level),), view.severities.get(level, 0)) for level in Severity]
    yield "waived_findings", "Failing findings that are waived.", (), [((), len(view.waived))]
    yield "findings", "Failing findings that are not waived.", ("severity",), failing
    moved = [((str(life),), view.changes.counts.get(life, 0)) for life in Lifecycle if life is not Lifecycle.OPEN]
    yield "finding_changes", "What the scan changed in the life of failing findings.", ("lifecycle",), moved
    bullets = [((str(standing),), count) for standing, count in view.standings.items()]
    yield "bullets", "Bullets of the standard by how they stand.", ("standing",), bullets
    coverage = view.coverage
    share = None if coverage.percent is None else coverage.percent / 100
    yield "coverage_ratio", "Share of what was asked for that was read whole, 0 to 1.", (), [((), share)]
    states = [((str(state),), coverage.states.get(state, 0)) for state in CoverageState]
    yield "scopes", "Scopes (a resource type in a region) by how they were read.", ("state",), states
    yield "resources", "Resources read.", (), [((), coverage.resources)]
    money = [((str(certainty),), usd) for certainty, usd in view.money.by_certainty.items()]
    yield "savings_usd_per_month", "What can be saved a month, USD at list price.", ("certainty",), money
    yield "scan_number", "Number of the scan in the store.", (), [((), view.scan)]
    yield "scan_complete", "1 when everything asked for was read.", (), [((), view.status == "complete")]
    yield "scan_duration_seconds", "How long the scan took.", (), [((), view.seconds)]
    yield "scan_start_timestamp_seconds", "When the scan began, Unix time.", (), [((), _unix(view.started))]
    ended = _unix(view.finished) if view.finished else None
    yield "scan_end_timestamp_seconds", "When the scan ended; time() minus it is its age.", (), [((), ended)]


def _unix(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()
