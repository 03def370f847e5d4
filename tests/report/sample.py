"""A rich scan for the reports' tests, benchmark and pictures: every state, made by ordinary rules, the same each time."""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from auditor import standard
from auditor.catalog import bundled
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
    Severity,
    Tally,
    Verdict,
)
from auditor.report import Known, Permission, Previous, ReportInputs, ResourceCounts
from auditor.score import score

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
    patterns: str
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


_C, _H, _M, _L, _I = Severity
_RDS, _SG, _VOLUME = "AWS::RDS::DBInstance", "AWS::EC2::SecurityGroup", "AWS::EC2::Volume"
_LB, _TG, _ASG = (
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::AutoScaling::AutoScalingGroup",
)
_USER, _KEY, _SNAPSHOT = "AWS::IAM::User", "AWS::IAM::AccessKey", "AWS::EC2::Snapshot"

RULES = (
    Rule("asg-spans-two-azs", "cloud.multi-az.availability-zones", _ASG, _H, "An Auto Scaling group runs in two Availability Zones.",
         "one zone's outage must not stop the service.", "runs in 1 of 2 zones",
         "aws autoscaling update-auto-scaling-group --auto-scaling-group-name {name} --vpc-zone-identifier SUBNET_A,SUBNET_B",
         "aws_autoscaling_group.vpc_zone_identifier", 0.72),
    Rule("elbv2-spans-two-azs", "cloud.multi-az.load-balancing", _LB, _H, "A load balancer has a subnet in two Availability Zones.",
         "a load balancer in one zone goes down with it.", "has subnets in 1 zone",
         "aws elbv2 set-subnets --load-balancer-arn {id} --subnets SUBNET_A SUBNET_B", "aws_lb.subnets", 0.85),
    Rule("rds-data-replicated-across-azs", "cloud.multi-az.data-replication", _RDS, _H, "A database keeps a copy in a second zone.",
         "the storage of a single-AZ instance lives in one zone.", "keeps its data in one zone",
         "aws rds modify-db-instance --db-instance-identifier {DBInstanceIdentifier} --multi-az --apply-immediately",
         "aws_db_instance.multi_az", 0.5),
    Rule("asg-target-cpu", "cloud.auto-scaling.policies", _ASG, _M, "Target tracking aims at 70% CPU.",
         "a lower target wastes money, a higher one leaves no time to scale.", "aims at 40% CPU, 70% is wanted",
         "aws autoscaling put-scaling-policy --auto-scaling-group-name {name} --policy-name cpu70 --policy-type TargetTrackingScaling"
         " --target-tracking-configuration '{\"PredefinedMetricSpecification\":{\"PredefinedMetricType\":\"ASGAverageCPUUtilization\"},\"TargetValue\":70}'",
         "aws_autoscaling_policy.target_tracking_configuration.target_value", 0.4),
    Rule("target-group-health-interval", "cloud.load-balancing.health-checks", _TG, _L, "Health checks run every 30 seconds.",
         "a slow health check sends traffic to a dead target.", "checks health every 60 seconds, 30 is wanted",
         "aws elbv2 modify-target-group --target-group-arn {id} --health-check-interval-seconds 30",
         "aws_lb_target_group.health_check.interval", 0.8),
    Rule("target-group-stickiness", "cloud.load-balancing.sticky-sessions", _TG, _I, "Sticky sessions are off.",
         "they are for what cannot share its sessions.", "keeps clients on one target",
         "aws elbv2 modify-target-group-attributes --target-group-arn {id} --attributes Key=stickiness.enabled,Value=false",
         "aws_lb_target_group.stickiness.enabled", 0.9),
    Rule("alb-drops-invalid-headers", "cloud.load-balancing.alb", _LB, _M, "An Application Load Balancer drops invalid headers.",
         "request smuggling hides in headers that servers read differently.", "lets invalid headers pass",
         "aws elbv2 modify-load-balancer-attributes --load-balancer-arn {id}"
         " --attributes Key=routing.http.drop_invalid_header_fields.enabled,Value=true", "aws_lb.drop_invalid_header_fields", 1.0, 0.3, 0.0),
    Rule("rds-has-replica", "databases.high-availability.primary-replica", _RDS, _M, "A primary has at least one replica.",
         "a standby or replica takes over.", "has no replica",
         "aws rds create-db-instance-read-replica --db-instance-identifier {name}-replica --source-db-instance-identifier {name}",
         "aws_db_instance.replicate_source_db", 0.55),
    Rule("rds-backup-daily", "databases.backup.daily,recovery.backup.rpo", _RDS, _C, "Automated backups are on.",
         "without them there is nothing to restore.", "has automated backups off",
         "aws rds modify-db-instance --db-instance-identifier {DBInstanceIdentifier} --backup-retention-period 30",
         "aws_db_instance.backup_retention_period", 0.9),
    Rule("rds-retention", "databases.backup.retention", _RDS, _H, "Daily backups are kept 30 days.",
         "corruption is often noticed weeks later.", "keeps backups 7 days, 30 are wanted",
         "aws rds modify-db-instance --db-instance-identifier {DBInstanceIdentifier} --backup-retention-period 30",
         "aws_db_instance.backup_retention_period", 0.35),
    Rule("sg-no-open-admin-port", "security.network.security-groups", _SG, _C, "No administrative port is open to the internet.",
         "scanners try every address within minutes.", "opens port 22 to 0.0.0.0/0",
         "aws ec2 revoke-security-group-ingress --group-id {GroupId} --protocol tcp --port 22 --cidr 0.0.0.0/0",
         "aws_vpc_security_group_ingress_rule.cidr_ipv4", 0.9),
    Rule("sg-unused", "security.network.security-groups,cost.cleanup.automated-cleanup", _SG, _L, "A security group is used by something.",
         "nobody notices when an unused group is widened, until it is attached.", "is attached to nothing",
         "aws ec2 delete-security-group --group-id {GroupId}", "aws_security_group", 0.7),
    Rule("alb-has-waf", "security.network.waf", _LB, _H, "A public load balancer stands behind a web ACL.",
         "public APIs get hostile requests every day.", "is public and has no web ACL",
         "aws wafv2 associate-web-acl --web-acl-arn WEB_ACL_ARN --resource-arn {id}", "aws_wafv2_web_acl_association", 0.3, 0.4, 0.1),
    Rule("iam-user-has-mfa", "security.access.iam-rbac", _USER, _H, "A user with a password has MFA.",
         "a password alone is guessed, reused or phished.", "has a password and no MFA device",
         "aws iam create-virtual-mfa-device --virtual-mfa-device-name {name} --outfile qr.png --bootstrap-method QRCodePNG",
         "aws_iam_virtual_mfa_device", 0.6),
    Rule("iam-key-rotated", "security.access.credential-rotation", _KEY, _M, "An access key is younger than 90 days.",
         "an old key has been in more places.", "is 412 days old, 90 are allowed",
         "aws iam update-access-key --user-name {UserName} --access-key-id {AccessKeyId} --status Inactive", "aws_iam_access_key.status", 0.4),
    Rule("iam-user-no-direct-admin", "security.access.least-privilege", _USER, _C, "No user is an administrator by a policy of its own.",
         "rights belong to roles.", "has AdministratorAccess attached directly",
         "aws iam detach-user-policy --user-name {name} --policy-arn arn:aws:iam::aws:policy/AdministratorAccess",
         "aws_iam_user_policy_attachment", 0.93),
    Rule("rds-right-size", "cost.right-sizing.right-size", _RDS, _L, "A database uses what it pays for.",
         "half of an idle machine is waste.", "used at most 6% CPU in 14 days",
         "aws rds modify-db-instance --db-instance-identifier {DBInstanceIdentifier} --db-instance-class CLASS",
         "aws_db_instance.instance_class", 0.7, usd=180),
    Rule("rds-idle", "cost.right-sizing.monitor-usage", _RDS, _M, "A database is connected to.",
         "an idle database costs as much as a busy one.", "had no connection in 14 days",
         "aws rds stop-db-instance --db-instance-identifier {DBInstanceIdentifier}", "aws_db_instance", 0.88, usd=320),
    Rule("volume-attached", "cost.cleanup.automated-cleanup", _VOLUME, _L, "A volume is attached to an instance.",
         "a detached volume is billed in full.", "has been detached for 96 days",
         "aws ec2 delete-volume --volume-id {VolumeId} --region {region}", "aws_ebs_volume", 0.75, usd=40),
    Rule("snapshot-age", "cost.cleanup.lifecycle-policies", _SNAPSHOT, _L, "A snapshot is younger than 365 days or kept by a policy.",
         "old snapshots pile up unseen.", "is 803 days old", "aws ec2 delete-snapshot --snapshot-id {SnapshotId} --region {region}",
         "aws_ebs_snapshot", 0.5, usd=3),
    Rule("rds-failover", "databases.high-availability.automatic-failover,recovery.failover.automated", _RDS, _H, "A database fails over by itself.",
         "at night nobody is fast enough.", "has no standby to fail over to",
         "aws rds modify-db-instance --db-instance-identifier {DBInstanceIdentifier} --multi-az", "aws_db_instance.multi_az", 0.5),
    Rule("rds-proxy", "databases.high-availability.connection-pooling", _RDS, _I, "A pool stands in front of a busy database.",
         "connections are dear.", "has no proxy", "aws rds create-db-proxy --db-proxy-name {name}", "aws_db_proxy", 0.0, 1.0, 0.0),
    Rule("backup-copied-abroad", "recovery.backup.locations", "AWS::Backup::RecoveryPoint", _H, "A recovery point has a copy in another region.",
         "a region can be lost.", "has no copy in another region", "aws backup start-copy-job --recovery-point-arn {id} --source-backup-vault-name VAULT"
         " --destination-backup-vault-arn VAULT_ARN --iam-role-arn ROLE", "aws_backup_plan.rule.copy_action"),
)  # fmt: skip

