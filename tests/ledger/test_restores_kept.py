"""What of restores goes into the ledger: each thing that is true of a restore once and for all, and no secret."""

import json
from typing import Any

import pytest

from auditor.collect import load_types
from auditor.kit import NOW, ago
from auditor.ledger.dated import facts_of
from auditor.model import Resource

JOB: dict[str, Any] = {
    "RestoreJobId": "job-1",
    "Status": "COMPLETED",
    "SourceResourceArn": "arn:aws:rds:eu-west-1:111122223333:db:orders",
    "CreationDate": ago(days=5, hours=1),
    "CompletionDate": ago(days=5),
}


def kinds(type: str, document: dict[str, Any]) -> list[str]:
    declared = load_types()[type]
    resource = Resource(type, "arn:x", "x", "111122223333", "eu-west-1", NOW, document)
    return [fact.kind for dated in declared.dated for fact in facts_of(resource, dated, declared)]


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({}, ["restore"]),
        ({"ValidationStatus": "VALIDATING"}, ["restore"]),
        ({"ValidationStatus": "SUCCESSFUL"}, ["restore", "restore-validation"]),
        ({"ValidationStatus": "TIMED_OUT"}, ["restore", "restore-validation"]),
        ({"Status": "FAILED", "CompletionDate": None}, ["restore-failed"]),
        ({"Status": "ABORTED"}, ["restore-failed"]),
        ({"Status": "RUNNING"}, []),
        ({"IsParent": True}, []),
        ({"IsParent": True, "Status": "FAILED"}, []),
    ],
)
def test_a_job_of_aws_backup(fields: dict[str, Any], kept: list[str]) -> None:
    assert kinds("AWS::Backup::RestoreJob", {**JOB, **fields}) == kept


@pytest.mark.parametrize(
    ("record", "kept"),
    [
        ({"requestParameters": {"sourceDBClusterIdentifier": "shop"}}, ["restore"]),
        ({"requestParameters": {"sourceDBClusterIdentifier": "shop", "restoreType": "copy-on-write"}}, []),
        ({"requestParameters": {"sourceDBClusterIdentifier": "shop"}, "errorCode": "AccessDenied"}, []),
        ({"requestParameters": None}, []),
        ({}, []),
        ([], []),
    ],
)
def test_a_call_that_restores(record: Any, kept: list[str]) -> None:
    type = load_types()["AWS::CloudTrail::RestoreEvent"]
    assert type.shape
    row = {"EventId": "1", "EventTime": ago(days=3), "CloudTrailEvent": json.dumps(record)}
    assert kinds(type.type, dict(type.shape(row))) == kept


def test_of_a_call_only_what_names_its_source_is_kept() -> None:
    asked = {"dBSnapshotIdentifier": "before", "engine": "mysql", "tdeCredentialPassword": "hush", "tags": ["hush"]}
    shape = load_types()["AWS::CloudTrail::RestoreEvent"].shape
    assert shape
    kept = shape({"EventId": "1", "CloudTrailEvent": json.dumps({"requestParameters": asked, "userIdentity": "hush"})})
    assert json.loads(kept["CloudTrailEvent"]) == {
        "requestParameters": {"dBSnapshotIdentifier": "before", "engine": "mysql"}
    }
