"""Secrets planted in every answer that could hold one: none reaches store, tape, report or log."""

import json
import logging
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import zstandard
from botocore.model import ListShape, MapShape, Shape, StructureShape
from shapes import MOMENT, REPORT_COLUMNS, operation
from sqlalchemy import create_engine, text

from auditor import catalog, standard
from auditor.aws import clients
from auditor.aws.operations import Operations
from auditor.aws.secrets import HIDDEN, Secrets
from auditor.aws.session import connect
from auditor.aws.tape import Header, TapeWriter
from auditor.collect import load_types
from auditor.collect.declare import Call
from auditor.kit import NOW
from auditor.kit.money import NoPrices
from auditor.report import build_view, write_reports
from auditor.reporting import report_inputs
from auditor.scan import ScanRequest, run_scan
from auditor.store import Store
from auditor.store.codec import Unpacker

PLANTED = "planted-secret-value"
REGION = "eu-west-1"
TYPES = load_types()
CALLS = sorted({(call.service, call.operation) for type in TYPES.values() for call in type.every_call})
# Of its own, and wider than what the program goes by.
BY_NAME = re.compile(
    r"(?i)(^userdata$|password$|(^|client|webhook)secret$|secretstring|secretbinary|secretkey|secretaccesskey|privatekey$"
    r"|authtoken$|sessiontoken|accesstoken|^environment$|environmentvariables|customheaders|httpparameters|initquery"
    r"|^inputtransformer$|^input$|^authorization$)"
)
OF_SERVICE = {
    "sns": {"Endpoint"},
    "elbv2": {"HttpHeaderConfig", "QueryStringConfig", "RegexValues", "AuthenticationRequestExtraParams"},
    "fis": {"parameters"},
    "codebuild": {"source", "secondarySources"},
    "ecs": {"options"},
    "wafv2": {"SearchString", "InsertHeaders", "ResponseHeaders"},
}
"""A header that only a CDN knows, what a rehearsed document is given, a build's commands, a log driver's token."""
PAGES = {"NextToken", "NextPageToken", "nextToken", "Marker", "IsTruncated", "NextMarker", "marker", "PaginationToken"}
NO_SECRET = {("drs", "tags"), ("organizations", "Name")}
"""Marked as sensitive, and kept: a server's tags, and what accounts and units of an organisation are called."""


def is_secret(service: str, name: str, shape: Shape) -> bool:
    if shape.type_name == "boolean" or (service, name) in NO_SECRET:
        return False
    named = BY_NAME.search(name) or name in OF_SERVICE.get(service, ())
    return bool(named or shape.metadata.get("sensitive"))


def planted(service: str, shape: Shape | None, secret: bool = False, within: tuple[str, ...] = ()) -> Any:
    """A value of SHAPE with everything filled in, and a secret wherever one could be."""
    if shape is None or within.count(shape.name) > 1:
        return {}
    inner = (*within, shape.name)
    if isinstance(shape, StructureShape):
        return {
            name: planted(service, member, secret or is_secret(service, name, member), inner)
            for name, member in shape.members.items()
        }
    if isinstance(shape, ListShape):
        return [planted(service, shape.member, secret or bool(shape.member.metadata.get("sensitive")), inner)]
    if isinstance(shape, MapShape):
        return {"x": planted(service, shape.value, secret or bool(shape.value.metadata.get("sensitive")), inner)}
    if shape.type_name == "timestamp":
        return MOMENT
    plain = {"boolean": True, "integer": 1, "long": 1, "float": 1.0, "double": 1.0}.get(shape.type_name, "x")
    return PLANTED if secret and plain == "x" else plain


