"""Failures that read the same, said once: under the top risks and as the evidence of a bullet."""

from collections import Counter
from collections.abc import Iterable, Mapping
from heapq import merge
from itertools import islice

from auditor.model import Severity
from auditor.report.runs import Run
from auditor.report.text import clean, word
from auditor.report.view import RiskView, SameView

__all__ = ["Alike", "worst_of"]

_TOP = 8
_SAME = 3
_NAMES = 6


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

    def __init__(self) -> None:
        self._checks: dict[str, _Failing] = {}
        self._notes: dict[str, _Failing] = {}
        """Those that are worth knowing only: no risk."""

    def add(self, run: Run) -> None:
        """Count failures that are alike."""
        severity, check, type, region = run.severity, run.check, run.type, run.region
        checks = self._notes if severity is Severity.INFO else self._checks
        held = checks.get(check)
        if held is None:
            held = checks[check] = _Failing()
        held.count += len(run.states)
        held.severities[severity] += len(run.states)
        held.regions.add(region)
        held.new += sum(run.new)
        for sentence, count in _counted(run.sentences).items():
            said = severity, sentence
            kind = held.kinds.get(said)
            if kind is None:
                if len(held.kinds) >= _SAME:
                    continue
                kind = held.kinds[said] = _Kind(severity, type)
            kind.count += count
            kind.regions.add(region)
            if (room := _NAMES - len(kind.names)) > 0:
                alike = (name for name, other in zip(run.shown, run.sentences, strict=True) if other == sentence)
                kind.names += islice(alike, room)

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


def _counted(sentences: list[str]) -> Mapping[str, int]:
    """Return how often each comes, in the order they come first; nearly always all are one."""
    same = sentences.count(sentences[0])
    return {sentences[0]: same} if same == len(sentences) else Counter(sentences)


def _same(check: str, held: _Failing) -> tuple[SameView, ...]:
    return tuple(
        SameView(
            check=check,
            severity=kind.severity,
            sentence=clean(sentence),
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
