"""An organisation's trail records its members: what a member may not ask about it is known from its owner's scan."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from scripted import Scripted, read

from auditor import catalog, standard
from auditor.collect import load_types
from auditor.engine import judge
from auditor.kit import NOW, Facts
from auditor.kit.world import Inventory
from auditor.model import Coverage, CoverageState, Finding, Gap, Resource, Scan, ScanStatus, Scope, Verdict
from auditor.scan import others_of
from auditor.store import Store

OWNER, MEMBER, REGION = "111111111111", "222222222222", "eu-west-1"
TRAIL, SHADOW, ACCOUNT = "AWS::CloudTrail::Trail", "AWS::CloudTrail::ShadowTrail", "AWS::::Account"
CHECK = catalog.load_checks()["cloudtrail-multi-region-trail"]
WANT = standard.bind(standard.load(catalog.bundled("checks") / "patterns.toml")[CHECK.patterns[0]], CHECK.thresholds)
ARN = f"arn:aws:cloudtrail:{REGION}:{OWNER}:trail/organization"
WHOLE = {
    "Name": "organization",
    "TrailARN": ARN,
    "HomeRegion": REGION,
    "IsMultiRegionTrail": True,
    "IncludeGlobalServiceEvents": True,
    "IsOrganizationTrail": True,
    "IsLogging": True,
    "Selectors": {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]},
}
HIDDEN = {"IsLogging": None, "Selectors": None}
"""What a member is told where the trail's status is for its owner alone."""


def trail(account: str, **fields: Any) -> Resource:
    return Resource(TRAIL, ARN, "organization", account, REGION, NOW, {**WHOLE, **fields})


def scanned(store: Store, account: str, trails: Sequence[Resource] | None, *, age: float = 0) -> Scan:
    """Scan ACCOUNT, which has TRAILS (``None``: they may not be listed), AGE days ago."""
    moment = NOW - timedelta(days=age)
    scan = store.begin_scan(
        account=account, account_name="", partition="aws", regions=[REGION], selection={}, program_version="1",
        standard_digest="s", checks_digest="c", started_at=moment,
    )  # fmt: skip
    scope = Scope(account, REGION, TRAIL)
    gap = Gap("cloudtrail:DescribeTrails", "AccessDenied", "no") if trails is None else None
    state = CoverageState.COMPLETE if gap is None else CoverageState.DENIED
    with store.writer(scan.id) as writer:
        if trails is not None:
            writer.add(scope, trails, frozenset())
        writer.close(Coverage(scope, state, gap, moment, len(trails or ())))
        writer.close(Coverage(Scope(account, "global", SHADOW), state, gap, moment, 0))
    return store.finish_scan(
        scan.id, ScanStatus.INCOMPLETE if gap else ScanStatus.COMPLETE, moment, {"enabled_regions": [REGION]}
    )


def judged(store: Store, trails: Sequence[Resource], want: Any = WANT, far: Sequence[Resource] = ()) -> Finding:
    """Judge the member that sees TRAILS, and those whose home region it has not enabled FAR away."""
    scan = scanned(store, MEMBER, trails)
    coverage: Mapping[Scope, Coverage] = store.inventory(scan.id).coverage
    inventory = Inventory(
        MEMBER,
        lambda type: {TRAIL: trails, SHADOW: far}.get(type, ()),
        coverage,
        [REGION],
        others=others_of(store, scan),
    )
    account = Resource(ACCOUNT, f"arn:aws:iam::{MEMBER}:root", MEMBER, MEMBER, "global", NOW, {"Account": MEMBER})
    return judge(CHECK, Facts(account, inventory), want)