def answer(service: str, name: str) -> dict[str, Any]:
    """What an operation answers."""
    if (service, name) == ("sts", "GetCallerIdentity"):
        return {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/x"}
    if (service, name) == ("ec2", "DescribeRegions"):
        return {"Regions": [{"RegionName": REGION, "OptInStatus": "opted-in", "Endpoint": "x"}]}
    whole = planted(service, operation(Call(service, name)).output_shape)
    if name == "GetCredentialReport":
        row = ",".join("x" if column in ("user", "arn") else MOMENT for column in REPORT_COLUMNS.split(","))
        whole["Content"] = f"{REPORT_COLUMNS}\n{row}\n"
    if name == "GenerateCredentialReport":
        whole["State"] = "COMPLETE"
    if name == "LookupEvents":
        record = {
            "userIdentity": {"accessKeyId": PLANTED, "sessionContext": {"a": PLANTED}},
            "responseElements": {"credentials": {"sessionToken": PLANTED}},
            "requestParameters": {"dBClusterIdentifier": "main", "masterUserPassword": PLANTED},
        }
        whole["Events"][0] |= {"CloudTrailEvent": json.dumps(record), "EventName": "FailoverDBCluster"}
    return {member: value for member, value in whole.items() if member not in PAGES}


def everything_in(path: Path) -> str:
    """Every value of every column of every table of an SQLite store, bodies unpacked."""
    found: list[str] = []
    with create_engine(f"sqlite:///{path}").connect() as connection:
        unpacker = Unpacker(connection)
        tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        for table in tables:
            for row in connection.execute(text(f'SELECT * FROM "{table}"')).mappings():
                values = dict(row)
                if isinstance(values.get("body"), bytes) and values.get("codec") is not None:
                    found.append(json.dumps(unpacker.unpack(values["codec"], values.pop("body"))))
                found += [
                    value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                    for value in values.values()
                ]
    return "\n".join(found)


def test_no_secret_that_is_planted_anywhere_is_left_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answered: set[tuple[str, str]] = set()

    def method(self: clients.Clients, service: str, name: str, region: str) -> Callable[..., dict[str, Any]]:
        answered.add((service, name))
        return lambda **params: answer(service, name)

    monkeypatch.setattr(clients.Clients, "method", method)
    caplog.set_level(logging.DEBUG)
    connection = connect([call for type in TYPES.values() for call in type.every_call], region=REGION)
    tape = TapeWriter(tmp_path / "x.tape", Header(NOW, "1", REGION))
    connection.record(tape)
    checks, rules = catalog.load_checks(), standard.load(catalog.bundled("checks") / "patterns.toml")
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        judged = run_scan(ScanRequest(regions=(REGION,)), connection, store, rules, checks, TYPES, NoPrices)
        view = build_view(report_inputs(store, judged.scan, rules, checks, TYPES, judged))
        reports = write_reports(view, tmp_path / "reports", ("html", "md", "json"))
        held = sum(len(list(store.inventory(judged.scan.id).resources(name))) for name in TYPES)
    tape.close()
    assert held > 40
    asked = json.dumps([answer(*name) for name in answered])
    assert asked.count(PLANTED) > 30
    raw = zstandard.ZstdDecompressor().stream_reader((tmp_path / "x.tape").read_bytes()).read().decode()
    assert raw.count(HIDDEN) > 30
    places = {
        "store": everything_in(tmp_path / "store.db"),
        "tape": raw,
        "log": caplog.text,
        **{path.name: path.read_text(encoding="utf-8") for path in reports},
    }
    assert "AWS::RDS::DBInstance" in places["store"]
    assert [name for name, text in places.items() if PLANTED in text] == []


@pytest.mark.parametrize("name", CALLS, ids=":".join)
def test_a_secret_is_blanked_in_the_answer_of_every_declared_call(name: tuple[str, str]) -> None:
    """Also of the calls that no scan of the whole would make, and of every nesting."""
    secrets = Secrets(Operations(botocore.session.get_session()))
    whole = answer(*name)
    hidden = secrets.hidden(*name, whole)
    assert PLANTED not in json.dumps(hidden)
    if PLANTED not in json.dumps(whole):
        assert hidden == whole


def test_what_is_blanked_keeps_its_form() -> None:
    secrets = Secrets(Operations(botocore.session.get_session()))
    listed: Mapping[str, Any] = {
        "Functions": [
            {"FunctionName": "f", "Environment": {"Variables": {"TOKEN": PLANTED, "URL": "u"}}},
            {"FunctionName": "g"},
        ]
    }
    assert secrets.hidden("lambda", "ListFunctions", listed) == {
        "Functions": [
            {"FunctionName": "f", "Environment": {"Variables": {"TOKEN": HIDDEN, "URL": HIDDEN}}},
            {"FunctionName": "g"},
        ]
    }
    plain = {"Vpcs": [{"VpcId": "vpc-1"}]}
    assert secrets.hidden("ec2", "DescribeVpcs", plain) is plain
