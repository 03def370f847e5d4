"""A rich scan for the reports' tests, benchmark and pictures: every state, made by ordinary rules, the same each time."""

import random
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from report import spent

from auditor import standard
from auditor.acceptance import Accepted, Waiver, WaiverUse
from auditor.catalog import bundled
from auditor.drift import Drift, Incomparable, ResourceChange, ResourceRef, compare
from auditor.kit import NOW, Check, Facts, Fix, NoThresholds
from auditor.model import (
    GLOBAL,
    Certainty,
    Coverage,
    CoverageState,
    Evidence,
    Finding,
    FindingState,
    Gap,
    Lifecycle,
    Price,
    Saving,
    Scan,
    ScanStatus,
    Scope,
    Score,
    Severity,
    Tally,
    Verdict,
)
from auditor.report import Known, Permission, Previous, ReportInputs
from auditor.score import score
from auditor.trend import Night, Turn

ACCOUNT = "111122223333"
REGIONS = ("eu-central-1", "eu-west-1", "us-east-1")

HOSTILE = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "{{ 7*7 }}{% raw %}",
    "| a | b |\n|---|---|\n# head",
    "[x](https://evil.example) ![y](https://evil.example/p.png) @everyone `code`",
    "\x1b[31mred\x1b[0m\x00\x9b",
    "\u202egpj.exe\u2066\u200b",
    "lone \ud800 surrogate",
    "<!-- --><style>*{display:none}</style>&amp;&lt;",
    "$(rm -rf ~) `id` ; 'quote\" \\",
    "=cmd|' /C calc'!A0",
    "--endpoint-url=https://evil.example",
    "x" * 10_000,
)
"""Texts that an account's users could put into names, tags and policies."""


@dataclass(frozen=True)
class Rule:
    """A check in short, and how often it passes, does not concern, and cannot be read."""

    id: str
    patterns: tuple[str, ...]
    type: str
    severity: Severity
    title: str
    why: str
    sentence: str
    cli: str
    terraform: str
    passes: float = 0.6
    skips: float = 0.05
    unknown: float = 0.02
    usd: float = 0.0


_RDS, _SG, _VOLUME = "AWS::RDS::DBInstance", "AWS::EC2::SecurityGroup", "AWS::EC2::Volume"
_ASG, _USER, _KEY = "AWS::AutoScaling::AutoScalingGroup", "AWS::IAM::User", "AWS::IAM::AccessKey"
_SNAPSHOT = "AWS::EC2::Snapshot"

RULES = tuple(
    Rule(**{**rule, "patterns": tuple(rule["patterns"]), "severity": Severity(rule["severity"])})
    for rule in tomllib.loads(Path(__file__).with_name("rules.toml").read_text(encoding="utf-8"))["rule"]
)
DENIED = "AWS::Backup::RecoveryPoint"
"""The type that could not be read anywhere."""
NAMES = ("orders", "billing", "search", "checkout", "ledger", "media", "reports", "sessions", "catalog", "identity")
FIELDS = {
    _RDS: "DBInstanceIdentifier",
    _SG: "GroupId",
    _VOLUME: "VolumeId",
    _SNAPSHOT: "SnapshotId",
    _USER: "UserName",
    _KEY: "AccessKeyId",
}


def _judge(facts: Facts, want: NoThresholds) -> Iterator[Evidence]:
    yield from ()


def _check(rule: Rule) -> Check:
    def judge(facts: Facts, want: NoThresholds) -> Iterator[Evidence]:
        return _judge(facts, want)

    fix = rule.terraform.replace("_", " ").replace(".", ": ")
    judge.__doc__ = f"{rule.title}\n\nWhy: {rule.why}\nFix: mend the {fix}.\nSource: the standard."
    return Check(
        rule.id, rule.patterns, (rule.type,), rule.severity, Fix(rule.cli, rule.terraform), NoThresholds,
        judge, (), (), (), (), (), ("fsbp:Sample.1",), (),
    )  # fmt: skip


CHECKS: Mapping[str, Check] = {rule.id: _check(rule) for rule in RULES}


def _arn(type: str, region: str, name: str) -> str:
    _, service, kind = type.split("::")
    region = "" if region == GLOBAL else region
    return f"arn:aws:{service.lower()}:{region}:{ACCOUNT}:{kind.lower()}/{name}"


