"""What the simulated account answers where moto has no answer: what follows from the account, there is none, or denied."""

import json
from collections.abc import Sequence
from urllib.parse import parse_qs

from auditor.demo import spending, told

__all__ = ["DENIED", "Answer", "Denied", "answer_for"]

_JSON = "application/x-amz-json-1.1"
_XML = "text/xml"

_EMPTY_JSON = {
    ("arc-region-switch", "ListPlans"): "plans",
    ("cloudtrail", "LookupEvents"): "Events",
    ("codebuild", "ListProjects"): "projects",
    ("compute-optimizer", "GetEBSVolumeRecommendations"): "volumeRecommendations",
    ("compute-optimizer", "GetRDSDatabaseRecommendations"): "rdsDBRecommendations",
    ("shield", "ListProtections"): "Protections",
}
_EMPTY_PATHS = {
    ("arc-zonal-shift", "/managedresources"): "items",
    ("arc-zonal-shift", "/zonalshifts"): "items",
    ("backup", "/resources"): "Results",
    ("backup", "/restore-testing/plans"): "RestoreTestingPlans",
    ("dlm", "/policies"): "Policies",
    ("drs", "/DescribeJobs"): "items",
    ("drs", "/DescribeSourceServers"): "items",
    ("es", "/2021-01-01/opensearch/reservedInstances"): "ReservedInstances",
}
_EMPTY_EC2 = {
    "DescribeReservedInstances": "reservedInstancesSet",
    "DescribeSecurityGroupReferences": "securityGroupReferenceSet",
    "DescribeSecurityGroupVpcAssociations": "securityGroupVpcAssociationSet",
    "DescribeStaleSecurityGroups": "staleSecurityGroupSet",
}
_EMPTY_QUERY = {
    ("iam", "ListServiceSpecificCredentials"): "ServiceSpecificCredentials",
    ("elasticache", "DescribeEvents"): "Events",
    ("elasticache", "DescribeReservedCacheNodes"): "ReservedCacheNodes",
    ("rds", "DescribeDBClusterAutomatedBackups"): "DBClusterAutomatedBackups",
    ("rds", "DescribeReservedDBInstances"): "ReservedDBInstances",
    ("redshift", "DescribeReservedNodes"): "ReservedNodes",
}
DENIED = frozenset({("wafv2", "ListWebACLs")})
"""What the demo's role may not ask: so that a first report shows what "could not be read" looks like."""

Answer = tuple[str, bytes]
"""Content type and body."""


class Denied(Exception):
    """The role may not ask this."""

    content_type = _JSON

    def __init__(self, service: str, operation: str) -> None:
        said = f"User: arn:aws:sts::123456789012:assumed-role/auditor/demo is not authorized to perform: {service}:{operation}"
        super().__init__(said)
        self.body = json.dumps({"__type": "AccessDeniedException", "message": said}).encode()


def answer_for(
    service: str, operation: str, path: str, body: bytes, region: str, regions: Sequence[str]
) -> Answer | None:
    """Return the answer to a request moto does not know (``None``: ask moto).

    SERVICE and REGION are what the request was signed for; OPERATION is empty where the protocol has it in the PATH.
    REGIONS are those the account has enabled.
    """
    path = path.rstrip("/")
    if (spent := spending.answer(service, operation, path, body)) is not None:
        return _json(spent)
    if (service, operation) == ("cloudtrail", "LookupEvents"):
        return _json({"Events": told.rehearsals(region, body)})
    if (service, path) == ("backup", "/copy-jobs"):
        return _json({"CopyJobs": told.copy_jobs(region)})
    if (service, path) == ("backup", "/restore-jobs"):
        return _json({"RestoreJobs": told.restore_jobs(region)})
    if service == "backup" and path.endswith("/recovery-points"):
        return _json({"RecoveryPoints": []})
    if key := _EMPTY_JSON.get((service, operation)) or _EMPTY_PATHS.get((service, path)):
        return _json({key: []})
    if (service, operation) == ("shield", "GetSubscriptionState"):
        return _json({"SubscriptionState": "INACTIVE"})
    return _query(
        service,
        operation,
        {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()},
        regions,
    )


def _query(service: str, operation: str, given: dict[str, str], regions: Sequence[str]) -> Answer | None:
    """Return the answer in the query protocols' XML."""
    if (service, operation) == ("ec2", "DescribeRegions"):
        return _xml(operation, f"<regionInfo>{''.join(map(told.region_item, regions))}</regionInfo>")
    if service == "ec2" and (key := _EMPTY_EC2.get(operation)):
        return _xml(operation, f"<{key}/>")
    if (service, operation) == ("rds", "DescribeOrderableDBInstanceOptions"):
        return _xml(operation, told.orderable_classes(given), result=True)
    if (service, operation) == ("rds", "DescribeDBParameters"):
        return _xml(operation, told.parameters(given), result=True)
    if key := _EMPTY_QUERY.get((service, operation)):
        return _xml(operation, f"<{key}/>", result=True)
    return None


def _json(members: dict[str, object]) -> Answer:
    return _JSON, json.dumps(members).encode()


def _xml(operation: str, content: str, *, result: bool = False) -> Answer:
    if result:
        content = f"<{operation}Result>{content}</{operation}Result>"
    return _XML, f"<{operation}Response>{content}</{operation}Response>".encode()
