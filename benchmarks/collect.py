"""What collecting costs: the queue's wall time against what is possible, and CPU against stock botocore making the same calls.

Run with ``python -m benchmarks collect`` or ``python benchmarks/collect.py``. AWS is simulated inside the process, without
sockets: a caller that sleeps 50 ms for the wall time, answers made of botocore's own output shapes for the CPU.
"""

import gc
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import botocore.config
import botocore.session
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.parsers import ResponseParserFactory
from scripted import a_type

from auditor.aws.answer import Answer, Operation
from auditor.aws.fast import parser_factory
from auditor.aws.limits import Limit, Limiter, lane_name, limit_of
from auditor.aws.session import connect
from auditor.aws.tape import Header, TapeWriter
from auditor.aws.wire import blob_text, utc_text
from auditor.collect.declare import Call, ResourceType
from auditor.collect.plan import make_plan
from auditor.collect.run import Collected, collect
from auditor.model import Coverage, Resource, Scope

LATENCY = 0.05
NO_LIMITS = lambda service, operation: Limit(1e9, 1e9)  # noqa: E731
THREADS = 32
REGIONS = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-central-1",
    "eu-north-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "sa-east-1",
]
GLOBAL_SERVICES = {"iam": 150, "s3": 400, "route53": 0, "cloudfront": 0}
"""Global services, and how many resources of them want a detail."""
REGIONAL_SERVICES = [
    "ec2",
    "rds",
    "lambda",
    "elbv2",
    "elb",
    "cloudtrail",
    "kms",
    "sns",
    "sqs",
    "dynamodb",
    "ecs",
    "eks",
    "ecr",
    "cloudwatch",
    "logs",
    "autoscaling",
    "secretsmanager",
    "ssm",
    "acm",
    "config",
    "guardduty",
]
BUSY = "us-east-1"
PAGES = {"ec2": 10, "rds": 3, "iam": 3}
DETAILS = {"lambda": 60, "kms": 40, "sqs": 40}
LISTED = {
    ("ec2", "DescribeVolumes", "Volumes"): 200,
    ("ec2", "DescribeSecurityGroups", "SecurityGroups"): 200,
    ("rds", "DescribeDBInstances", "DBInstances"): 100,
    ("elbv2", "DescribeLoadBalancers", "LoadBalancers"): 100,
    ("autoscaling", "DescribeAutoScalingGroups", "AutoScalingGroups"): 50,
    ("sns", "ListTopics", "Topics"): 100,
}
"""Calls for the CPU part, and the rows of each answer."""


class Counting:
    """A sink that counts."""

    def __init__(self) -> None:
        self.resources = 0

    def add(self, scope: Scope, page: Sequence[Resource], volatile: frozenset[str]) -> None:
        """Count a page."""
        self.resources += len(page)

    def close(self, coverage: Coverage) -> None:
        """End a scope."""


