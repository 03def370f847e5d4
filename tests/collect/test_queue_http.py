"""The queue and the real caller together, over HTTP, against a server that misbehaves."""

import itertools
import re
from typing import Any

import pytest
from misbehaving import Answer, Request, misbehaving
from scripted import Kept, a_type, read

from auditor.aws.session import connect
from auditor.collect.declare import Call
from auditor.model import CoverageState

VPCS = Call("ec2", "DescribeVpcs", "Vpcs")
VPC = a_type("AWS::EC2::VPC", list=VPCS, id="arn:{partition}:ec2:{region}:{account}:vpc/{VpcId}", name="{VpcId}")
PAGES = 20


def page(request: Request) -> None:
    """Answer the page that is asked for, one VPC each."""
    asked = re.search(r"NextToken=(\d+)", request.form)
    number = int(asked[1]) if asked else 0
    more = f"<nextToken>{number + 1}</nextToken>" if number + 1 < PAGES else ""
    vpc = f"<vpcSet><item><vpcId>vpc-{number}</vpcId></item></vpcSet>"
    request.reply(200, f"<DescribeVpcsResponse>{vpc}{more}</DescribeVpcsResponse>")


def every(nth: int, bad: Answer) -> Answer:
    """Answer every nth request badly, the others with their page."""
    count = itertools.count(1)
    return lambda request: bad(request) if next(count) % nth == 0 else page(request)


def over_http(answer: Answer, monkeypatch: pytest.MonkeyPatch, **options: Any) -> tuple[Kept, Any]:
    with misbehaving(answer) as (url, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        return read(connect([VPCS]).caller(), VPC, **options)


@pytest.mark.parametrize(
    "bad",
    [
        lambda request: request.error(503, "RequestLimitExceeded"),
        lambda request: request.error(500, "InternalError"),
        Request.reset,
        Request.truncate,
        lambda request: request.reply(200, "\x00garbage"),
    ],
    ids=["throttled", "500", "reset", "truncated", "garbage"],
)
def test_what_goes_wrong_now_and_then_costs_no_row(bad: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, outcome = over_http(every(3, bad), monkeypatch)
    assert {vpc.name for vpc in kept.resources} == {f"vpc-{number}" for number in range(PAGES)}
    assert kept.coverage("AWS::EC2::VPC").state is CoverageState.COMPLETE
    assert outcome.statistics["retried"] == outcome.statistics["calls"] - PAGES > 0


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [
        (403, "UnauthorizedOperation", CoverageState.DENIED),
        (503, "ServiceUnavailable", CoverageState.FAILED),
        (403, "OptInRequired", CoverageState.NOT_OFFERED),
        (401, "AuthFailure", CoverageState.FAILED),
        (501, "NotImplemented", CoverageState.FAILED),
    ],
)
def test_what_always_goes_wrong_is_the_coverage(
    status: int, code: str, state: CoverageState, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, _ = over_http(lambda request: request.error(status, code), monkeypatch)
    coverage = kept.coverage("AWS::EC2::VPC")
    assert (coverage.state, coverage.gap and coverage.gap.operation) == (state, "ec2:DescribeVpcs")


def test_regions_are_told_apart_on_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: Request) -> None:
        region = request.headers["Authorization"].split("/")[2]
        if region == "eu-west-1":
            request.error(403, "UnauthorizedOperation")
        else:
            page(request)

    kept, _ = over_http(answer, monkeypatch, regions=("eu-west-1", "us-east-1"))
    assert kept.coverage("AWS::EC2::VPC", "eu-west-1").state is CoverageState.DENIED
    assert kept.coverage("AWS::EC2::VPC", "us-east-1").resources == PAGES
