"""Judge resources by checks: the one place that catches what a check raises."""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain, islice
from typing import Any

from auditor.kit.arn import account_of
from auditor.kit.check import Check
from auditor.kit.facts import Facts, NotApplicable, Unavailable
from auditor.kit.world import Inventory
from auditor.model import GLOBAL, CoverageState, Evidence, Finding, Gap, Saving, Scope, Severity, Tally, Verdict
from auditor.pages import Pages

__all__ = ["Findings", "Judgement", "finding_key", "judge", "judge_all"]

log = logging.getLogger(__name__)

_TRACEBACKS_PER_CHECK = 3
"""A check that breaks on every resource shows its traceback so many times, then only counts."""


_Row = tuple[Any, ...]
"""A Finding's fields in their order, with the same of its evidence, savings and gaps: made and written in a quarter of the time."""


_VERDICT, _EVIDENCE = 7, 9
"""Where they stand in a row."""


class Findings(Collection[Finding]):
    """Findings in the order they were added; iterated as often as one likes, each time made anew (see ``auditor.pages``)."""

    def __init__(self) -> None:
        self._rows = Pages[_Row]()

    def add(self, rows: list[_Row]) -> None:
        """Take some more, as rows; the list is not to be changed afterwards."""
        self._rows.add(rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Finding]:
        return map(_made, self._rows)

    def __contains__(self, finding: object) -> bool:
        return any(one == finding for one in self)


def _made(row: _Row) -> Finding:
    evidence, reason, gap, fault = row[_EVIDENCE:]
    made = tuple(
        [
            Evidence(sentence, facts, severity, Saving(*saving) if saving else None, since, template)
            for sentence, facts, severity, saving, since, template in evidence
        ]
    )
    return Finding(*(*row[:_EVIDENCE], made, reason, (Gap(*gap),) if gap else (), fault))


@dataclass(frozen=True, slots=True)
class Judgement:
    """What all checks concluded about one account: findings (fail and unknown), and every verdict as tallies.

    Both come scope by scope, and can be iterated as often as one likes: there may be more than memory should hold.
    """

    findings: Findings = field(default_factory=Findings)
    tallies: Pages[Tally] = field(default_factory=Pages[Tally])
    counts: Counter[Verdict] = field(default_factory=Counter)
    """How often each verdict was given."""

    @property
    def verdicts(self) -> int:
        """How many verdicts were given."""
        return self.counts.total()


def finding_key(check_id: str, resource_id: str, account: str, sub_key: str = "") -> str:
    """Return the key of a finding: 32 hex digits that never change for the same check, resource and ACCOUNT that sees it.

    An ARN need not name that account: a bucket's names none, a shared subnet's names its owner's.
    """
    key = _digest(f"{check_id}\0{resource_id}\0{sub_key}")
    return key if account_of(resource_id) == account else _digest(f"{key}\0{account}")


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def judge(check: Check, facts: Facts, thresholds: Any) -> Finding:
    """Return CHECK's finding about one resource (of any verdict); never raises.

    A fact that could not be read makes it UNKNOWN with the operation and the error code, unless evidence had already been
    given: what is proven stays a FAIL. A check that breaks makes it UNKNOWN marked as the check's own fault.
    """
    evidence: list[Evidence] = []
    try:
        for item in check.judge(facts, thresholds):
            evidence.append(item)  # noqa: PERF402  (extend would lose what came before an exception)
    except Exception as error:  # noqa: BLE001  (a broken check is a verdict, never a crash)
        return _made(_broken_off(check, facts, evidence, error))
    return _made(_row(check, facts, Verdict.FAIL if evidence else Verdict.PASS, evidence))


def _broken_off(check: Check, facts: Facts, evidence: list[Evidence], error: Exception) -> _Row:
    """Return what a check concluded that ended with ERROR, after it had given EVIDENCE."""
    if isinstance(error, Unavailable):
        # A check that kept it as a doubt raised it again: without this both would stay until garbage is collected.
        gap = error.kept().gap
        reason = f"{gap}: {gap.message}" if gap.message else str(gap)
        return _row(check, facts, Verdict.FAIL if evidence else Verdict.UNKNOWN, evidence, reason, gap)
    if isinstance(error, NotApplicable):
        # What is proven stays: a port that a tag excuses does not excuse the port before it.
        verdict = Verdict.FAIL if evidence else Verdict.NOT_APPLICABLE
        return _row(check, facts, verdict, evidence, "" if evidence else str(error))
    _log_fault(check, facts, error)
    reason = f"the check {check.id} broke: {type(error).__name__}"
    return _row(check, facts, Verdict.UNKNOWN, [], reason, fault=True)


_faults: dict[str, int] = defaultdict(int)


def _log_fault(check: Check, facts: Facts, error: Exception) -> None:
    _faults[check.id] += 1
    if _faults[check.id] <= _TRACEBACKS_PER_CHECK:
        log.error("check %s broke on %r", check.id, facts.id, exc_info=error)
    else:
        log.debug("check %s broke on %r: %r", check.id, facts.id, error)


def _row(
    check: Check,
    facts: Facts,
    verdict: Verdict,
    evidence: list[Evidence],
    reason: str = "",
    gap: Gap | None = None,
    *,
    fault: bool = False,
) -> _Row:
    severity, now = check.severity, facts.observed_at
    said, other = [], False
    for item in evidence:
        if item.since:
            item = item.at(now)
        if item.severity:
            other = True
        saved = item.saving
        saving = (saved.usd_month, saved.formula, saved.certainty, saved.prices) if saved else None
        said.append((item.sentence, item.facts, item.severity, saving, item.since, item.template))
    if other:
        severity = min((item.severity or check.severity for item in evidence), key=_rank)
    return (
        finding_key(check.first_id, facts.id, facts.account),
        check.id,
        facts.id,
        facts.type,
        facts.name,
        facts.account,
        facts.region,
        verdict,
        severity,
        said,
        reason,
        (gap.operation, gap.code, gap.message) if gap else None,
        fault,
    )