class Slow:
    """A caller that takes 50 ms for every call, and counts the calls of each limit."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()

    def call(self, service: str, operation: str, params: Mapping[str, Any], region: str) -> Answer:
        """Answer a page of fifty rows, or a detail."""
        self.calls[lane_name(service, operation), region] += 1
        time.sleep(LATENCY)
        if operation == "GetThing":
            return Answer({"Thing": {"Size": 1}}, datetime.now(UTC))
        page, pages = int(params.get("NextToken", 0)), PAGES.get(service, 1) if region == BUSY else 1
        wanted = GLOBAL_SERVICES.get(service, DETAILS.get(service, 50) if region == BUSY else 5)
        count = max(1, wanted // pages)
        more = {"NextToken": str(page + 1)} if page + 1 < pages else {}
        return Answer({"Things": [{"Id": f"{page}-{number}"} for number in range(count)], **more}, datetime.now(UTC))

    def operation(self, service: str, operation: str) -> Operation:
        """Return how pages follow one another."""
        return Operation(lambda parsed: {"NextToken": parsed["NextToken"]} if "NextToken" in parsed else {})


def _types() -> Iterator[ResourceType]:
    for service in (*GLOBAL_SERVICES, *REGIONAL_SERVICES):
        detailed = DETAILS.get(service) or GLOBAL_SERVICES.get(service)
        detail = {"Thing": Call(service, "GetThing", "Thing", args={"Id": "Id"})}
        yield a_type(
            f"A::{service}::Thing",
            list=Call(service, "ListThings", "Things"),
            scope="global" if service in GLOBAL_SERVICES else "regional",
            details=detail if detailed else {},
        )


def _collect(caller: Any, types: Sequence[ResourceType], regions: Sequence[str], limits: Any) -> tuple[Collected, int]:
    sink = Counting()
    plan = make_plan(types, {type.type: type for type in types}, "123456789012", "aws", regions)
    return collect(plan, caller, sink, threads=THREADS, limiter=Limiter(limits=limits)), sink.resources


def _wall() -> None:
    types = list(_types())
    for name, limits in (("no limits", NO_LIMITS), ("the usual limits", limit_of)):
        began, cpu = time.perf_counter(), time.process_time()
        caller = Slow()
        collected, _ = _collect(caller, types, REGIONS, limits)
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
        calls = collected.statistics["calls"]
        ideal = max(calls * LATENCY / THREADS, (max(PAGES.values()) + 1) * LATENCY, cpu)
        # A limit gives its bucket at once and then so many calls a second, however fast anybody is.
        slowest = max(
            (count - limits(service, "").burst) / limits(service, "").rate
            for (service, _), count in caller.calls.items()
        )
        possible = max(ideal, slowest)
        print(
            f"{calls:,} calls of {LATENCY * 1000:.0f} ms, {name:17}{wall:7.2f} s wall{cpu:7.2f} s CPU{wall / ideal:7.2f}x ideal"
            f"{wall / possible:7.2f}x what these limits allow ({possible:.2f} s)"
        )


# ---- answers made of the service model -------------------------------------------------------------------------------


def _xml(shape: Any, rows: int, seen: tuple[str, ...] = ()) -> str:
    if shape.type_name == "structure":
        if shape.name in seen:
            return ""
        return "".join(_member(name, member, rows, (*seen, shape.name)) for name, member in shape.members.items())
    if shape.type_name == "list":
        tag = shape.member.serialization.get("name", "member")
        return "".join(f"<{tag}>{_xml(shape.member, 1, seen)}</{tag}>" for _ in range(rows))
    if shape.type_name == "map":
        return ""
    return {"integer": "42", "long": "42", "boolean": "true", "double": "4.2", "float": "4.2"}.get(
        shape.type_name, "2026-06-15T03:00:00.000Z" if shape.type_name == "timestamp" else f"{shape.name}-0a1b2c3d"
    )


def _member(name: str, member: Any, rows: int, seen: tuple[str, ...]) -> str:
    tag = member.serialization.get("name", name)
    return "" if name in ("NextToken", "Marker", "NextMarker") else f"<{tag}>{_xml(member, rows, seen)}</{tag}>"


class Body:
    """An answer's body, as urllib3 would hand it over."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """Yield it."""
        yield self.body


