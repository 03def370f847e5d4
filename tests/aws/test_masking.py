"""What masking does to single values: the same by the same, kinds and containment kept, AWS's own words left alone."""

import ipaddress
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auditor.aws.masking import Mask

KEY = b"k" * 32
ARN = "arn:aws:rds:eu-west-1:123456789012:db:orders"


@given(st.ip_addresses())
@example(ipaddress.ip_address("192.0.0.184"))
@example(ipaddress.ip_address("2001:1::1"))
def test_an_address_stays_of_its_kind(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    masked = ipaddress.ip_address(Mask(key=KEY)._address(str(address)))
    assert masked.version == address.version
    assert masked.is_global == address.is_global
    assert masked.is_private == address.is_private
    if not address.is_global:
        assert masked == address


@given(st.ip_addresses(v=4), st.integers(9, 32))
def test_an_address_stays_in_its_network(address: ipaddress.IPv4Address, length: int) -> None:
    network = ipaddress.ip_network(f"{address}/{length}", strict=False)
    if not (address.is_global and network.network_address.is_global):
        return
    mask = Mask(key=KEY)
    inside, around = mask._address(str(address)), mask._address(str(network))
    assert ipaddress.ip_address(inside) in ipaddress.ip_network(around)


@given(st.text())
def test_any_text_is_masked_the_same_way_twice(text: str) -> None:
    assert Mask(key=KEY).text(text) == Mask(key=KEY).text(text)


def test_another_tape_has_other_tokens() -> None:
    assert Mask().text(ARN) != Mask().text(ARN)


def test_a_name_is_the_same_token_wherever_it_stands() -> None:
    mask = Mask(key=KEY)
    line = {
        "service": "rds",
        "operation": "DescribeDBInstances",
        "region": "eu-west-1",
        "params": {},
        "answer": {
            "DBInstances": [
                {
                    "DBInstanceIdentifier": "orders",
                    "DBInstanceArn": ARN,
                    "Engine": "postgres",
                    "DBInstanceClass": "db.m5.large",
                    "Endpoint": {"Address": "orders.c1abc.eu-west-1.rds.amazonaws.com", "Port": 5432},
                    "TagList": [{"Key": "Name", "Value": "orders"}, {"Key": "Environment", "Value": "production"}],
                }
            ]
        },
    }
    (row,) = mask.line(line)["answer"]["DBInstances"]
    token = row["DBInstanceIdentifier"]
    assert token.startswith("m-")
    assert row["DBInstanceArn"].endswith(f":db:{token}")
    assert row["Endpoint"]["Address"].startswith(f"{token}.")
    assert row["TagList"] == [{"Key": "Name", "Value": token}, {"Key": "Environment", "Value": "production"}]
    assert (row["Engine"], row["DBInstanceClass"], row["Endpoint"]["Port"]) == ("postgres", "db.m5.large", 5432)
    again = mask.line({**line, "answer": {}, "params": {"DBInstanceIdentifier": "orders", "Owners": ["self"]}})
    assert again["params"] == {"DBInstanceIdentifier": token, "Owners": ["self"]}
    failed = {"fault": "gone", "code": "DBInstanceNotFound", "message": "DBInstance orders not found."}
    lost = mask.line({**line, "answer": {}, "params": {"DBInstanceIdentifier": "orders"}, "error": failed})
    assert lost["error"]["message"] == f"DBInstance {token} not found."
    assert "123456789012" not in json.dumps([row, again, lost])


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:iam::aws:policy/AdministratorAccess",
        "2026-11-28T02:00:00+00:00",
        "0.0.0.0/0",
        "10.0.0.0/16",
        "::/0",
        "eu-west-1a",
        "i-0abcdef1234567890",
        "rds:DescribeDBInstances",
        "*",
        "",
    ],
)
def test_what_says_nothing_of_whose_it_is_stays(text: str) -> None:
    assert Mask(key=KEY).text(text) == text


ODD = {
    "a lone surrogate in a document": "%7B\ud800",
    "a cell longer than the csv module's own limit": "user,arn,\n" + "a" * 200_000,
    "a document deeper than Python goes": '{"a":' + "[" * 900 + "]" * 900 + "}",
    "a number longer than Python reads": '{"a":' + "9" * 5000 + "}",
    "what is no number to JSON": '{"a":NaN,"b":1e999}',
    "a run of letters without end": "a" * 300_000,
    "names of hosts and stars": "*a" * 100_000,
    "dots": "a." * 100_000,
    "addresses that are none": "999.999.999.999/99 1.2.3.4/33 ::::::: 1:2:3:4:5:6:7:8/999",
}


@pytest.mark.parametrize("name", ["Name", "Text"])
def test_no_text_an_account_can_hold_breaks_masking_or_holds_it_up(name: str) -> None:
    # Hours, were one of the patterns to look at a text more than a few times.
    for kind, text in ODD.items():
        line = {"service": "iam", "operation": "GetRole", "region": "us-east-1", "params": {}, "answer": {name: text}}
        assert json.dumps(Mask(key=KEY).line(line)), kind


PLACES: tuple[tuple[str, Any], ...] = (
    ("services", [{"serviceName": "orders"}]),
    ("clusters", ["orders"]),
    ("projects", ["orders"]),
    ("DistributionList", {"Items": [{"Aliases": {"Items": ["orders"]}}]}),
    ("Tags", {"Items": [{"Key": "team", "Value": "orders"}]}),
    ("Rules", [{"Conditions": [{"HostHeaderConfig": {"Values": ["orders"]}}]}]),
    ("ResourceRecordSets", [{"ResourceRecords": [{"Value": "orders"}]}]),
    ("DBClusters", [{"DBSubnetGroup": "orders", "DBClusterParameterGroup": "orders"}]),
    ("DomainMemberships", [{"Domain": "orders", "FQDN": "orders", "OU": "orders"}]),
    ("LaunchConfigurations", [{"IamInstanceProfile": "orders"}]),
    ("Certificates", [{"CertificateBody": "orders"}]),
    ("LaunchTemplateVersions", [{"VersionDescription": "orders"}]),
    ("projects", [{"source": {"location": "https://git.example/orders", "buildspec": "orders"}}]),
    ("EventSubscriptionsList", [{"SourceIdsList": ["orders"]}]),
    ("sourceServers", [{"identificationHints": {"fqdn": "orders", "hostname": "orders"}}]),
)


def test_a_name_is_masked_also_where_its_member_does_not_say_that_it_is_one() -> None:
    for member, value in PLACES:
        line = {"service": "s", "operation": "o", "region": "eu-west-1", "params": {}, "answer": {member: value}}
        assert "orders" not in json.dumps(Mask(key=KEY).line(line)), member
    kept = {
        "AllowedMethods": {"Items": ["GET"]},
        "ServiceName": "com.amazonaws.eu-west-1.s3",
        "capacityProvider": "FARGATE",
    }
    line = {"service": "s", "operation": "o", "region": "eu-west-1", "params": {}, "answer": kept}
    assert Mask(key=KEY).line(line)["answer"] == kept
