"""Trails: every call of the account is recorded, by a trail of its own or by the organisation's."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from auditor.kit import CRITICAL, Case, Document, Evidence, Facts, Fix, Gap, Unavailable, check
from auditor.kit.arn import account_of

from .thresholds import AuditLogging

ACCOUNT = "AWS::::Account"
TRAIL = "AWS::CloudTrail::Trail"
SHADOW = "AWS::CloudTrail::ShadowTrail"
_KINDS = {"All": {"reads", "writes"}, "ReadOnly": {"reads"}, "WriteOnly": {"writes"}}
_MANAGEMENT = {"Field": "eventCategory", "Equals": ["Management"]}
_DENIED = Gap("cloudtrail:DescribeTrails", "AccessDenied")


def _trail(**fields: Any) -> dict[str, Any]:
    """Return a trail of the account that records everything, but for FIELDS."""
    return {
        "Name": "main",
        "TrailARN": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main",
        "HomeRegion": "eu-west-1",
        "IsMultiRegionTrail": True,
        "IncludeGlobalServiceEvents": True,
        "IsOrganizationTrail": False,
        "IsLogging": True,
        "Selectors": {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]},
        **fields,
    }


def _advanced(*selectors: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"AdvancedEventSelectors": [{"FieldSelectors": list(fields)} for fields in selectors]}


def _read_only(value: str) -> dict[str, Any]:
    return {"Field": "readOnly", "Equals": [value]}


_ORGANIZATIONS = _trail(
    Name="organization",
    TrailARN="arn:aws:cloudtrail:eu-west-1:999988887777:trail/organization",
    IsOrganizationTrail=True,
)
_READS_ALONE = {"EventSelectors": [{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}]}
_NO_KMS = {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}
_THE_ACCOUNT = {"Account": "111122223333"}


_OWNER = "999988887777"
_FAR_AWAY = {
    name: value
    for name, value in _trail(
        Name="organization",
        TrailARN=f"arn:aws:cloudtrail:me-south-1:{_OWNER}:trail/organization",
        HomeRegion="me-south-1",
        IsOrganizationTrail=True,
    ).items()
    if name not in ("IsLogging", "Selectors")
}
"""The organisation's trail as a member sees it whose home region the member has not enabled."""


def _case(*trails: Document, why: str = "") -> Case:
    return Case(_THE_ACCOUNT, related={TRAIL: trails}, why=why)


def _far_away(*trails: Document, owners: Document | None = None, why: str = "") -> Case:
    """Return a member that sees _FAR_AWAY beside its own TRAILS; OWNERS: the trail as its owner's scan read it."""
    elsewhere = {} if owners is None else {_OWNER: {TRAIL: [{**_FAR_AWAY, **owners}]}}
    return Case(_THE_ACCOUNT, related={TRAIL: trails, SHADOW: [_FAR_AWAY]}, elsewhere=elsewhere, why=why)


@check(
    "cloudtrail-multi-region-trail",
    pattern="security.access.audit-logging",
    on=ACCOUNT,
    severity=CRITICAL,
    fix=Fix(
        cli="aws cloudtrail create-trail --name TRAIL --s3-bucket-name BUCKET --is-multi-region-trail "
        "--enable-log-file-validation && aws cloudtrail start-logging --name TRAIL",
        terraform="aws_cloudtrail.is_multi_region_trail",
    ),
    reads=(TRAIL, SHADOW),
    same_as=(
        "prowler:cloudtrail_multi_region_enabled",
        "prowler:cloudtrail_multi_region_enabled_logging_management_events",
        "fsbp:CloudTrail.1",
        "service-screener:HasOneMultiRegionTrail",
    ),
    passes=[
        _case(_trail()),
        _case(_trail(IsLogging=False), _ORGANIZATIONS, why="the organisation's trail counts"),
        _case(_trail(Selectors=_advanced([_MANAGEMENT])), why="neither reads nor writes are left out"),
        _case(_trail(Selectors=_advanced([_MANAGEMENT, _read_only("true")], [_MANAGEMENT, _read_only("false")]))),
        _case(_trail(Selectors=_advanced([_MANAGEMENT, _NO_KMS])), why="calls to KMS may be left out"),
        _case(_trail(Selectors={"EventSelectors": []}), why="a trail without selectors records all management events"),
        _far_away(
            owners={"IsLogging": True, "Selectors": {"EventSelectors": []}},
            why="the organisation's, whose home region is not enabled here; its owner's scan says that it records",
        ),
    ],
    fails=[
        _case(why="there is no trail"),
        _case(_trail(IsMultiRegionTrail=False)),
        _case(_trail(IncludeGlobalServiceEvents=False)),
        _case(_trail(IsLogging=False)),
        _case(_trail(Selectors=_READS_ALONE), why="it records no writes"),
        _case(_trail(Selectors=_advanced([_MANAGEMENT, _read_only("false")])), why="it records no reads"),
        _case(
            _trail(Selectors=_advanced([{"Field": "eventCategory", "Equals": ["Data"]}])),
            why="it records data events alone",
        ),
        _case(
            _trail(Selectors=_advanced([_MANAGEMENT, {"Field": "eventName", "Equals": ["RunInstances"]}])),
            why="it records single calls",
        ),
        _far_away(
            owners={"IsLogging": False, "Selectors": {"EventSelectors": []}},
            why="its owner's scan says it does not log",
        ),
    ],
    unknowns=[
        Case(_THE_ACCOUNT, unread=[TRAIL]),
        _case({**_ORGANIZATIONS, "IsLogging": None}, why="its owner was not scanned"),
        _case({**_ORGANIZATIONS, "Selectors": None}, _trail(IsLogging=False)),
        _case(_trail(Selectors={}), why="the answer holds no selectors"),
        _far_away(_trail(IsLogging=False), why="its home region is not enabled here, and its owner was not scanned"),
        Case(_THE_ACCOUNT, unread=[SHADOW], why="one of a region that is not enabled could be there"),
    ],
)
def cloudtrail_multi_region_trail(account: Facts, want: AuditLogging) -> Iterator[Evidence]:
    """A trail records every management call of the account, in all Regions.

    Why: without it nobody can say who did what: an intruder works unseen, in a Region nobody looks at rather than in yours. A
    trail of the account counts as well as one of its organisation. What a member may not ask about that one is taken from the
    scan of the account that owns it, where the same store holds one of the last seven days.

    Fix: create a multi-Region trail for management events, reads and writes, and start it; better, one for the organisation.

    Source: AWS Security Hub, CloudTrail.1; CIS AWS Foundations Benchmark, "Ensure CloudTrail is enabled in all Regions"; the
    standard's "Audit logging: Log all access".
    """
    account["Account"]
    faults: dict[str, str] = {}
    unsure: Unavailable | None = None
    trails = account.known(TRAIL)
    at_home = {trail["TrailARN"] for trail in trails}
    for trail in (*trails, *(shadow for shadow in account.known(SHADOW) if shadow["TrailARN"] not in at_home)):
        try:
            fault = _fault(trail, account)
        except Unavailable as unknown:
            unsure = unsure or unknown.kept()
            continue
        if not fault:
            return
        faults[trail.name] = fault
    account.require_read(TRAIL)
    account.require_read(SHADOW)
    if unsure:
        raise unsure
    if want.accept_cloudtrail_lake:
        said = "an event data store may record it (accept_cloudtrail_lake), and those are not read"
        raise Unavailable(Gap("cloudtrail:ListEventDataStores", "NotRead", said))
    told = "; ".join(f"{name} {fault}" for name, fault in sorted(faults.items()))
    yield Evidence(
        "no trail records all management events of all Regions: " + (told or "there is none"), {"trails": faults}
    )