class InProcess:
    """Answers clients' requests before they are sent."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.calls = 0

    def learn(self, client: Any, operation: str, rows: int) -> None:
        """Make up the answer of an operation."""
        model = client.meta.service_model.operation_model(operation)
        inner = _xml(model.output_shape, rows)
        if model.service_model.metadata["protocol"] == "query":
            wrapper = model.output_shape.serialization.get("resultWrapper", f"{operation}Result")
            inner = f"<{wrapper}>{inner}</{wrapper}>"
        self.bodies[operation] = f"<{operation}Response>{inner}</{operation}Response>".encode()

    def __call__(self, request: Any, event_name: str, **_: Any) -> AWSResponse:
        """Answer a request."""
        self.calls += 1
        body: Any = Body(self.bodies[event_name.rpartition(".")[2]])
        headers: Any = {"Date": "Mon, 15 Jun 2026 03:00:00 GMT"}
        return AWSResponse(request.url, 200, headers, body)


def _stock() -> tuple[float, float, int]:
    """List everything with a stock client for each service and region; return the CPU seconds of making clients and of calls."""
    session, answers = botocore.session.get_session(), InProcess()
    config = botocore.config.Config(retries={"mode": "standard", "total_max_attempts": 1})
    began = time.process_time()
    clients = {
        (service, region): session.create_client(service, region_name=region, config=config)
        for service in dict.fromkeys(service for service, _, _ in LISTED)
        for region in REGIONS
    }
    made = time.process_time() - began
    for client in clients.values():
        client.meta.events.register("before-send", answers)  # type: ignore[arg-type]
    for (service, operation, _), rows in LISTED.items():
        answers.learn(clients[service, BUSY], operation, rows)
    began = time.process_time()
    for service, operation, result in LISTED:
        for region in REGIONS:
            for page in clients[service, region].get_paginator(xform_name(operation)).paginate():
                list(page[result])
    return made, time.process_time() - began, answers.calls


def _ours(limits: Any = NO_LIMITS, *, blanked: bool = True, tape: bool = False) -> tuple[float, float, int]:
    """List the same through the caller and the queue, resources made and handed to a sink included.

    LIMITS are kept; secrets are BLANKED; answers are recorded on a TAPE.
    """
    types = [
        a_type(f"A::{service}::{result}", list=Call(service, operation, result), id="{account}:{region}")
        for service, operation, result in LISTED
    ]
    calls, answers = [type.lists[0] for type in types], InProcess()
    connection = connect(calls)
    clients = connection.clients
    began = time.process_time()
    for service in dict.fromkeys(service for service, _, _ in LISTED):
        for region in REGIONS:
            clients.client(service, region)
    made = time.process_time() - began
    for service in dict.fromkeys(service for service, _, _ in LISTED):
        clients.client(service, BUSY).meta.events.register("before-send", answers)
    for (service, operation, _), rows in LISTED.items():
        answers.learn(clients.client(service, BUSY), operation, rows)
    if not blanked:
        clients.secrets.hidden = lambda service, operation, parsed: parsed  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as folder:
        writer = TapeWriter(Path(folder) / "x.tape", Header(datetime.now(UTC), "123456789012", BUSY)) if tape else None
        if writer:
            connection.record(writer)
        began = time.process_time()
        _collect(connection.caller(), types, REGIONS, limits)
        if writer:
            writer.close()
        return made, time.process_time() - began, answers.calls


def _cpu() -> None:
    stock_made, stock, calls = _stock()
    gc.collect()
    made, ours, same = _ours()
    if calls != same:
        raise RuntimeError(f"stock botocore made {calls} calls, the queue {same}")
    endpoints = len(REGIONS) * len({service for service, _, _ in LISTED})
    rows = sum(LISTED.values()) * len(REGIONS)
    print(f"{endpoints} endpoints ready: stock {stock_made:.2f} s CPU, ours {made:.2f} s, {made / stock_made:.2f}x")
    print(f"{calls} calls, {rows:,} rows: stock {stock:.2f} s CPU, ours {ours:.2f} s, {ours / stock:.2f}x stock")
    if type(parser_factory(utc_text, blob_text)) is ResponseParserFactory:
        print("the compiled parsers were not used: this is what stock botocore's parsers cost (the log says why)")


def _costs() -> None:
    """Say what keeping limits, blanking secrets and recording a tape add to the CPU of collecting: the least of six each."""
    ways: dict[str, dict[str, Any]] = {
        "bare": {"blanked": False},
        "secrets blanked": {},
        "limits kept": {"blanked": False, "limits": _roomy},
        "a tape": {"blanked": False, "tape": True},
    }
    rounds = [{name: _ours(**options)[1] for name, options in ways.items()} for _ in range(6)]
    least = {name: min(seconds[name] for seconds in rounds) for name in ways}
    told = "".join(f"; {name} {seconds / least['bare']:.2f}x" for name, seconds in least.items() if name != "bare")
    print(f"collecting alone {least['bare']:.2f} s CPU{told}")


def _roomy(service: str, operation: str) -> Limit:
    """Return a limit that is counted, and that nothing reaches for long: what waiting costs is no CPU."""
    return Limit(200, 4)


def main() -> None:
    """Print the ratios."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "none"}
    _wall()
    _cpu()
    _costs()


if __name__ == "__main__":
    main()
