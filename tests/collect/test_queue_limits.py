"""Limits: a token bucket for each service and region that slows down when throttled, and pauses between attempts."""

from hypothesis import given
from hypothesis import strategies as st
from scripted import REGION, THROTTLED, Scripted, a_type, pages, read

from auditor.collect.declare import Call
from auditor.collect.limits import Lane, Limit, Pace, lane_name, limit_of

SLOW = Limit(rate=2.0, burst=4.0)


def taken(lane: Lane, now: float) -> int:
    count = 0
    while lane.take(now):
        count += 1
    return count


def test_a_burst_then_the_rate() -> None:
    lane = Lane.of(SLOW, 0.0)
    assert taken(lane, 0.0) == 4
    assert lane.next_token() == 0.5
    assert taken(lane, 1.0) == 2
    assert taken(lane, 1000.0) == 4


@given(st.lists(st.floats(0.0, 2.0), min_size=1, max_size=50))
def test_never_more_than_burst_and_rate_allow(steps: list[float]) -> None:
    lane, now, total = Lane.of(SLOW, 0.0), 0.0, 0
    for step in steps:
        now += step
        total += taken(lane, now)
    assert total <= SLOW.burst + SLOW.rate * now + 1e-6


def test_throttling_halves_the_rate_once_for_calls_that_were_on_their_way_together() -> None:
    lane = Lane.of(SLOW, 0.0)
    lane.throttled(started=1.0, now=2.0)
    lane.throttled(started=1.5, now=2.1)
    assert lane.rate == 1.0
    assert not lane.take(2.1)
    lane.throttled(started=3.0, now=3.1)
    assert lane.rate == 0.5
    lane.throttled(started=4.0, now=4.1)
    assert lane.rate == 0.5  # never slower than that


def test_answers_let_the_rate_creep_up_again_but_not_above_the_limit() -> None:
    lane = Lane.of(SLOW, 0.0)
    lane.throttled(started=1.0, now=2.0)
    lane.answered()
    assert 1.0 < lane.rate < 1.1
    for _ in range(100):
        lane.answered()
    assert lane.rate == SLOW.rate


def test_waits_double_up_to_the_longest() -> None:
    pace = Pace(first_delay=0.5, longest_delay=20.0)
    assert [pace.longest_wait(attempts) for attempts in (1, 2, 3, 10)] == [0.5, 1.0, 2.0, 20.0]


def test_services_that_document_a_low_limit_stay_below_it() -> None:
    # AWS documents 2/s for LookupEvents, 5/s for Route 53, 20/s (bucket of 100) for EC2's describe calls.
    assert limit_of("cloudtrail", "LookupEvents").rate < 2
    assert limit_of("route53", "ListHostedZones").rate < 5
    assert limit_of("ec2", "DescribeInstances").rate < 20
    assert lane_name("cloudtrail", "LookupEvents") != lane_name("cloudtrail", "DescribeTrails")
    assert lane_name("ec2", "DescribeVpcs") == lane_name("ec2", "DescribeInstances")


def test_more_calls_than_the_limit_allows_at_once_are_all_made() -> None:
    caller = Scripted(
        ListBoxes=pages("Boxes", [{"Id": str(n)} for n in range(30)]), GetSize=lambda params, region: {"Size": 1}
    )
    type = a_type(
        "A::B::Box",
        list=Call("box", "ListBoxes", "Boxes"),
        details={"Size": Call("box", "GetSize", "Size", args={"BoxId": "Id"})},
    )
    kept, outcome = read(caller, type, limits=lambda service, operation: Limit(rate=500.0, burst=2.0))
    assert len(kept.resources) == 30
    assert outcome.statistics["calls"] == 31


def test_regions_and_services_have_limits_of_their_own() -> None:
    throttled = {"done": False}

    def boxes(params: object, region: str) -> dict[str, object]:
        if region == REGION and not throttled["done"]:
            throttled["done"] = True
            raise THROTTLED
        return {"Boxes": [{"Id": region}]}

    type = a_type("A::B::Box", list=Call("box", "ListBoxes", "Boxes"))
    kept, outcome = read(Scripted(ListBoxes=boxes), type, regions=(REGION, "us-east-1"))
    assert len(kept.resources) == 2
    assert outcome.services["box"].throttled == 1