def _rank(severity: Severity) -> int:
    return severity.rank


def judge_all(
    checks: Iterable[Check],
    inventory: Inventory,
    thresholds: Callable[[Check], Any],
    on_type: Callable[[str, int], None] | None = None,
) -> Judgement:
    """Judge everything in INVENTORY and return findings (fail and unknown) and tallies (every verdict).

    THRESHOLDS gives a check its pattern's thresholds; ON_TYPE is told each resource type and how many were judged. A scope
    that could not be read gives no verdicts but a tally with the reason, for every check about its type.
    """
    by_type: dict[str, list[tuple[Check, Any]]] = defaultdict(list)
    for check in checks:
        for type in check.on:
            by_type[type].append((check, thresholds(check)))
    judgement = Judgement()
    for type, judged in by_type.items():
        scopes = {scope: cover for scope, cover in inventory.coverage.items() if scope.type == type}
        unread = _unread(scopes)
        count = 0
        for place, parts in _places(inventory.places(type) if scopes else {}, unread).items():
            count += sum(map(len, parts))
            _judge_place(judged, chain.from_iterable(parts), judgement, place, type, unread.get(place))
        if on_type:
            on_type(type, count)
    return judgement


_Place = tuple[str, str]
"""Account and region."""
_AT_ONCE = 512
"""So many resources are judged by every check before the next ones are looked at."""


def _places(
    found: Mapping[_Place, Sequence[Facts]], scopes: Iterable[_Place]
) -> Mapping[_Place, list[Sequence[Facts]]]:
    """Return the resources of a type by the scope they are counted under; SCOPES are where it was looked for."""
    places: dict[_Place, list[Sequence[Facts]]] = {place: [] for place in scopes}
    for place, resources in found.items():
        places.setdefault(place if place in places else _home(place, places), []).append(resources)
    return places


def _unread(scopes: Mapping[Scope, Any]) -> dict[_Place, Gap | None]:
    """Return every scope's account and region, with the reason where it could not be read completely."""
    return {
        (scope.account, scope.region): None
        if cover.state.known
        else cover.gap or Gap(scope.type, str(CoverageState(cover.state)))
        for scope, cover in scopes.items()
    }


class _Sorted:
    """The ids of one scope's resources by a check's verdict."""

    __slots__ = ("failed", "passed", "skipped", "unknown")

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.failed: list[str] = []
        self.unknown: list[str] = []
        self.skipped: dict[str, list[str]] = {}


def _judge_place(
    judged: Sequence[tuple[Check, Any]],
    resources: Iterable[Facts],
    judgement: Judgement,
    place: _Place,
    type: str,
    unread: Gap | None,
) -> None:
    """Judge a type's resources in one place: a few by all checks, then the next, so that none need stay in memory."""
    verdicts = [_Sorted() for _ in judged]
    rest = iter(resources)
    while some := list(islice(rest, _AT_ONCE)):
        findings: list[_Row] = []
        for (check, want), sorted_ in zip(judged, verdicts, strict=True):
            _judge_some(check, want, some, sorted_, findings)
            if len(findings) >= _AT_ONCE:
                judgement.findings.add(findings)
                findings = []
        judgement.findings.add(findings)
    tallies = [
        Tally(
            check=check.id,
            account=place[0],
            region=place[1],
            type=type,
            passed=tuple(found.passed),
            failed=tuple(found.failed),
            unknown=tuple(found.unknown),
            not_applicable={reason: tuple(ids) for reason, ids in found.skipped.items()},
            unread=unread,
        )
        for (check, _), found in zip(judged, verdicts, strict=True)
    ]
    counts = judgement.counts
    for tally in tallies:
        counts[Verdict.PASS] += len(tally.passed)
        counts[Verdict.FAIL] += len(tally.failed)
        counts[Verdict.UNKNOWN] += len(tally.unknown)
        counts[Verdict.NOT_APPLICABLE] += sum(map(len, tally.not_applicable.values()))
    judgement.tallies.add(tallies)


def _judge_some(check: Check, want: Any, resources: Iterable[Facts], into: _Sorted, findings: list[_Row]) -> None:
    run = check.judge
    for facts in resources:
        # As judge does, without a Finding where there is nothing to find: most verdicts are passes, and make nothing at all.
        evidence: list[Evidence] | None = None
        try:
            for item in run(facts, want):
                if evidence is None:
                    evidence = [item]
                else:
                    evidence.append(item)
            if evidence is None:
                into.passed.append(facts.id)
                continue
            row = _row(check, facts, Verdict.FAIL, evidence)
        except NotApplicable as skip:
            if evidence is None:
                into.skipped.setdefault(str(skip), []).append(facts.id)
                continue
            row = _broken_off(check, facts, evidence, skip)
        except Exception as error:  # noqa: BLE001
            row = _broken_off(check, facts, evidence or [], error)
        (into.failed if row[_VERDICT] is Verdict.FAIL else into.unknown).append(facts.id)
        findings.append(row)


def _home(place: _Place, places: Mapping[_Place, object]) -> _Place:
    """Return the scope a resource is counted under: its region, or ``global`` where its type is read once."""
    whole = (place[0], GLOBAL)
    return whole if whole in places else place
