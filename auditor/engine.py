"""Judge resources by checks: the one place that catches what a check raises."""

import hashlib
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from auditor.kit.check import Check
from auditor.kit.facts import Facts, NotApplicable, Unavailable
from auditor.kit.world import Inventory
from auditor.model import GLOBAL, CoverageState, Evidence, Finding, Gap, Scope, Severity, Tally, Verdict

__all__ = ["Judgement", "finding_key", "judge", "judge_all"]

log = logging.getLogger(__name__)

_TRACEBACKS_PER_CHECK = 3
"""A check that breaks on every resource shows its traceback so many times, then only counts."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What all checks concluded about one account: findings (fail and unknown), and every verdict as tallies."""

    findings: list[Finding] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)

    @property
    def verdicts(self) -> int:
        """How many verdicts were given."""
        return sum(
            len(t.passed) + len(t.failed) + len(t.unknown) + sum(map(len, t.not_applicable.values()))
            for t in self.tallies
        )


def finding_key(check_id: str, resource_id: str, sub_key: str = "") -> str:
    """Return the key of a finding: 32 hex digits that never change for the same check and resource."""
    return hashlib.sha256(f"{check_id}\0{resource_id}\0{sub_key}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


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
        return _broken_off(check, facts, evidence, error)
    return _finding(check, facts, Verdict.FAIL if evidence else Verdict.PASS, evidence)


def _broken_off(check: Check, facts: Facts, evidence: list[Evidence], error: Exception) -> Finding:
    """Return what a check concluded that ended with ERROR, after it had given EVIDENCE."""
    if isinstance(error, Unavailable):
        gap = error.gap
        reason = f"{gap}: {gap.message}" if gap.message else str(gap)
        return _finding(check, facts, Verdict.FAIL if evidence else Verdict.UNKNOWN, evidence, reason, gap)
    if isinstance(error, NotApplicable):
        # What is proven stays: a port that a tag excuses does not excuse the port before it.
        verdict = Verdict.FAIL if evidence else Verdict.NOT_APPLICABLE
        return _finding(check, facts, verdict, evidence, "" if evidence else str(error))
    _log_fault(check, facts, error)
    reason = f"the check {check.id} broke: {type(error).__name__}"
    return _finding(check, facts, Verdict.UNKNOWN, [], reason, fault=True)


_faults: dict[str, int] = defaultdict(int)


def _log_fault(check: Check, facts: Facts, error: Exception) -> None:
    _faults[check.id] += 1
    if _faults[check.id] <= _TRACEBACKS_PER_CHECK:
        log.error("check %s broke on %r", check.id, facts.id, exc_info=error)
    else:
        log.debug("check %s broke on %r: %r", check.id, facts.id, error)


def _finding(
    check: Check,
    facts: Facts,
    verdict: Verdict,
    evidence: list[Evidence],
    reason: str = "",
    gap: Gap | None = None,
    *,
    fault: bool = False,
) -> Finding:
    severity = check.severity
    if [item for item in evidence if item.severity]:
        severity = min((item.severity or check.severity for item in evidence), key=_rank)
    return Finding(
        key=finding_key(check.first_id, facts.id),
        check=check.id,
        resource=facts.id,
        type=facts.type,
        name=facts.name,
        account=facts.account,
        region=facts.region,
        verdict=verdict,
        severity=severity,
        evidence=tuple(item.at(facts.observed_at) if item.since else item for item in evidence),
        reason=reason,
        gaps=(gap,) if gap else (),
        fault=fault,
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
        resources = inventory.facts(type) if scopes else []
        unread = _unread(scopes)
        places = _places(resources, unread)
        for check, want in judged:
            _judge_type(check, want, places, judgement, unread, type)
        if on_type:
            on_type(type, len(resources))
    return judgement


_Place = tuple[str, str]
"""Account and region."""


def _places(resources: Iterable[Facts], regions: Iterable[_Place]) -> dict[_Place, list[Facts]]:
    """Return the resources of a type by the scope they are counted under; REGIONS are its scopes."""
    places: dict[_Place, list[Facts]] = {place: [] for place in regions}
    for facts in resources:
        place = (facts.account, facts.region)
        places.setdefault(place if place in places else _home(place, places), []).append(facts)
    return places


def _unread(scopes: Mapping[Scope, Any]) -> dict[_Place, Gap | None]:
    """Return every scope's account and region, with the reason where it could not be read completely."""
    return {
        (scope.account, scope.region): None
        if cover.state.known
        else cover.gap or Gap(scope.type, str(CoverageState(cover.state)))
        for scope, cover in scopes.items()
    }


def _judge_type(
    check: Check,
    want: Any,
    places: Mapping[_Place, Sequence[Facts]],
    judgement: Judgement,
    unread: Mapping[_Place, Gap | None],
    type: str,
) -> None:
    run = check.judge
    for place, resources in places.items():
        passed: list[str] = []
        failed: list[str] = []
        unknown: list[str] = []
        skipped: dict[str, list[str]] = {}
        for facts in resources:
            # As judge does, without a Finding where there is nothing to find: most verdicts are passes.
            evidence: list[Evidence] = []
            try:
                for item in run(facts, want):
                    evidence.append(item)  # noqa: PERF402
                if not evidence:
                    passed.append(facts.id)
                    continue
                finding = _finding(check, facts, Verdict.FAIL, evidence)
            except NotApplicable as skip:
                if not evidence:
                    skipped.setdefault(str(skip), []).append(facts.id)
                    continue
                finding = _broken_off(check, facts, evidence, skip)
            except Exception as error:  # noqa: BLE001
                finding = _broken_off(check, facts, evidence, error)
            (failed if finding.verdict is Verdict.FAIL else unknown).append(facts.id)
            judgement.findings.append(finding)
        judgement.tallies.append(
            Tally(
                check=check.id,
                account=place[0],
                region=place[1],
                type=type,
                passed=tuple(passed),
                failed=tuple(failed),
                unknown=tuple(unknown),
                not_applicable={reason: tuple(ids) for reason, ids in skipped.items()},
                unread=unread.get(place),
            )
        )


def _home(place: _Place, places: Mapping[_Place, object]) -> _Place:
    """Return the scope a resource is counted under: its region, or ``global`` where its type is read once."""
    whole = (place[0], GLOBAL)
    return whole if whole in places else place
