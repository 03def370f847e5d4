"""AWS Security Finding Format: what ``aws securityhub batch-import-findings`` takes; only a file is written."""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

import orjson

from auditor.model import Severity, Verdict
from auditor.report.formats.closed import closed_verdicts, closed_words
from auditor.report.formats.waived import waiver_words
from auditor.report.text import short
from auditor.report.view import FindingView, ReportView

__all__ = ["BATCH", "asff_pieces", "render_asff"]

BATCH = 100
"""Findings that one call of BatchImportFindings takes (Security Hub API Reference)."""
_HOME = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""Partition -> the region global resources are counted under (Security Hub User Guide, "Global resources")."""
_LABELS = {severity: "INFORMATIONAL" if severity is Severity.INFO else severity.upper() for severity in Severity}
_STATUSES = {Verdict.PASS: "PASSED", Verdict.FAIL: "FAILED"}
_NAMES = {
    "AWS::ElasticLoadBalancing::LoadBalancer": "AwsElbLoadBalancer",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "AwsElbv2LoadBalancer",
    "AWS::RDS::DBCluster": "AwsRdsDbCluster",
    "AWS::RDS::DBClusterSnapshot": "AwsRdsDbClusterSnapshot",
    "AWS::RDS::DBInstance": "AwsRdsDbInstance",
    "AWS::RDS::DBSecurityGroup": "AwsRdsDbSecurityGroup",
    "AWS::RDS::DBSnapshot": "AwsRdsDbSnapshot",
    "AWS::RDS::EventSubscription": "AwsRdsEventSubscription",
    "AWS::AutoScaling::AutoScalingGroup": "AwsAutoScalingAutoScalingGroup",
    "AWS::AutoScaling::LaunchConfiguration": "AwsAutoScalingLaunchConfiguration",
    "AWS::EC2::Instance": "AwsEc2Instance",
    "AWS::EC2::LaunchTemplate": "AwsEc2LaunchTemplate",
    "AWS::EC2::NetworkInterface": "AwsEc2NetworkInterface",
    "AWS::EC2::SecurityGroup": "AwsEc2SecurityGroup",
    "AWS::EC2::Subnet": "AwsEc2Subnet",
    "AWS::EC2::Volume": "AwsEc2Volume",
    "AWS::EC2::VPC": "AwsEc2Vpc",
    "AWS::IAM::AccessKey": "AwsIamAccessKey",
    "AWS::IAM::Group": "AwsIamGroup",
    "AWS::IAM::ManagedPolicy": "AwsIamPolicy",
    "AWS::IAM::Role": "AwsIamRole",
    "AWS::IAM::User": "AwsIamUser",
    "AWS::CloudTrail::Trail": "AwsCloudTrailTrail",
    "AWS::CodeBuild::Project": "AwsCodeBuildProject",
    "AWS::ECS::Cluster": "AwsEcsCluster",
    "AWS::ECS::Service": "AwsEcsService",
    "AWS::ECS::TaskDefinition": "AwsEcsTaskDefinition",
    "AWS::EKS::Cluster": "AwsEksCluster",
    "AWS::Lambda::Function": "AwsLambdaFunction",
    "AWS::SecretsManager::Secret": "AwsSecretsManagerSecret",
    "AWS::SNS::Topic": "AwsSnsTopic",
    "AWS::WAFv2::WebACL": "AwsWafv2WebAcl",
}
"""CloudFormation's name -> ASFF's; ASFF calls every other type ``Other``."""


def render_asff(view: ReportView) -> bytes:
    """Return the findings in ASFF as a JSON list (UTF-8), ready for calls with at most ``BATCH`` of them each.

    A failing finding is FAILED, one that could not be judged NOT_AVAILABLE; the workflow of a waived one is SUPPRESSED. What
    ended since the scan before is archived: PASSED where it passes now, else NOT_AVAILABLE. Lengths keep to Security Hub's
    limits. Findings go to the default product of the account in the resource's region.
    """
    return b"".join(asff_pieces(view))


def asff_pieces(view: ReportView) -> Iterator[bytes]:
    """Yield the same piece by piece: the findings are never held all at once."""
    closed = closed_verdicts(view)
    findings = chain(view.findings, view.waived, view.closed)
    before = b"["
    while some := [_finding(view, finding, closed.get(finding.key)) for finding in islice(findings, _AT_ONCE)]:
        yield before + orjson.dumps(some, option=orjson.OPT_INDENT_2)[1:-2]
        before = b","
    yield b"[]\n" if before == b"[" else b"\n]\n"


_AT_ONCE = 500


def _finding(view: ReportView, finding: FindingView, ended: Verdict | None) -> dict[str, Any]:
    """Return one finding; ENDED: how it stands now where it ended since the scan before."""
    check = view.checks.get(finding.check)
    verdict = ended or finding.verdict
    waived = verdict is Verdict.FAIL and finding.waiver is not None
    reason = closed_words(finding, ended) if ended else finding.reason
    region = finding.region if finding.region in view.regions else _HOME.get(view.partition, "us-east-1")
    sentences = "; ".join(evidence.sentence for evidence in finding.evidence) or finding.reason or finding.check
    compliance: dict[str, Any] = {
        "Status": _STATUSES.get(verdict, "NOT_AVAILABLE"),
        "AssociatedStandards": [{"StandardsId": short(view.standard, 256)}],
        "RelatedRequirements": [f"{view.standard} {id}"[:64] for id in (check.patterns if check else ())][:32],
    }
    if reason:
        code = finding.lifecycle.upper() if ended else "COULD_NOT_BE_READ" if finding.gaps else "NOT_JUDGED"
        compliance["StatusReasons"] = [{"ReasonCode": code, "Description": short(reason, 512)}]
    return {
        "SchemaVersion": "2018-10-08",
        "Id": finding.key,
        "ProductArn": f"arn:{view.partition}:securityhub:{region}:{finding.account}:product/{finding.account}/default",
        "ProductName": "auditor",
        "CompanyName": "auditor",
        "GeneratorId": f"auditor/{finding.check}",
        "AwsAccountId": finding.account,
        "Region": region,
        "Types": ["Software and Configuration Checks/Industry and Regulatory Standards"],
        "FirstObservedAt": finding.since,
        "LastObservedAt": finding.last_seen,
        "CreatedAt": finding.since,
        "UpdatedAt": view.finished or view.started,
        "Severity": {"Label": _LABELS[finding.severity], "Original": finding.severity},
        "Title": short(check.title if check else finding.check, 256),
        "Description": short(f"{finding.name}: {sentences}", 1024),
        "Remediation": {"Recommendation": {"Text": short((check.fix if check else "") or "See the check.", 512)}},
        "ProductFields": _fields(view, finding),
        "Resources": [
            {
                "Type": _NAMES.get(finding.type, "Other"),
                "Id": short(finding.resource, 512),
                "Partition": view.partition,
                "Region": region,
                "Tags": {short(key, 128): short(value, 256) for key, value in list(finding.tags.items())[:50]},
            }
        ],
        "Compliance": compliance,
        "Workflow": {"Status": "SUPPRESSED" if waived else "NEW"},
        "RecordState": "ARCHIVED" if ended else "ACTIVE",
    }


def _fields(view: ReportView, finding: FindingView) -> dict[str, str]:
    """Return what has no place of its own in ASFF: at most 50 fields, keys of 128 and values of 2,048 characters."""
    facts = [(name, value) for evidence in finding.evidence for name, value in evidence.facts]
    fields = {
        "auditor/scan": str(view.scan),
        "auditor/check": finding.check,
        "auditor/type": finding.type,
        "auditor/lifecycle": finding.lifecycle,
        "auditor/command": finding.command,
        "auditor/waiver": waiver_words(finding),
        "auditor/usd_month": "" if finding.usd_month is None else f"{finding.usd_month:.2f}",
    }
    fields |= {f"auditor/fact/{name}": value for name, value in reversed(facts[:40])}
    return {short(name, 128): short(value, 2048) for name, value in fields.items() if value}