def _saving(rule: Rule, dice: random.Random) -> Saving | None:
    if not rule.usd:
        return None
    if dice.random() < 0.1:
        return Saving(None, "no price for db.z1d.metal", Certainty.ESTIMATE)
    quantity = dice.randint(1, 12)
    unit = round(rule.usd / 4, 4)
    certainty = Certainty.UPPER_BOUND if rule.type == _SNAPSHOT else dice.choice([Certainty.EXACT, Certainty.ESTIMATE])
    price = Price(
        unit, "GB-month", f"{rule.type.split('::')[1]} storage, eu-west-1", "embedded", "2026-01-15", certainty, 1.09
    )
    return Saving(round(quantity * unit, 2), f"{quantity} GB x {unit}", certainty, (price,))


class _Maker:
    """Throws the dice for every rule and resource."""

    def __init__(self, per_type: int, hostile: bool) -> None:
        self.dice = random.Random(7)
        self.per_type = per_type
        self.hostile = hostile
        self.states: list[FindingState] = []
        self.tallies: list[Tally] = []
        self.known: dict[str, Known] = {}

    def _name(self, type: str, number: int) -> str:
        if self.hostile and number < len(HOSTILE):
            return HOSTILE[number]
        prefix = {_SG: "sg-", _VOLUME: "vol-", _SNAPSHOT: "snap-", _KEY: "AKIA"}.get(type)
        if prefix:
            return f"{prefix}{self.dice.getrandbits(48):012x}"
        return f"{NAMES[number % len(NAMES)]}-{'prod' if number % 3 else 'staging'}-{number}"

    def resources(self, type: str) -> list[tuple[str, str, str]]:
        """Return id, name and region of the type's resources, and remember what is known of them."""
        made = []
        for number in range(self.per_type):
            region = GLOBAL if "IAM" in type else REGIONS[number % 3]
            name = self._name(type, number)
            id = _arn(type, region, name)
            fields = {FIELDS[type]: name, "UserName": "deploy"} if type in FIELDS else {}
            tags = {"Environment": "prod" if number % 3 else "staging", "Team": name}
            self.known[id] = Known(name, tags, fields)
            made.append((id, name, region))
        return made

    def judge(self, rule: Rule, resources: Sequence[tuple[str, str, str]]) -> None:
        """Give every resource a verdict."""
        lists: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for number, (id, name, region) in enumerate(resources):
            here, roll = lists[region], self.dice.random()
            if roll < rule.skips:
                here["skip"].append(id)
            elif self.dice.random() < rule.unknown:
                here["unknown"].append(id)
                self._unknown(rule, id, name, region)
            elif self.dice.random() < rule.passes and not (self.hostile and number < len(HOSTILE)):
                here["pass"].append(id)
            else:
                here["fail"].append(id)
                self._fail(rule, id, name, region)
        for region, here in lists.items():
            skipped = {"there is nothing it could concern": tuple(here["skip"])} if here["skip"] else {}
            passed, failed, unknown = (tuple(here[verdict]) for verdict in ("pass", "fail", "unknown"))
            self.tallies.append(Tally(rule.id, ACCOUNT, region, rule.type, passed, failed, unknown, skipped))

    def _fail(self, rule: Rule, id: str, name: str, region: str) -> None:
        sentence = f"{rule.sentence} {name}" if self.hostile and name in HOSTILE else rule.sentence
        facts: dict[str, Any] = {
            "observed": sentence.split()[-1],
            "wanted": 30,
            FIELDS.get(rule.type, "Name"): name,
            "zones": ["a"],
        }
        evidence = [Evidence(sentence, facts, saving=_saving(rule, self.dice))]
        if self.dice.random() < 0.1:
            evidence.append(
                Evidence(f"{rule.sentence}, in a second place", {"rules": [{"port": 22, "cidr": "0.0.0.0/0"}]})
            )
        self._add(rule, id, name, region, Verdict.FAIL, tuple(evidence))

    def _unknown(self, rule: Rule, id: str, name: str, region: str) -> None:
        operation = "wafv2:ListResourcesForWebACL" if "waf" in rule.id else "cloudwatch:GetMetricData"
        gap = Gap(
            operation, "AccessDeniedException", f"User: arn:aws:sts::{ACCOUNT}:assumed-role/auditor is not authorized"
        )
        fault = rule.id == "rds-idle"
        reason = f"the check {rule.id} broke: KeyError" if fault else f"{gap}: {gap.message}"
        self._add(rule, id, name, region, Verdict.UNKNOWN, (), reason, () if fault else (gap,), fault)

    def _add(
        self, rule: Rule, id: str, name: str, region: str, verdict: Verdict, evidence: tuple[Evidence, ...],
        reason: str = "", gaps: tuple[Gap, ...] = (), fault: bool = False,
    ) -> None:  # fmt: skip
        key = f"{len(self.states):032x}"
        finding = Finding(
            key, rule.id, id, rule.type, name, ACCOUNT, region, verdict, rule.severity, evidence, reason, gaps, fault
        )
        age = self.dice.choice([0, 0, 1, 3, 9, 27, 80, 200])
        lifecycle = Lifecycle.OPENED if age == 0 else Lifecycle.OPEN
        self.states.append(FindingState(finding, lifecycle, NOW - timedelta(days=age), max(1, 41 - age), NOW))


