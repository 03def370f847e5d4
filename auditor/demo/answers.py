"""What the simulated account answers where moto has no answer: there is none of it, or the role may not ask."""

from collections.abc import Sequence

__all__ = ["Denied", "answer_for"]

_JSON = "application/x-amz-json-1.1"
_CBOR = "application/cbor"
_XML = "text/xml"

_EMPTY_JSON = {
    ("cloudtrail", "LookupEvents"): "Events",
    ("codebuild", "ListProjects"): "projects",
    ("shield", "ListProtections"): "Protections",
}
_EMPTY_PATHS = {
    ("backup", "/copy-jobs"): "CopyJobs",
    ("backup", "/resources"): "Results",
    ("dlm", "/policies"): "Policies",
    ("drs", "/DescribeSourceServers"): "items",
}
_EMPTY_CBOR = {
    "GetEBSVolumeRecommendations": "volumeRecommendations",
    "GetRDSDatabaseRecommendations": "rdsDBRecommendations",
}
_EMPTY_EC2 = {
    "DescribeSecurityGroupReferences": "securityGroupReferenceSet",
    "DescribeSecurityGroupVpcAssociations": "securityGroupVpcAssociationSet",
    "DescribeStaleSecurityGroups": "staleSecurityGroupSet",
}
_EMPTY_QUERY = {
    ("iam", "ListServiceSpecificCredentials"): "ServiceSpecificCredentials",
    ("rds", "DescribeDBClusterAutomatedBackups"): "DBClusterAutomatedBackups",
}
_DENIED = {("wafv2", "ListWebACLs")}
"""What the demo's role may not ask: so that a first report shows what "could not be read" looks like."""

Answer = tuple[str, bytes]
"""Content type and body."""


class Denied(Exception):
    """The role may not ask this."""

    content_type = _JSON

    def __init__(self, service: str, operation: str) -> None:
        said = f"User: arn:aws:sts::123456789012:assumed-role/auditor/demo is not authorized to perform: {service}:{operation}"
        super().__init__(said)
        self.body = f'{{"__type": "AccessDeniedException", "message": "{said}"}}'.encode()


def answer_for(service: str, operation: str, path: str, body: bytes, regions: Sequence[str]) -> Answer | None:
    """Return the answer to a request moto does not know (``None``: ask moto). Raises Denied.

    SERVICE is the request's signing name; OPERATION is empty where the protocol has it in the PATH.
    """
    if (service, operation) in _DENIED:
        raise Denied(service, operation)
    if key := _EMPTY_JSON.get((service, operation)) or _EMPTY_PATHS.get((service, path)):
        return _JSON, f'{{"{key}": []}}'.encode()
    if service == "backup" and path.endswith("/recovery-points/"):
        return _JSON, b'{"RecoveryPoints": []}'
    called = operation or path.rpartition("/")[2]
    if service == "compute-optimizer" and called in _EMPTY_CBOR:
        return _CBOR, _cbor({_EMPTY_CBOR[called]: b"\x80"})
    if (service, called) == ("shield", "GetSubscriptionState"):
        return _CBOR, _cbor({"SubscriptionState": _cbor_text("INACTIVE")})
    if service == "ec2":
        return _ec2(operation, regions)
    if key := _EMPTY_QUERY.get((service, operation)):
        return (
            _XML,
            f"<{operation}Response><{operation}Result><{key}/></{operation}Result></{operation}Response>".encode(),
        )
    return None


def _ec2(operation: str, regions: Sequence[str]) -> Answer | None:
    if operation == "DescribeRegions":
        items = "".join(
            f"<item><regionName>{name}</regionName><regionEndpoint>ec2.{name}.amazonaws.com</regionEndpoint>"
            "<optInStatus>opt-in-not-required</optInStatus></item>"
            for name in regions
        )
        return _XML, f"<{operation}Response><regionInfo>{items}</regionInfo></{operation}Response>".encode()
    if key := _EMPTY_EC2.get(operation):
        return _XML, f"<{operation}Response><{key}/></{operation}Response>".encode()
    return None


def _cbor(members: dict[str, bytes]) -> bytes:
    """Return a CBOR map of texts to values that are encoded already (RFC 8949)."""
    return bytes([0xA0 + len(members)]) + b"".join(_cbor_text(name) + value for name, value in members.items())


def _cbor_text(text: str) -> bytes:
    """Return a CBOR text of at most 255 bytes."""
    encoded = text.encode()
    head = bytes([0x60 + len(encoded)]) if len(encoded) < 24 else bytes([0x78, len(encoded)])
    return head + encoded
