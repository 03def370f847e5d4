"""Joins and gaps: what is not there and what could not be read are never taken for each other."""

from typing import Any

import pytest

from auditor.kit import NOW, Facts, Unavailable, ago
from auditor.kit.facts import values_at
from auditor.kit.world import Inventory
from auditor.model import GLOBAL, Coverage, CoverageState, Gap, Resource, Scope

ACCOUNT, HERE, THERE = "111122223333", "eu-west-1", "us-east-1"
DENIED = Gap("ec2:DescribeSubnets", "UnauthorizedOperation")


def resource(type: str, name: str, region: str = HERE, gaps: dict[str, Gap] | None = None, **document: Any) -> Resource:
    return Resource(type, f"arn:{type}:{region}:{name}", name, ACCOUNT, region, NOW, document, gaps or {})


def world(
    *resources: Resource, unread: dict[tuple[str, str], Gap] | None = None, types: str = "Group Subnet"
) -> Inventory:
    coverage = {}
    for type in types.split():
        for region in (HERE, THERE):
            scope, gap = Scope(ACCOUNT, region, type), (unread or {}).get((type, region))
            coverage[scope] = Coverage(scope, CoverageState.DENIED if gap else CoverageState.COMPLETE, gap)
    return Inventory(ACCOUNT, lambda type: [r for r in resources if r.type == type], coverage, [HERE, THERE])


GROUP = resource("Group", "g", Subnets=["a", "b"], Zone={"Name": "x"})
A, B, FAR = (resource("Subnet", n, r, SubnetId=n, Group="g") for n, r in (("a", HERE), ("b", HERE), ("c", THERE)))


def test_related_resources_are_found_by_a_field_once_each_and_in_order() -> None:
    facts = Facts(GROUP, world(GROUP, B, A, FAR))
    assert [f.name for f in facts.related("Subnet", ["a", "b", "a"], by="SubnetId")] == ["a", "b"]
    assert [f.name for f in facts.related("Subnet", [A.id])] == ["a"]


def test_another_regions_resources_are_seen_only_when_asked_for_everywhere() -> None:
    facts = Facts(GROUP, world(GROUP, A, FAR))
    assert not facts.related("Subnet", ["c"], by="SubnetId")
    assert [f.name for f in facts.related("Subnet", ["c"], by="SubnetId", everywhere=True)] == ["c"]


def test_what_is_missing_from_an_unread_type_is_unavailable_but_what_was_found_is_found() -> None:
    facts = Facts(GROUP, world(GROUP, A, unread={("Subnet", HERE): DENIED}))
    assert len(facts.related("Subnet", ["a"], by="SubnetId")) == 1
    with pytest.raises(Unavailable) as caught:
        facts.related("Subnet", ["a", "b"], by="SubnetId")
    assert caught.value.gap == DENIED


def test_a_required_join_that_does_not_exist_is_unavailable() -> None:
    facts = Facts(GROUP, world(GROUP, A))
    assert len(facts.related("Subnet", ["a", "gone"], by="SubnetId")) == 1
    with pytest.raises(Unavailable, match="NotFound"):
        facts.related("Subnet", ["a", "gone"], by="SubnetId", required=True)


def test_referrers_need_a_type_read_completely() -> None:
    assert len(Facts(GROUP, world(GROUP, A, B)).referrers("Subnet", "Group", "g")) == 2
    blind = Facts(GROUP, world(GROUP, A, unread={("Subnet", HERE): DENIED}))
    with pytest.raises(Unavailable):
        blind.referrers("Subnet", "Group", "g")
    assert len(blind.known_referrers("Subnet", "Group", "g")) == 1


def test_what_was_read_can_be_required_without_asking_for_it() -> None:
    Facts(GROUP, world(GROUP, A)).require_read("Subnet", "Group")
    blind = Facts(GROUP, world(GROUP, A, unread={("Subnet", THERE): DENIED}))
    blind.require_read("Subnet", "Group")
    with pytest.raises(Unavailable):
        blind.require_read("Subnet", "Group", everywhere=True)


def test_nobody_can_change_the_referrers_for_the_next_that_asks() -> None:
    facts = Facts(GROUP, world(GROUP, A, B))
    found: Any = facts.referrers("Subnet", "Group", "g")
    with pytest.raises(AttributeError):
        found.clear()
    assert len(facts.referrers("Subnet", "Group", "g")) == 2


def test_everywhere_needs_every_enabled_region() -> None:
    facts = Facts(GROUP, world(GROUP, A, unread={("Subnet", THERE): DENIED}))
    assert facts.all("Subnet")
    with pytest.raises(Unavailable):
        facts.all("Subnet", everywhere=True)


def test_a_type_nobody_asked_for_is_unavailable_never_empty() -> None:
    with pytest.raises(Unavailable, match="NotRead"):
        Facts(GROUP, world(GROUP, types="Group")).all("Subnet")


