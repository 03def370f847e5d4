"""Limits: a token bucket for each service and region that slows down when throttled, and pauses between attempts."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import DENIED, REGION, THROTTLED, UNAVAILABLE, Scripted, a_type, pages, raises, read

from auditor.aws.limits import GENTLE, Lane, Limit, Limiter, Pace, lane_name, limit_of
from auditor.collect.declare import Call
from auditor.collect.metrics import POINTS_PER_CALL

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


@given(st.integers())
def test_attempts_outlast_ten_seconds_in_which_everything_is_throttled(seed: int) -> None:
    pace, lot = Pace(), random.Random(seed)
    waits = [pace.wait(attempt, True, lot) for attempt in range(1, pace.throttled_attempts)]
    assert 20 < sum(waits) < 60
    assert all(0 <= pace.wait(attempt, False, lot) <= pace.longest_wait(attempt) for attempt in range(1, 6))


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


def test_a_rate_for_the_whole_account_holds_over_all_services_and_regions() -> None:
    now, made = [0.0], []

    def boxes(params: object, region: str) -> dict[str, object]:
        made.append(now[0])
        return {"Boxes": [{"Id": region}]}

    class Clock:
        """Moves on when somebody looks at it: nobody waits, and nothing is timed."""

        def __call__(self) -> float:
            now[0] += 0.01
            return now[0]

    types = [a_type(f"A::{name}::Box", list=Call(name, "ListBoxes", "Boxes")) for name in "abcd"]
    regions = [f"eu-west-{number}" for number in range(1, 9)]
    kept, outcome = read(
        Scripted(ListBoxes=boxes), *types, regions=regions, clock=Clock(), max_rate=10.0, deadline_seconds=1e9
    )
    assert len(kept.resources) == outcome.statistics["calls"] == 32
    assert len(made) == 32
    # One at once, then one every tenth of a second; the clock only moves forward, so none can be earlier.
    assert all(moment >= number / 10 - 0.01 for number, moment in enumerate(sorted(made)))


def test_a_gentle_scan_keeps_to_a_quarter_and_never_to_nothing() -> None:
    limiter = Limiter(fraction=GENTLE)
    (lane,) = limiter.lanes("ec2", "DescribeVpcs", "eu-west-1")
    usual = limit_of("ec2", "DescribeVpcs")
    assert (lane.limit.rate, lane.limit.burst) == (usual.rate / 4, usual.burst / 4)
    (slow,) = limiter.lanes("cloudtrail", "LookupEvents", "eu-west-1")
    assert slow.take(0.0) or slow.next_token() < 10, "a bucket that cannot hold one call lets none through, ever"


def test_every_thread_and_every_caller_of_an_account_shares_its_lanes() -> None:
    limiter = Limiter(max_rate=5)
    own, whole = limiter.lanes("rds", "DescribeDBInstances", "eu-west-1")
    assert limiter.lanes("rds", "DescribeDBClusters", "eu-west-1") == (own, whole)
    assert limiter.lanes("rds", "DescribeDBClusters", "us-east-1")[0] is not own
    assert limiter.lanes("ec2", "DescribeVpcs", "us-east-1")[1] is whole
    assert whole.limit == Limit(5, 1)


DOCUMENTED = {
    ("cloudtrail", "DescribeTrails"): (10, 10),
    ("cloudtrail", "LookupEvents"): (2, 2),
    ("cloudwatch", "DescribeAlarms"): (9, 9),
    ("cloudwatch", "GetMetricData"): (50, 50),
    ("cloudwatch", "ListMetrics"): (25, 25),
    ("ec2", "DescribeInstances"): (20, 50),
    ("ecs", "DescribeClusters"): (20, 50),
    ("elb", "DescribeLoadBalancers"): (10, 40),
    ("elbv2", "DescribeListeners"): (10, 40),
    ("events", "ListRules"): (50, 50),
    ("lambda", "ListFunctions"): (15, 15),
    ("logs", "DescribeDeliverySources"): (10, 10),
    ("route53", "ListHostedZones"): (5, 5),
    ("secretsmanager", "ListSecrets"): (100, 100),
    ("sns", "ListSubscriptionsByTopic"): (30, 30),
    ("sns", "ListTopics"): (30, 30),
    ("wafv2", "ListWebACLs"): (5, 5),
    ("wafv2", "GetWebACLForResource"): (1, 1.01),
    ("wafv2", "ListResourcesForWebACL"): (1, 1.01),
}
"""What AWS's pages on quotas and throttling say: calls a second, and at once."""


@pytest.mark.parametrize(("service", "operation"), DOCUMENTED)
def test_each_limit_starts_below_what_aws_documents(service: str, operation: str) -> None:
    limit, (rate, burst) = limit_of(service, operation), DOCUMENTED[service, operation]
    assert limit.rate < rate
    assert limit.burst < burst or limit.burst <= rate


def test_metrics_stay_below_the_datapoints_a_second_that_aws_documents() -> None:
    limit = limit_of("cloudwatch", "GetMetricData")
    assert (limit.burst + limit.rate) * POINTS_PER_CALL < 396_000


def test_the_log_says_per_service_what_was_made_throttled_tried_again_and_failed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers = iter([THROTTLED, UNAVAILABLE])

    def boxes(params: object, region: str) -> dict[str, object]:
        for error in answers:
            raise error
        return {"Boxes": [{"Id": "a"}]}

    with caplog.at_level("INFO", "auditor.collect"):
        read(
            Scripted(ListBoxes=boxes, ListLids=raises(DENIED)),
            a_type("A::B::Box", list=Call("box", "ListBoxes", "Boxes")),
            a_type("A::B::Lid", list=Call("lid", "ListLids", "Lids")),
        )
    (line,) = [record.message for record in caplog.records if record.message.startswith("calls: ")]
    assert line == (
        "calls: 4 made, 1 throttled, 2 retried, 1 failed (box 3 made, 1 throttled, 2 retried; lid 1 made, 1 failed)"
    )


def test_nothing_made_is_said_too(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "auditor.collect"):
        read(Scripted())
    assert "calls: 0 made, 0 throttled, 0 retried, 0 failed" in caplog.messages
