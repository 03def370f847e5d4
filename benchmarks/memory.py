"""How much memory a whole scan takes, by the size of the account: it must not grow with it.

Run with ``python -m benchmarks memory`` or ``python benchmarks/memory.py [RESOURCES…]`` (1,500, 15,000 and 150,000 unless told),
each size in a process of its own. The account is a large one in few regions: snapshots, volumes (a fifth of an old type,
with two weeks of hourly metrics), interfaces, security groups and databases; what is not made up answers that there is
nothing. Requests are answered before they would be sent: botocore's clients, the compiled parsers, the queue, the store,
all checks, the scores, and the reports are the program's own. The peak is the process's resident set (``VmHWM``) after each step.
"""

import gc
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from botocore.awsrequest import AWSResponse

ROOT = Path(__file__).resolve().parent.parent
SIZES = (1_500, 15_000, 150_000)
REGIONS = ("eu-central-1", "eu-west-1", "us-east-1")
ACCOUNT = "123456789012"
SHARES = {"Snapshot": 45, "Volume": 30, "NetworkInterface": 15, "SecurityGroup": 8, "DBInstance": 2}
LISTS = {
    "DescribeSnapshots": ("Snapshot", "Snapshots"),
    "DescribeVolumes": ("Volume", "Volumes"),
    "DescribeNetworkInterfaces": ("NetworkInterface", "NetworkInterfaces"),
    "DescribeSecurityGroups": ("SecurityGroup", "SecurityGroups"),
    "DescribeDBInstances": ("DBInstance", "DBInstances"),
}
LARGEST_PAGE = 1000
MOST_ROWS_OF_RDS = 100


def main() -> None:
    """Print the peak of each size, and how much the largest account takes more than the smallest."""
    sizes = [int(text.replace(",", "")) for text in sys.argv[1:]] or list(SIZES)
    print(f"{'MB after':>10}{'start':>9}{'read':>9}{'judged':>9}{'reported':>9}{'seconds':>9}{'findings':>10}")
    peaks = []
    for size in sizes:
        code = f"from benchmarks.memory import measure; measure({size})"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        peaks.append(found["judged"])
        figures = "".join(f"{found[name]:9.0f}" for name in ("start", "read", "judged", "reported", "seconds"))
        print(f"{size:>10,}{figures}{found['findings']:>10,}", flush=True)
    print(f"the largest takes {peaks[-1] / peaks[0]:.2f}x the memory of the smallest until it is judged")


def measure(size: int) -> None:
    """Scan an account of SIZE resources and print the peaks in MB as one line of JSON."""
    import logging

    from auditor import catalog, pricing, scan, standard
    from auditor.aws.session import connect
    from auditor.collect import load_types
    from auditor.report import build_view, render_html
    from auditor.reporting import report_inputs
    from auditor.store import Store

    logging.disable(logging.WARNING)
    gc.set_threshold(50_000, 20, 50)  # as the program itself does
    os.environ |= {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "none"}
    types, checks = load_types(), catalog.load_checks()
    rules = standard.load(catalog.bundled("checks") / "patterns.toml")
    connection = connect([call for type in types.values() for call in type.every_call])
    account = Account(size)
    events: Any = connection.clients.session
    events.register("before-send", account.send)
    events.register("before-call", account.call)
    found: dict[str, Any] = {"start": peak()}
    began = time.process_time()
    judging: Any = scan.judge_scan

    def judge_scan(*args: Any) -> Any:
        found["read"] = peak()
        return judging(*args)

    scan.judge_scan = judge_scan  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as folder, Store.open(f"sqlite:///{folder}/store.db") as store:
        request = scan.ScanRequest(regions=REGIONS)
        prices = lambda: pricing.price_book(None, None)  # noqa: E731
        judged = scan.run_scan(request, connection, store, rules, checks, types, prices)
        found["judged"], found["seconds"] = peak(), time.process_time() - began
        print(json.dumps(found), flush=True)
        found["resources"] = sum(cover.resources for cover in judged.coverage.values())
        found["findings"] = len(judged.judgement.findings)
        del judged
        gc.collect()
        (latest,) = store.scans(limit=1)
        render_html(build_view(report_inputs(store, latest, rules, checks, types)))
        found["reported"] = peak()
    print(json.dumps(found))


def peak() -> float:
    """Return the most memory this process ever had, in MB."""
    return _megabytes("VmHWM:")


def resident() -> float:
    """Return the memory this process has, in MB."""
    return _megabytes("VmRSS:")


def _megabytes(name: str) -> float:
    return int(Path("/proc/self/status").read_text().partition(name)[2].split()[0]) / 1024