def test_a_global_resource_is_joined_to_every_region() -> None:
    user = resource("User", "u", GLOBAL)
    assert len(Facts(user, world(user, A, FAR)).referrers("Subnet", "Group", "g")) == 2
    inventory = world(user, A, FAR, unread={("Subnet", THERE): DENIED})
    with pytest.raises(Unavailable):
        Facts(user, inventory).referrers("Subnet", "Group", "g")


def test_a_gap_is_raised_by_every_way_of_asking() -> None:
    facts = Facts(resource("Group", "g", gaps={"Tags": DENIED, "Zone": DENIED}), world())
    for ask in (
        lambda: facts["Zone"],
        lambda: facts.get("Zone"),
        lambda: facts.values("Zone.Name"),
        lambda: facts.tags,
    ):
        with pytest.raises(Unavailable) as caught:
            ask()
        assert caught.value.gap == DENIED


def test_get_gives_the_default_for_what_the_api_leaves_out_or_answers_null() -> None:
    facts = Facts(resource("Group", "g", Nothing=None), world())
    assert (facts.get("Absent", 7), facts.get("Nothing", 7)) == (7, 7)


@pytest.mark.parametrize(
    ("path", "values"),
    [("a", [{"b": [{"c": 1}, {"c": 2}, {}]}]), ("a.b[].c", [1, 2]), ("a.x.y", []), ("l[]", ["p", "q"]), ("l[].z", [])],
)
def test_values_at_a_path(path: str, values: list[Any]) -> None:
    assert list(values_at({"a": {"b": [{"c": 1}, {"c": 2}, {}]}, "l": ["p", "q"], "n": None}, path)) == values


def series(**over: Any) -> dict[str, Any]:
    return {"Days": 14, "Period": 86400, "Timestamps": [ago(days=1), ago(days=3)], "Values": [5.0, 7.0], **over}


def test_a_metric_is_sorted_and_cut_to_the_days_asked_for() -> None:
    facts = Facts(resource("Group", "g", Metrics={"CPU.Maximum": series()}), world())
    assert facts.metric("CPU", "Maximum").values == [7.0, 5.0]
    assert facts.metric("CPU", "Maximum", days=1).values == [5.0]
    assert facts.metric("CPU", "Maximum").maximum == 7.0


def test_a_metric_that_was_not_read_or_for_too_few_days_is_unavailable() -> None:
    facts = Facts(resource("Group", "g", Metrics={"CPU.Maximum": series()}), world())
    for name, days in (("Memory", 1), ("CPU", 30)):
        with pytest.raises(Unavailable):
            facts.metric(name, "Maximum", days)


def test_a_metric_without_datapoints_is_empty_not_unavailable() -> None:
    facts = Facts(resource("Group", "g", Metrics={"CPU.Maximum": series(Timestamps=[], Values=[])}), world())
    assert not facts.metric("CPU", "Maximum", 14)


def test_a_join_by_a_field_that_some_could_not_be_asked_for_may_miss_them() -> None:
    blank = resource("Subnet", "d", gaps={"Shares": DENIED}, SubnetId="d", Group="h")
    shared = resource("Subnet", "e", SubnetId="e", Shares=[{"With": "g"}])
    inventory = world(GROUP, A, blank, shared)
    scope = Scope(ACCOUNT, HERE, "Subnet")
    inventory.coverage = {**inventory.coverage, scope: Coverage(scope, CoverageState.COMPLETE, gaps={"Shares": DENIED})}
    facts = Facts(GROUP, inventory)
    with pytest.raises(Unavailable) as caught:
        facts.referrers("Subnet", "Shares[].With", "g")
    assert caught.value.gap == DENIED
    assert [f.name for f in facts.known_referrers("Subnet", "Shares[].With", "g")] == ["e"]
    assert [f.name for f in facts.related("Subnet", ["g"], by="Shares[].With")] == ["e"]
    with pytest.raises(Unavailable):
        facts.related("Subnet", ["nobody"], by="Shares[].With")
    assert [f.name for f in facts.referrers("Subnet", "Group", "h")] == ["d"], "by a field that was read of all"
    assert len(facts.all("Subnet")) == 3


def test_what_is_the_same_for_all_is_made_once_for_each_region() -> None:
    made: list[str] = []

    def make(facts: Facts) -> int:
        made.append(facts.region)
        return len(facts.known_referrers("Subnet", "Group", "g"))

    here, there = resource("Group", "h"), resource("Group", "t", THERE)
    inventory = world(GROUP, here, there, A, B, FAR)
    assert [Facts(r, inventory).once(make) for r in (GROUP, here, there, there)] == [2, 2, 1, 1]
    assert made == [HERE, THERE]
    assert [Facts(r, inventory).once(make, everywhere=True) for r in (GROUP, there)] == [2, 2]
    assert made == [HERE, THERE, HERE]


def test_what_cannot_be_made_is_unavailable_to_everybody() -> None:
    inventory = world(GROUP, unread={("Subnet", HERE): DENIED})
    for _ in range(2):
        with pytest.raises(Unavailable, match="UnauthorizedOperation"):
            Facts(GROUP, inventory).once(lambda facts: facts.all("Subnet"))