def test_the_owners_scan_decides_what_the_member_may_not_ask(store_url: str) -> None:
    with Store.open(store_url) as store:
        assert judged(store, [trail(MEMBER, **HIDDEN)]).verdict is Verdict.UNKNOWN, "nobody has scanned the owner"
        scanned(store, OWNER, [trail(OWNER)], age=1)
        assert judged(store, [trail(MEMBER, **HIDDEN)]).verdict is Verdict.PASS
        scanned(store, OWNER, [trail(OWNER, IsLogging=False)])
        finding = judged(store, [trail(MEMBER, **HIDDEN)])
        assert finding.verdict is Verdict.FAIL
        assert finding.evidence[0].sentence.endswith("organization does not log")


def test_what_is_not_known_of_the_owner_is_neither_there_nor_missing(store_url: str) -> None:
    with Store.open(store_url) as store:
        scanned(store, OWNER, [trail(OWNER)], age=8)
        finding = judged(store, [trail(MEMBER, **HIDDEN)])
        assert (finding.verdict, finding.gaps[0].code) == (Verdict.UNKNOWN, "TooOld")
        scanned(store, OWNER, None)
        finding = judged(store, [trail(MEMBER, **HIDDEN)])
        assert (finding.verdict, finding.gaps[0].code) == (Verdict.UNKNOWN, "AccessDenied")
        scanned(store, OWNER, [])
        assert judged(store, [trail(MEMBER, **HIDDEN)]).verdict is Verdict.UNKNOWN, "one of the two is out of date"


def test_what_the_member_is_told_itself_needs_no_other_scan(store_url: str) -> None:
    with Store.open(store_url) as store:
        assert judged(store, [trail(MEMBER)]).verdict is Verdict.PASS
        assert judged(store, [trail(MEMBER, **HIDDEN, IsMultiRegionTrail=False)]).verdict is Verdict.FAIL
        assert judged(store, []).verdict is Verdict.FAIL, "a member sees the organisation's trail, if there is one"


def test_where_an_event_data_store_is_accepted_no_trail_is_not_a_failure(store_url: str) -> None:
    with Store.open(store_url) as store:
        finding = judged(store, [], CHECK.thresholds(24, True, True, "ALL"))
        assert finding.verdict is Verdict.UNKNOWN
        assert finding.gaps[0].operation == "cloudtrail:ListEventDataStores"


def test_a_trail_whose_home_region_a_member_has_not_enabled_is_no_failure(store_url: str) -> None:
    """DescribeTrails shows it in every region, as a shadow; what it records its owner's scan knows."""
    seen = {name: value for name, value in WHOLE.items() if name not in HIDDEN} | {"HomeRegion": "me-south-1"}
    far = [Resource(SHADOW, "arn:x", "organization", MEMBER, "global", NOW, seen)]
    with Store.open(store_url) as store:
        finding = judged(store, [], far=far)
        assert (finding.verdict, finding.gaps[0].code) == (Verdict.UNKNOWN, "NotScanned")
        scanned(store, OWNER, [trail(OWNER)])
        assert judged(store, [], far=far).verdict is Verdict.PASS
        scanned(store, OWNER, [trail(OWNER, IsLogging=False)])
        assert judged(store, [], far=far).verdict is Verdict.FAIL


def test_the_trail_is_seen_from_a_region_that_is_enabled_and_stays_out_of_the_others() -> None:
    rows = [
        WHOLE | {"HomeRegion": "me-south-1"},
        WHOLE | {"HomeRegion": REGION, "TrailARN": f"{ARN}-2", "IsMultiRegionTrail": False},
    ]
    caller = Scripted(
        DescribeTrails=lambda params, region: {"trailList": rows},
        GetTrailStatus=lambda params, region: {"IsLogging": True},
        GetEventSelectors=lambda params, region: {"EventSelectors": []},
    )
    types = load_types()
    kept, _ = read(caller, types[TRAIL], types[SHADOW], regions=(REGION,))
    assert [trail.document["TrailARN"] for trail in kept.of(TRAIL)] == [f"{ARN}-2"]
    assert [trail.document["TrailARN"] for trail in kept.of(SHADOW)] == [ARN]
    assert caller.count()["DescribeTrails"] == 1, "both are of one answer"