class Account:
    """Answers requests as an account of SIZE resources would, making up each page when it is asked for."""

    def __init__(self, size: int) -> None:
        self._counts = {kind: size * share // 100 // len(REGIONS) for kind, share in SHARES.items()}
        self._models: dict[str, Any] = {}
        self._lock = threading.Lock()

    def call(self, model: Any, **_: Any) -> Any:
        """Answer what is no list of ours with nothing, and without a body."""
        name = model.name
        if name in LISTS or name == "GetMetricData":
            self._models[name] = model
            return None
        answer: dict[str, Any] = {"ResponseMetadata": {"HTTPHeaders": {"date": _date()}}}
        if name == "GetCallerIdentity":
            answer |= {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/a"}
        elif name == "DescribeRegions":
            answer["Regions"] = [{"RegionName": region, "OptInStatus": "opt-in-not-required"} for region in REGIONS]
        elif name == "GenerateCredentialReport":
            answer["State"] = "COMPLETE"
        elif name == "GetCredentialReport":
            answer["Content"] = "user,arn\n"
        return AWSResponse("https://x/", 200, {}, None), answer  # type: ignore[arg-type]

    def send(self, request: Any, event_name: str, **_: Any) -> AWSResponse:
        """Answer a list with a page, as XML; metrics as JSON. One at a time: AWS makes its pages elsewhere."""
        with self._lock:
            return self._send(request, event_name)

    def _send(self, request: Any, event_name: str) -> AWSResponse:
        name = event_name.rpartition(".")[2]
        if name == "GetMetricData":
            return _reply(request, json.dumps({"MetricDataResults": list(_metrics(json.loads(request.body)))}))
        asked = parse_qs(request.body.decode() if isinstance(request.body, bytes) else request.body)
        region = request.headers["Authorization"].decode().split("/")[2]
        kind, result = LISTS[name]
        ours = name == "DescribeDBInstances"
        start = int((asked.get("Marker") or asked.get("NextToken") or ["0"])[0])
        rows = MOST_ROWS_OF_RDS if ours else int(asked.get("MaxResults", [str(LARGEST_PAGE)])[0])
        end = min(start + rows, self._counts[kind])
        page: dict[str, Any] = {result: [_row(kind, region, number) for number in range(start, end)]}
        if end < self._counts[kind]:
            page["Marker" if ours else "NextToken"] = str(end)
        content = "".join(_xml(self._models[name].output_shape, page))
        content = f"<{name}Result>{content}</{name}Result>" if ours else content
        return _reply(request, f"<{name}Response>{content}</{name}Response>")


class Body:
    """An answer's body, as urllib3 would hand it over."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """Yield it."""
        yield self.body


def _reply(request: Any, body: str) -> AWSResponse:
    headers: Any = {"Date": _date()}
    content: Any = Body(body.encode())
    return AWSResponse(request.url, 200, headers, content)


def _date() -> str:
    return datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


def _row(kind: str, region: str, number: int) -> dict[str, Any]:
    from benchmarks.store import _SHAPES, START

    chance = random.Random(f"{kind} {region} {number}")
    own = f"{number:017x}"
    moment = (START - timedelta(seconds=chance.randrange(10**8))).strftime("%Y-%m-%dT%H:%M:%SZ")
    tags = [{"Key": "Name", "Value": f"web-{number}"}, {"Key": "team", "Value": chance.choice(("shop", "search"))}]
    row: dict[str, Any] = {**_SHAPES[kind](chance, own, moment, region), "OwnerId": ACCOUNT}
    row["TagList" if kind == "DBInstance" else "TagSet" if kind == "NetworkInterface" else "Tags"] = tags
    if kind == "Volume":
        row["VolumeType"] = "io1" if number % 5 == 0 else "gp3"
    if kind == "Snapshot":
        row["VolumeId"] = f"vol-{number * 2 // 3:017x}"
    if kind == "DBInstance":
        row["DBInstanceArn"] = f"arn:aws:rds:{region}:{ACCOUNT}:db:db-{own}"
    return row


def _xml(shape: Any, value: Any) -> Iterator[str]:
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if name in value:
                tag = member.serialization.get("name", name)
                yield f"<{tag}>"
                yield from _xml(member, value[name])
                yield f"</{tag}>"
    elif shape.type_name == "list":
        tag = shape.member.serialization.get("name", "member")
        for item in value:
            yield f"<{tag}>"
            yield from _xml(shape.member, item)
            yield f"</{tag}>"
    else:
        yield str(value).lower() if isinstance(value, bool) else escape(str(value))


def _metrics(asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a datapoint for every period that is asked for."""
    began, ended = (int(asked[name]) for name in ("StartTime", "EndTime"))
    for query in asked["MetricDataQueries"]:
        chance = random.Random(query["MetricStat"]["Metric"]["Dimensions"][0]["Value"])
        times = list(range(began, ended, query["MetricStat"]["Period"]))
        values = [float(chance.randrange(10**6)) for _ in times]
        yield {"Id": query["Id"], "StatusCode": "Complete", "Timestamps": times, "Values": values}


if __name__ == "__main__":
    main()
