"""CloudTrail: the trails that record an account, and the few recorded calls that prove something."""

import json

from auditor.collect.declare import Call, Dated, ResourceType, Row

FAILOVERS = ("FailoverDBCluster", "RebootDBInstance", "FailoverGlobalCluster", "SwitchoverGlobalCluster")
"""The calls by which a failover of a database is rehearsed."""

_KEPT = ("eventName", "eventTime", "eventSource", "errorCode", "errorMessage", "requestParameters")


def _reduced(event: Row) -> Row:
    """Return the event with only what was asked and whether it worked in CloudTrailEvent: no keys, no addresses."""
    try:
        record = json.loads(event.get("CloudTrailEvent") or "{}")
    except ValueError:
        record = {}
    kept = {name: record[name] for name in _KEPT if name in record} if isinstance(record, dict) else {}
    return {**event, "CloudTrailEvent": json.dumps(kept, sort_keys=True)}


def _worked(event: Row) -> bool:
    """Whether the call was not refused; a record that cannot be read says nothing."""
    try:
        record = json.loads(event.get("CloudTrailEvent") or "")
    except ValueError:
        return False
    return isinstance(record, dict) and not record.get("errorCode")


EVENT = ResourceType(
    "AWS::CloudTrail::Event",
    "A call of the last 90 days that fails a database over.",
    list=tuple(
        Call(
            "cloudtrail",
            "LookupEvents",
            "Events",
            params={"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": name}]},
        )
        for name in FAILOVERS
    ),
    shape=_reduced,
    id="arn:{partition}:cloudtrail:{region}:{account}:event/{EventId}",
    name="{EventName}",
    drop=("AccessKeyId",),
    dated=(Dated("failover", at="EventTime", about="Resources[].ResourceName", when=_worked),),
)

RESTORES = (
    "RestoreDBClusterFromSnapshot",
    "RestoreDBClusterToPointInTime",
    "RestoreDBInstanceFromDBSnapshot",
    "RestoreDBInstanceToPointInTime",
    "RestoreFromClusterSnapshot",
    "RestoreTableFromBackup",
    "RestoreTableToPointInTime",
)
"""The calls that make a database anew from a backup: RDS with DocumentDB and Neptune, Redshift, DynamoDB."""

_SOURCES = frozenset(
    {
        "backupArn",
        "dBClusterSnapshotIdentifier",
        "dBSnapshotIdentifier",
        "engine",
        "restoreType",
        "snapshotArn",
        "snapshotClusterIdentifier",
        "snapshotIdentifier",
        "sourceDBClusterIdentifier",
        "sourceDBInstanceAutomatedBackupsArn",
        "sourceDBInstanceIdentifier",
        "sourceDbClusterResourceId",
        "sourceDbiResourceId",
        "sourceTableArn",
        "sourceTableName",
    }
)
"""What the calls name their source by, as CloudTrail writes it; nothing else that was asked is kept."""


def _reduced_to_source(event: Row) -> Row:
    """Return the event with what was restored and whether it worked in CloudTrailEvent."""
    reduced = _reduced(event)
    record = json.loads(reduced["CloudTrailEvent"])
    asked = record.get("requestParameters")
    if isinstance(asked, dict):
        record["requestParameters"] = {name: asked[name] for name in asked if name in _SOURCES}
    return {**reduced, "CloudTrailEvent": json.dumps(record, sort_keys=True)}


def _restored(event: Row) -> bool:
    """Whether it restored a backup; a clone of Aurora shares its source's storage and proves none."""
    if not _worked(event):
        return False
    asked = json.loads(event["CloudTrailEvent"]).get("requestParameters")
    return isinstance(asked, dict) and asked.get("restoreType") != "copy-on-write"


RESTORE_EVENT = ResourceType(
    "AWS::CloudTrail::RestoreEvent",
    "A call of the last 90 days that restores a database from a backup.",
    list=tuple(
        Call(
            "cloudtrail",
            "LookupEvents",
            "Events",
            params={"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": name}]},
        )
        for name in RESTORES
    ),
    shape=_reduced_to_source,
    id="arn:{partition}:cloudtrail:{region}:{account}:restore-event/{EventId}",
    name="{EventName}",
    drop=("AccessKeyId",),
    dated=(Dated("restore", at="EventTime", about="Resources[].ResourceName", when=_restored),),
)

_NOT_OURS = ("TrailNotFoundException",)
"""To a member the organisation's trail may be said not to be found: it is there, but not for the member to look into."""

# Every region repeats the multi-Region ones; members see the organisation's as shadow trails alone.
_TRAILS = Call("cloudtrail", "DescribeTrails", "trailList", params={"includeShadowTrails": True})

SHADOW_TRAIL = ResourceType(
    "AWS::CloudTrail::ShadowTrail",
    "A trail of all Regions as one of them sees it, also where its home is a region that the account has not enabled.",
    list=_TRAILS,
    only=lambda trail: bool(trail.get("IsMultiRegionTrail")),
    id="arn:{partition}:cloudtrail::{account}:shadow-trail/{TrailARN}",
    name="{Name}",
    scope="global",
    offering=True,
)

TRAIL = ResourceType(
    "AWS::CloudTrail::Trail",
    "A trail in its home region: the account's own, or as a member sees it the organisation's, whose ARN names its owner.",
    list=_TRAILS,
    id="{TrailARN}",
    name="{Name}",
    region="{HomeRegion}",
    details={
        "IsLogging": Call("cloudtrail", "GetTrailStatus", "IsLogging", args={"Name": "TrailARN"}, absent=_NOT_OURS),
        "Selectors": Call("cloudtrail", "GetEventSelectors", args={"TrailName": "TrailARN"}, absent=_NOT_OURS),
    },
    drop=("Selectors.TrailARN",),
)
