"""OCSF Compliance Findings (class 2003), one JSON object a line, for security data lakes."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

import orjson

from auditor.model import Lifecycle, Severity, Verdict
from auditor.report.formats.closed import closed_verdicts, closed_words
from auditor.report.formats.extra import require
from auditor.report.formats.waived import waiver_words
from auditor.report.text import service
from auditor.report.view import FindingView, ReportView

if TYPE_CHECKING:
    from py_ocsf_models.objects.metadata import Metadata

__all__ = ["ocsf_pieces", "render_ocsf"]

_NEW = (Lifecycle.OPENED, Lifecycle.REOPENED)


def render_ocsf(view: ReportView) -> bytes:
    """Return the findings as OCSF events, one a line (UTF-8). Raises ReportError without the extra ``formats``.

    A failing finding has compliance status Fail; one that could not be judged has Warning, which OCSF defines as "did not yield
    a result due to missing information". A waived failure is Suppressed. What ended since the scan before is an event Close with
    status Resolved: compliance status Pass where it passes now, else Other. The profiles ``cloud`` and ``datetime`` apply.
    """
    return b"".join(ocsf_pieces(view))


def ocsf_pieces(view: ReportView) -> Iterator[bytes]:
    """Yield the same event by event."""
    require(["ocsf"])
    from py_ocsf_models.objects.metadata import Metadata
    from py_ocsf_models.objects.product import Product

    product = Product(name="auditor", vendor_name="auditor", version=view.version)
    metadata = Metadata(product=product, profiles=["cloud", "datetime"], tenant_uid=view.account)
    event = _event_of(view, metadata)
    for finding in chain(view.findings, view.waived, view.closed):
        yield orjson.dumps(event(finding), option=orjson.OPT_APPEND_NEWLINE)


def _event_of(view: ReportView, metadata: "Metadata") -> Callable[[FindingView], dict[str, Any]]:
    """Return what makes an event of a finding, checked by the models of OCSF."""
    from py_ocsf_models.events.findings.activity_id import ActivityID
    from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
    from py_ocsf_models.events.findings.compliance_finding_type_id import ComplianceFindingTypeID
    from py_ocsf_models.events.findings.severity_id import SeverityID
    from py_ocsf_models.events.findings.status_id import StatusID
    from py_ocsf_models.objects.account import Account, TypeID
    from py_ocsf_models.objects.cloud import Cloud
    from py_ocsf_models.objects.compliance import Compliance
    from py_ocsf_models.objects.compliance_status import StatusID as ComplianceStatus
    from py_ocsf_models.objects.finding_info import FindingInformation
    from py_ocsf_models.objects.remediation import Remediation
    from py_ocsf_models.objects.resource_details import ResourceDetails

    severities = {
        Severity.CRITICAL: SeverityID.Critical,
        Severity.HIGH: SeverityID.High,
        Severity.MEDIUM: SeverityID.Medium,
        Severity.LOW: SeverityID.Low,
        Severity.INFO: SeverityID.Informational,
    }
    statuses = {
        Verdict.PASS: ComplianceStatus.Pass,
        Verdict.FAIL: ComplianceStatus.Fail,
        Verdict.UNKNOWN: ComplianceStatus.Warning,
        Verdict.NOT_APPLICABLE: ComplianceStatus.Other,
    }
    closed = closed_verdicts(view)
    when = datetime.fromisoformat(view.finished or view.started)
    account = Account(
        uid=view.account,
        name=view.account_name or view.account,
        type_id=TypeID.AWS_Account,
        type=TypeID.AWS_Account.name,
    )

    def event(finding: FindingView) -> dict[str, Any]:
        check = view.checks.get(finding.check)
        ended = closed.get(finding.key)
        verdict = ended or finding.verdict
        activity = ActivityID.Create if finding.lifecycle in _NEW else ActivityID.Update
        standing = StatusID.Suppressed if finding.waiver and verdict is Verdict.FAIL else StatusID.New
        if ended:
            activity, standing = ActivityID.Close, StatusID.Resolved
        status = statuses[verdict]
        since = datetime.fromisoformat(finding.since)
        made = ComplianceFinding(
            activity_id=activity,
            activity_name=activity.name,
            type_uid=ComplianceFindingTypeID(2003 * 100 + activity),
            type_name=f"Compliance Finding: {activity.name}",
            metadata=metadata,
            time=_milliseconds(when),
            time_dt=when,
            severity_id=severities[finding.severity],
            severity=severities[finding.severity].name,
            status_id=standing,
            status=standing.name,
            status_code=verdict,
            status_detail=(closed_words(finding, ended) if ended else waiver_words(finding) or finding.reason) or None,
            message=f"{finding.name}: {finding.sentence}",
            finding_info=FindingInformation(
                uid=finding.key,
                title=check.title if check else finding.check,
                desc="; ".join(evidence.sentence for evidence in finding.evidence) or finding.reason,
                types=[finding.check],
                created_time=_milliseconds(since),
                created_time_dt=since,
                first_seen_time=_milliseconds(since),
                first_seen_time_dt=since,
                last_seen_time=_milliseconds(datetime.fromisoformat(finding.last_seen)),
                last_seen_time_dt=datetime.fromisoformat(finding.last_seen),
            ),
            compliance=Compliance(
                control=finding.check,
                requirements=list(check.patterns) if check else [],
                standards=[view.standard],
                desc=check.why if check else None,
                status_id=status,
            ),
            remediation=Remediation(
                desc=(check.fix if check else "") or "see the check", references=list(check.same_as) if check else []
            ),
            resources=[
                ResourceDetails(
                    uid=finding.resource,
                    name=finding.name,
                    type=finding.type,
                    region=finding.region,
                    cloud_partition=view.partition,
                    labels=[f"{key}={value}" for key, value in finding.tags.items()],
                    namespace=service(finding.type),
                    data={"facts": [dict(evidence.facts) for evidence in finding.evidence]},
                )
            ],
            unmapped={
                "scan": view.scan,
                "usd_month": finding.usd_month,
                "command": finding.command,
                "lifecycle": finding.lifecycle,
                "standard_digest": view.standard_digest,
            },
        )
        document = made.model_dump(mode="json", exclude_none=True)
        document["compliance"]["status"] = status.name
        # The model of the class has no member for the profile `cloud` (OCSF 1.5, profiles/cloud).
        cloud = Cloud(provider="AWS", account=account, region=finding.region)
        return {**document, "cloud": cloud.model_dump(mode="json", exclude_none=True)}

    return event


def _milliseconds(when: datetime) -> int:
    return round(when.timestamp() * 1000)
