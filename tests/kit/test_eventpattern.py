"""EventBridge patterns: the operators AWS documents."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.kit.eventpattern import matches

EVENT = {
    "source": "aws.rds",
    "detail-type": "RDS DB Cluster Event",
    "resources": ["arn:aws:rds:eu-west-1:111122223333:cluster:orders"],
    "detail": {"EventCategories": ["failover"], "EventID": "RDS-EVENT-0071", "Count": 3, "Empty": None, "Tags": {}},
}


@pytest.mark.parametrize(
    ("pattern", "heard"),
    [
        ({}, True),
        ({"source": ["aws.rds"]}, True),
        ({"source": ["aws.ec2", "aws.rds"], "detail-type": ["RDS DB Cluster Event"]}, True),
        ({"source": ["aws.rds"], "detail-type": ["RDS DB Instance Event"]}, False),
        ({"detail": {"EventCategories": ["failover", "failure"]}}, True),
        ({"detail": {"EventCategories": ["backup"]}}, False),
        ({"detail": {"EventCategories": ["failover"], "EventID": ["RDS-EVENT-0049"]}}, False),
        ({"source": [{"prefix": "aws."}]}, True),
        ({"source": [{"prefix": {"equals-ignore-case": "AWS."}}]}, True),
        ({"detail": {"EventID": [{"suffix": "0071"}]}}, True),
        ({"source": [{"equals-ignore-case": "AWS.RDS"}]}, True),
        ({"source": [{"anything-but": "aws.rds"}]}, False),
        ({"source": [{"anything-but": ["aws.ec2", "aws.s3"]}]}, True),
        ({"source": [{"anything-but": {"prefix": "aws."}}]}, False),
        ({"source": [{"anything-but": {"prefix": ["aws.", "x"]}}]}, False),
        ({"resources": [{"wildcard": "arn:*:cluster:ord*"}]}, True),
        ({"resources": [{"wildcard": "arn:*:db:*"}]}, False),
        ({"resources": [{"wildcard": "*"}]}, True),
        ({"resources": [{"wildcard": "arn\\*"}]}, False),
        ({"detail": {"Missing": [{"exists": False}]}}, True),
        ({"detail": {"EventID": [{"exists": False}]}}, False),
        ({"detail": {"Missing": [{"anything-but": "x"}]}}, False),
        ({"nothing": {"below": ["x"]}}, False),
        ({"detail": {"Count": [{"numeric": [">", 2, "<=", 3]}]}}, True),
        ({"detail": {"Count": [{"numeric": ["=", 4]}]}}, False),
        ({"detail": {"Empty": [None]}}, True),
        ({"detail": {"Count": ["3"]}}, False),
        ({"$or": [{"source": ["x"]}, {"detail": {"Count": [3]}}]}, True),
        ('{"source": ["aws.rds"]}', True),
    ],
)
def test_operators_match_as_documented(pattern: Any, heard: bool) -> None:
    assert matches(pattern, EVENT) is heard


@pytest.mark.parametrize(
    "pattern",
    [
        "no json",
        "[]",
        {"source": "aws.rds"},
        {"source": [{"cidr": "10.0.0.0/8"}]},
        {"source": [{"prefix": "a", "suffix": "b"}]},
        {"detail": {"Count": [{"numeric": ["~", 3]}]}},
        {"source": [{"prefix": 3}]},
    ],
)
def test_what_is_not_known_is_an_error_and_no_answer(pattern: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (json's own message or ours)
        matches(pattern, EVENT)


@given(st.text("ab*", max_size=12), st.text("ab", max_size=12))
def test_a_wildcard_matches_like_a_regular_expression(pattern: str, value: str) -> None:
    import re

    wanted = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), value) is not None
    assert matches({"k": [{"wildcard": pattern}]}, {"k": value}) is wanted