DENIED = "AWS::Backup::RecoveryPoint"
"""The type that could not be read anywhere."""
NAMES = ("orders", "billing", "search", "checkout", "ledger", "media", "reports", "sessions", "catalog", "identity")
FIELDS = {
    _RDS: "DBInstanceIdentifier", _SG: "GroupId", _VOLUME: "VolumeId", _SNAPSHOT: "SnapshotId", _USER: "UserName", _KEY: "AccessKeyId",
}  # fmt: skip


def _judge(facts: Facts, want: NoThresholds) -> Iterator[Evidence]:
    yield from ()


def _check(rule: Rule) -> Check:
    def judge(facts: Facts, want: NoThresholds) -> Iterator[Evidence]:
        return _judge(facts, want)

    fix = rule.terraform.replace("_", " ").replace(".", ": ")
    judge.__doc__ = f"{rule.title}\n\nWhy: {rule.why}\nFix: mend the {fix}.\nSource: the organisation's standard; AWS documentation."
    return Check(
        rule.id, tuple(rule.patterns.split(",")), (rule.type,), rule.severity, Fix(rule.cli, rule.terraform), NoThresholds,
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
    price = Price(unit, "GB-month", f"{rule.type.split('::')[1]} storage, eu-west-1", "embedded", "2026-01-15", certainty, 1.09)
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
            self.tallies.append(
                Tally(rule.id, ACCOUNT, region, rule.type, tuple(here["pass"]), tuple(here["fail"]), tuple(here["unknown"]), skipped)
            )  # fmt: skip

    def _fail(self, rule: Rule, id: str, name: str, region: str) -> None:
        sentence = f"{rule.sentence} {name}" if self.hostile and name in HOSTILE else rule.sentence
        facts: dict[str, Any] = {"observed": sentence.split()[-1], "wanted": 30, FIELDS.get(rule.type, "Name"): name, "zones": ["a"]}
        evidence = [Evidence(sentence, facts, saving=_saving(rule, self.dice))]
        if self.dice.random() < 0.1:
            evidence.append(Evidence(f"{rule.sentence}, in a second place", {"rules": [{"port": 22, "cidr": "0.0.0.0/0"}]}))
        self._add(rule, id, name, region, Verdict.FAIL, tuple(evidence))

    def _unknown(self, rule: Rule, id: str, name: str, region: str) -> None:
        operation = "wafv2:ListResourcesForWebACL" if "waf" in rule.id else "cloudwatch:GetMetricData"
        gap = Gap(operation, "AccessDeniedException", f"User: arn:aws:sts::{ACCOUNT}:assumed-role/auditor is not authorized")
        fault = rule.id == "rds-idle" and region == REGIONS[0]
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
                gap = Gap("backup:ListRecoveryPointsByBackupVault", "AccessDeniedException", "not authorized to perform it")
                rows.append(Coverage(scope, CoverageState.DENIED, gap, NOW, 0, 1))
            elif type == "AWS::CloudWatch::Alarm" and region == REGIONS[2]:
                gap = Gap("cloudwatch:DescribeAlarms", "ThrottlingException", "Rate exceeded")
                rows.append(Coverage(scope, CoverageState.PARTIAL, gap, NOW, 100, 3))
            elif type == "AWS::RDS::DBCluster" and region == REGIONS[0]:
                rows.append(Coverage(scope, CoverageState.NOT_OFFERED, None, NOW, 0, 1))
            else:
                rows.append(Coverage(scope, CoverageState.COMPLETE, None, NOW, per_type // 3, 4))
    return rows


def inputs(per_type: int = 24, *, hostile: bool = False, first: bool = False, account_name: str = "shop-production") -> ReportInputs:
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
    scores = score(
        ACCOUNT, [p.id for p in shipped], CHECKS, maker.tallies, [state.finding for state in maker.states]
    )
    before = [replace(s, value=max(0.0, s.value - 2.4)) if s.value is not None else s for s in scores]
    previous = Previous(
        replace(scan, id=40, started_at=NOW - timedelta(days=1), finished_at=NOW - timedelta(days=1)), before
    )
    opened = [state for state in maker.states if state.lifecycle is Lifecycle.OPENED and state.finding.verdict is Verdict.FAIL]
    fails = [state for state in maker.states if state.finding.verdict is Verdict.FAIL][:9]
    gone = [
        replace(state, lifecycle=lifecycle, finding=replace(state.finding, key=f"gone{n:028x}"))
        for n, (state, lifecycle) in enumerate(
            zip(fails, [*[Lifecycle.RESOLVED] * 5, Lifecycle.VANISHED, *[Lifecycle.UNVERIFIED] * 2, Lifecycle.REOPENED], strict=False)
        )
    ]  # fmt: skip
    return ReportInputs(
        scan=scan,
        standard=shipped,
        checks=CHECKS,
        coverage=coverage,
        states=maker.states,
        tallies=maker.tallies,
        scores=scores,
        previous=None if first else previous,
        changes=[] if first else [*opened, *gone],
        resource_changes=None if first else ResourceCounts(12, 7, 3),
        resources=maker.known,
        permissions={
            "backup:ListRecoveryPointsByBackupVault": Permission("backup:ListRecoveryPointsByBackupVault", (DENIED,), ("backup-copied-abroad",)),
            "wafv2:ListResourcesForWebACL": Permission("wafv2:ListResourcesForWebACL", ("AWS::WAFv2::WebACL",), ("alb-has-waf",)),
            "cloudwatch:GetMetricData": Permission("cloudwatch:GetMetricData"),
        },
    )  # fmt: skip


def nothing_found() -> ReportInputs:
    """Return a scan in which everything was read and everything passes."""
    full = inputs(9)
    tallies = [
        Tally(t.check, t.account, t.region, t.type, (*t.passed, *t.failed, *t.unknown)) for t in full.tallies if not t.unread
    ]
    coverage = [replace(c, state=CoverageState.COMPLETE, gap=None) for c in full.coverage]
    scores = score(ACCOUNT, [p.id for p in full.standard], CHECKS, tallies, [])
    scan = replace(full.scan, status=ScanStatus.COMPLETE)
    return replace(full, scan=scan, states=[], tallies=tallies, coverage=coverage, scores=scores, changes=[])


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
    return replace(full, states=[], tallies=tallies, coverage=coverage, scores=scores, resources={})


STATES: Mapping[str, Any] = {
    "rich": inputs,
    "first": lambda: inputs(first=True),
    "nothing-found": nothing_found,
    "nothing-read": nothing_read,
    "hostile": lambda: inputs(hostile=True, account_name=HOSTILE[0]),
    "many": lambda: inputs(400),
}
"""Every state a report can be in -> how its inputs are made."""


def write(folder: Path) -> None:
    """Write every state's reports below FOLDER, to look at them."""
    from auditor.report import build_view, write_reports

    for name, make in STATES.items():
        write_reports(build_view(make()), folder / name)