def _fault(trail: Facts, account: Facts) -> str:
    """Return why TRAIL is not enough, empty where it is. Raises Unavailable where neither its owner nor we know."""
    try:
        return _fault_of(trail)
    except Unavailable:
        owner = account_of(trail["TrailARN"])
        if owner in ("", account.account):
            raise
        for seen_by_owner in account.elsewhere(owner, TRAIL):
            if seen_by_owner["TrailARN"] == trail["TrailARN"]:
                return _fault_of(seen_by_owner)
        raise


def _fault_of(trail: Facts) -> str:
    if not trail["IsMultiRegionTrail"]:
        return "is of one Region"
    if not trail["IncludeGlobalServiceEvents"]:
        return "leaves out the global services"
    if not _answered(trail, "IsLogging", "cloudtrail:GetTrailStatus"):
        return "does not log"
    recorded = _recorded(_answered(trail, "Selectors", "cloudtrail:GetEventSelectors"))
    missing = [name for name in ("reads", "writes") if name not in recorded]
    return f"does not record all {' and '.join(missing)}" if missing else ""


def _answered(trail: Facts, field: str, operation: str) -> Any:
    """Return the FIELD of TRAIL. Raises Unavailable where the answer was that it is not ours to ask."""
    value = trail[field]
    if value is None:
        raise Unavailable(Gap(operation, "TrailNotFoundException", "only the trail's owner is told"))
    return value


def _recorded(selectors: Mapping[str, Any]) -> set[str]:
    """Return which management events SELECTORS let through: ``reads``, ``writes``."""
    classic, advanced = selectors.get("EventSelectors"), selectors.get("AdvancedEventSelectors")
    if classic is None and advanced is None:
        raise Unavailable(Gap("cloudtrail:GetEventSelectors", "FieldMissing", "the answer did not hold selectors"))
    if not classic and not advanced:  # what a trail does of which nobody chose the events
        return {"reads", "writes"}
    recorded: set[str] = set()
    for selector in classic or ():
        if selector.get("IncludeManagementEvents", True):  # both are what the API takes where nothing is said
            recorded |= _KINDS.get(selector.get("ReadWriteType", "All"), set())
    for selector in advanced or ():
        recorded |= _recorded_by(selector.get("FieldSelectors") or ())
    return recorded


def _recorded_by(fields: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return what one advanced selector lets through; one that picks single events lets not all of anything through."""
    conditions = {field["Field"]: field for field in fields}
    if conditions.pop("eventCategory", {}).get("Equals") != ["Management"]:
        return set()
    read_only = conditions.pop("readOnly", {}).get("Equals") or ["true", "false"]
    source = conditions.pop("eventSource", {})
    # The sources that may be left out are KMS and the data API of RDS, for their number of events.
    if conditions or set(source) - {"Field", "NotEquals"}:
        return set()
    return {"reads" if value == "true" else "writes" for value in read_only}
