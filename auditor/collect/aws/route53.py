"""Route 53: hosted zones and the records that lead to something of AWS."""

from auditor.collect.declare import Call, ResourceType, Row

HOSTED_ZONE = ResourceType(
    "AWS::Route53::HostedZone",
    "A hosted zone, public or private.",
    list=Call("route53", "ListHostedZones", "HostedZones"),
    id="arn:{partition}:route53::{account}:{Id}",
    name="{Name}",
    scope="global",
)


def _with_ids(record: Row) -> Row:
    """Return the record with its zone's id, and a RecordSetId made of all that tells it from others of the zone."""
    kept = {name: value for name, value in record.items() if name != "Id"}
    parts = (record["Name"], record["Type"], record.get("SetIdentifier", ""))
    return {**kept, "HostedZoneId": record["Id"], "RecordSetId": "/".join(part for part in parts if part)}


RECORD_SET = ResourceType(
    "AWS::Route53::RecordSet",
    "A record that names an address or another name; others (TXT above all) are not kept.",
    parent="AWS::Route53::HostedZone",
    list=Call("route53", "ListResourceRecordSets", "ResourceRecordSets", args={"HostedZoneId": "Id"}),
    only=lambda record: record.get("Type") in ("A", "AAAA", "CNAME"),
    inherit=("Id",),
    shape=_with_ids,
    id="arn:{partition}:route53::{account}:{HostedZoneId}/{RecordSetId}",
    name="{Name}",
    scope="global",
)
