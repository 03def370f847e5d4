"""Failures that read the same, said once: under the top risks and as the evidence of a bullet."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from heapq import merge

from auditor.model import Finding, FindingState, Lifecycle, Severity
from auditor.report.findings import LONGEST
from auditor.report.text import short, visible, word
from auditor.report.view import RiskView, SameView

__all__ = ["Alike", "worst_of"]

_TOP = 8
_SAME = 3
_NAMES = 6
_NEW = (Lifecycle.OPENED, Lifecycle.REOPENED)


class _Kind:
    """Failures of one check and severity with one sentence."""

    __slots__ = ("count", "names", "regions", "severity", "type")

    def __init__(self, severity: Severity, type: str) -> None:
        self.severity, self.type = severity, type
        self.count = 0
        self.names: list[str] = []
        self.regions: set[str] = set()


class _Failing:
    """One check's failures, counted; of their kinds the first few."""

    __slots__ = ("count", "kinds", "new", "regions", "severities")

    def __init__(self) -> None:
        self.count = self.new = 0
        self.severities: Counter[Severity] = Counter()
        self.regions: set[str] = set()
        self.kinds: dict[tuple[Severity, str], _Kind] = {}


class Alike:
    """Takes a scan's failures in the report's order, and keeps of them what is said once."""

    def __init__(self, name_of: Callable[[Finding], str]) -> None:
        """NAME_OF gives a finding's resource its name, as readers see it."""
        self._name_of = name_of
        self._checks: dict[str, _Failing] = {}
        self._notes: dict[str, _Failing] = {}
        """Those that are worth knowing only: no risk."""

    def add(self, state: FindingState) -> None:
        """Count one failure."""
        finding = state.finding
        checks = self._notes if finding.severity is Severity.INFO else self._checks
        held = checks.get(finding.check)
        if held is None:
            held = checks[finding.check] = _Failing()
        held.count += 1
        held.severities[finding.severity] += 1
        held.regions.add(finding.region)
        if state.lifecycle in _NEW:
            held.new += 1
        evidence = finding.evidence
        said = finding.severity, evidence[0].sentence if evidence else finding.reason
        kind = held.kinds.get(said)
        if kind is None:
            if len(held.kinds) >= _SAME:
                return
            kind = held.kinds[said] = _Kind(finding.severity, finding.type)
        kind.count += 1
        kind.regions.add(finding.region)
        if len(kind.names) < _NAMES:
            kind.names.append(self._name_of(finding))

    @property
    def severities(self) -> Mapping[Severity, int]:
        """Failures by severity; all five keys."""
        every = (*self._checks.values(), *self._notes.values())
        total = sum((held.severities for held in every), Counter[Severity]())
        return {severity: total[severity] for severity in Severity}

    def by_check(self) -> dict[str, tuple[SameView, ...]]:
        """Return check id -> its first few kinds of failures, worst first."""
        said: dict[str, tuple[SameView, ...]] = {}
        for check, held in (*self._checks.items(), *self._notes.items()):
            said[check] = (said.get(check, ()) + _same(check, held))[:_SAME]
        return said

    def risks(self) -> tuple[RiskView, ...]:
        """Return the worst, one line a check: by severity, then by how many of it."""
        found = [_risk(check, held) for check, held in self._checks.items()]
        return tuple(sorted(found, key=lambda risk: (risk.severity.rank, -risk.worst, -risk.count))[:_TOP])


def worst_of(kinds: Iterable[Iterable[SameView]]) -> tuple[SameView, ...]:
    """Return the first few of several checks' KINDS (each worst first), worst first."""
    return tuple(merge(*kinds, key=lambda same: same.severity.rank))[:_SAME]


def _same(check: str, held: _Failing) -> tuple[SameView, ...]:
    return tuple(
        SameView(
            check=check,
            severity=kind.severity,
            sentence=visible(short(sentence, LONGEST)),
            type=word(kind.type),
            names=tuple(kind.names),
            count=kind.count,
            regions=tuple(sorted(map(word, kind.regions))),
        )
        for (_, sentence), kind in held.kinds.items()
    )


def _risk(check: str, held: _Failing) -> RiskView:
    worst = min(held.severities, key=lambda severity: severity.rank)
    return RiskView(
        check=check,
        severity=worst,
        count=held.count,
        worst=held.severities[worst],
        regions=tuple(sorted(map(word, held.regions))),
        same=_same(check, held),
        new=held.new,
    )