def _coverage(types: Sequence[str], per_type: int) -> list[Coverage]:
    rows = []
    others = (_ASG, "AWS::EC2::Instance", "AWS::EC2::Subnet", "AWS::RDS::DBCluster", "AWS::CloudWatch::Alarm")
    for type in dict.fromkeys((*types, *others)):
        for region in [GLOBAL] if "IAM" in type else REGIONS:
            scope = Scope(ACCOUNT, region, type)
            if type == DENIED:
                gap = Gap(
                    "backup:ListRecoveryPointsByBackupVault", "AccessDeniedException", "not authorized to perform it"
                )
                rows.append(Coverage(scope, CoverageState.DENIED, gap, NOW, 0, 1))
            elif type == "AWS::CloudWatch::Alarm" and region == REGIONS[2]:
                gap = Gap("cloudwatch:DescribeAlarms", "ThrottlingException", "Rate exceeded")
                rows.append(Coverage(scope, CoverageState.PARTIAL, gap, NOW, 100, 3))
            elif type == "AWS::RDS::DBCluster" and region == REGIONS[0]:
                rows.append(Coverage(scope, CoverageState.NOT_OFFERED, None, NOW, 0, 1))
            else:
                rows.append(Coverage(scope, CoverageState.COMPLETE, None, NOW, per_type // 3, 4))
    return rows


def inputs(
    per_type: int = 24, *, hostile: bool = False, first: bool = False, account_name: str = "shop-production"
) -> ReportInputs:
    """Return a scan with PER_TYPE resources of each type; HOSTILE: with names nobody should have; FIRST: no scan before."""
    maker = _Maker(per_type, hostile)
    types = dict.fromkeys(rule.type for rule in RULES)
    resources = {type: [] if type == DENIED else maker.resources(type) for type in types}
    for rule in RULES:
        if rule.type != DENIED:
            maker.judge(rule, resources[rule.type])
    coverage = _coverage(list(types), per_type)
    unread = {cover.scope: cover.gap for cover in coverage if cover.scope.type == DENIED}
    for rule in RULES:
        for scope, gap in unread.items():
            if scope.type == rule.type:
                maker.tallies.append(Tally(rule.id, ACCOUNT, scope.region, rule.type, unread=gap))
    shipped = standard.load(bundled("checks") / "patterns.toml")
    scan = Scan(
        41, ACCOUNT, account_name, "aws", ScanStatus.INCOMPLETE, NOW, NOW + timedelta(seconds=74), REGIONS, {}, "1.0.0",
        shipped.digest, "c" * 64,
    )  # fmt: skip
    scores = score(ACCOUNT, [p.id for p in shipped], CHECKS, maker.tallies, [state.finding for state in maker.states])
    before = [replace(s, value=max(0.0, s.value - 2.4)) if s.value is not None else s for s in scores]
    previous = Previous(
        replace(scan, id=40, started_at=NOW - timedelta(days=1), finished_at=NOW - timedelta(days=1)), before
    )
    opened = [
        state for state in maker.states if state.lifecycle is Lifecycle.OPENED and state.finding.verdict is Verdict.FAIL
    ]
    fails = [state for state in maker.states if state.finding.verdict is Verdict.FAIL][:9]
    fates = [*[Lifecycle.RESOLVED] * 5, Lifecycle.VANISHED, *[Lifecycle.UNVERIFIED] * 2, Lifecycle.REOPENED]
    gone = [
        replace(state, lifecycle=fate, finding=replace(state.finding, key=f"gone{number:028x}"))
        for number, (state, fate) in enumerate(zip(fails, fates, strict=False))
    ]
    told = nights(scan, scores, maker.states, 1 if first else 30)
    return ReportInputs(
        scan=scan,
        standard=shipped,
        checks=CHECKS,
        coverage=[*coverage, *spent.coverage(ACCOUNT, REGIONS)],
        spending=spent.resources(ACCOUNT, HOSTILE[0] if hostile else ""),
        states=maker.states,
        tallies=maker.tallies,
        scores=scores,
        previous=None if first else previous,
        nights=told,
        bullets=bullets(scores, len(told)),
        changes=[] if first else [*opened, *gone],
        histories={} if first else histories(scan, maker.states),
        drift=None if first else drift(),
        resources=maker.known,
        permissions={
            operation: Permission(operation)
            for operation in (
                "backup:ListRecoveryPointsByBackupVault", "wafv2:ListResourcesForWebACL", "cloudwatch:GetMetricData",
            )
        },
    )  # fmt: skip


def states_of(inputs: ReportInputs) -> Sequence[FindingState]:
    """Return the findings of a sample, which are held and lie nowhere else."""
    assert isinstance(inputs.states, Sequence)
    return inputs.states


def histories(scan: Scan, states: Sequence[FindingState]) -> dict[str, tuple[Turn, ...]]:
    """Return a life with turns for every fifth failure."""
    lives = [(30, Lifecycle.OPENED), (21, Lifecycle.RESOLVED), (14, Lifecycle.REOPENED), (2, Lifecycle.UNVERIFIED)]
    lives.append((1, Lifecycle.OPEN))
    told = tuple(Turn(NOW - timedelta(days=age), scan.id - age, what) for age, what in lives)
    failing = [state.finding for state in states if state.finding.verdict is Verdict.FAIL]
    return {finding.key: told for finding in failing[::5]}


def nights(scan: Scan, scores: Sequence[Score], states: Sequence[FindingState], count: int = 30) -> list[Night]:
    """Return COUNT nights up to SCAN: slowly better, the first six under another standard, one in which nothing was judged."""
    now = {(held.level, held.id): held.value for held in scores}
    failing = [state.finding for state in states if state.finding.verdict is Verdict.FAIL]
    worst = Counter(finding.severity for finding in failing)
    saved: dict[str, float] = {}
    for finding in failing:
        usd = (finding.saving.usd_month if finding.saving else None) or 0.0
        saved[finding.resource] = max(usd, saved.get(finding.resource, 0.0))
    made = []
    for age in range(count - 1, -1, -1):
        empty, worse = age == 11, 0.6 * age + 2 * (age % 3)
        sections = {
            id: None if value is None or empty else max(0.0, value - worse)
            for (level, id), value in now.items()
            if level == "section"
        }
        score_then = next((value for (level, _), value in now.items() if level == "account"), None)
        made.append(
            Night(
                scan=replace(scan, id=scan.id - age, started_at=scan.started_at - timedelta(days=age)),
                score=None if score_then is None or empty else max(0.0, score_then - worse),
                letter=None,
                sections=sections,
                severities={level: worst[level] + age * (level.rank + 1) // 4 for level in Severity},
                waived=0,
                unverified=age % 4,
                savings=round(sum(saved.values()) * (1 + age / 40), 2),
                scopes=38,
                known=0 if empty else 34 + (age % 5 > 2),
                differences=("the standard differs",) if age > 23 else (),
            )
        )
    return made


def bullets(scores: Sequence[Score], count: int) -> dict[str, list[float | None]]:
    """Return each bullet's score on COUNT nights: most stay for days, some move, and on one night nothing was judged."""
    moved = [0.0 if number % 3 else 10.0 for number in range(len(scores))]
    return {
        held.id: [
            None if age == 11 else max(0.0, held.value - step * (age // (3 + number % 5)))
            for age in range(count - 1, -1, -1)
        ]
        for number, (held, step) in enumerate(zip(scores, moved, strict=True))
        if held.level == "pattern" and held.value is not None
    }


def drift() -> Drift:
    """Return 12 resources that are new, 7 that changed and 3 that are gone."""
    refs = [
        ResourceRef(
            "AWS::EC2::Volume", "eu-west-1", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:volume/{n}", f"<b>v{n}\u202e</b>"
        )
        for n in range(22)
    ]
    fields = tuple(compare({"Size": 8, "Tags": [{"Key": "a|b", "Value": "<i>"}]}, {"Size": 16, "Tags": []}))
    scope = Scope(ACCOUNT, "us-east-1", "AWS::EC2::Volume")
    changed = tuple(ResourceChange(ref, fields) for ref in refs[12:19])
    return Drift(tuple(refs[:12]), changed, tuple(refs[19:]), (Incomparable(scope, "complete", "denied"),))


def waived() -> ReportInputs:
    """Return a scan in which somebody accepted every third failure, with words nobody should use."""
    full = inputs(9)
    waiver = Waiver(
        check="any",
        reason=HOSTILE[0] + HOSTILE[7],
        owner="=platform",
        ticket="OPS-1",
        until=NOW.date() + timedelta(days=9),
    )
    failing = [state for state in states_of(full) if state.finding.verdict is Verdict.FAIL][::3]
    keys = {state.finding.key for state in failing}
    states = [replace(state, waiver=waiver) if state.finding.key in keys else state for state in states_of(full)]
    scores = score(ACCOUNT, [p.id for p in full.standard], CHECKS, full.tallies, [s.finding for s in states], keys)
    ended = replace(waiver, until=NOW.date() - timedelta(days=3), ticket="", place="waivers.toml:7", resource="x|*")
    accepted = Accepted(
        dict.fromkeys(keys, waiver),
        (WaiverUse(waiver, "ending", len(keys)), WaiverUse(ended, "expired", 2), WaiverUse(ended, "unused")),
        notices=("the waiver of any ends on 2026-06-24",),
    )
    return replace(full, states=states, scores=scores, accepted=accepted)


def nothing_found() -> ReportInputs:
    """Return a scan in which everything was read and everything passes."""
    full = inputs(9)
    tallies = [
        Tally(t.check, t.account, t.region, t.type, (*t.passed, *t.failed, *t.unknown))
        for t in full.tallies
        if not t.unread
    ]
    coverage = [replace(c, state=CoverageState.COMPLETE, gap=None) for c in full.coverage]
    scores = score(ACCOUNT, [p.id for p in full.standard], CHECKS, tallies, [])
    scan = replace(full.scan, status=ScanStatus.COMPLETE)
    return replace(
        full, scan=scan, states=[], tallies=tallies, coverage=coverage, scores=scores, changes=[], spending={}
    )


def nothing_read() -> ReportInputs:
    """Return a scan to which every call was denied."""
    full = inputs(3, first=True)
    gap = Gap("sts:AssumeRole", "AccessDenied", "not authorized to perform: sts:AssumeRole")
    coverage = [replace(c, state=CoverageState.DENIED, gap=gap, resources=0) for c in full.coverage]
    tallies = [
        Tally(check.id, ACCOUNT, c.scope.region, c.scope.type, unread=gap)
        for check in CHECKS.values() for c in coverage if c.scope.type in check.on
    ]  # fmt: skip
    scores = score(ACCOUNT, [p.id for p in full.standard], CHECKS, tallies, [])
    return replace(full, states=[], tallies=tallies, coverage=coverage, scores=scores, resources={}, spending={})


STATES: Mapping[str, Any] = {
    "rich": inputs,
    "first": lambda: inputs(first=True),
    "nothing-found": nothing_found,
    "nothing-read": nothing_read,
    "hostile": lambda: inputs(hostile=True, account_name=HOSTILE[0]),
    "waived": waived,
    "many": lambda: inputs(400),
}
"""Every state a report can be in -> how its inputs are made."""


def write(folder: Path) -> None:
    """Write every state's reports below FOLDER, to look at them."""
    from auditor.report import build_view, write_reports

    for name, make in STATES.items():
        write_reports(build_view(make()), folder / name)
