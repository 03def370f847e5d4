"""What of drills goes into the ledger: those that launched something, with the servers that took part."""

from typing import Any

import pytest

from auditor.collect import load_types
from auditor.kit import NOW, ago
from auditor.ledger.dated import facts_of
from auditor.model import DatedFact, Resource

DRILL: dict[str, Any] = {
    "jobID": "drsjob-1",
    "initiatedBy": "START_DRILL",
    "status": "COMPLETED",
    "endDateTime": ago(days=5),
    "participatingServers": [{"sourceServerID": "s-1", "launchStatus": "LAUNCHED"}],
}


def kept(type: str, document: dict[str, Any]) -> list[DatedFact]:
    declared = load_types()[type]
    resource = Resource(type, "arn:x", "x", "111122223333", "eu-west-1", NOW, document)
    return [fact for dated in declared.dated for fact in facts_of(resource, dated, declared)]


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [
        ({}, ["drill"]),
        ({"initiatedBy": "START_RECOVERY"}, ["drill"]),
        ({"participatingServers": [{"launchStatus": "FAILED"}, {"launchStatus": "TERMINATED"}]}, ["drill"]),
        ({"participatingServers": [{"launchStatus": "FAILED"}]}, []),
        ({"participatingServers": []}, []),
        ({"participatingServers": None}, []),
        ({"status": "STARTED"}, []),
        ({"initiatedBy": "TERMINATE_RECOVERY_INSTANCES"}, []),
        ({"endDateTime": None}, []),
        ({"endDateTime": "soon"}, []),
    ],
)
def test_a_job_of_elastic_disaster_recovery(fields: dict[str, Any], kinds: list[str]) -> None:
    assert [fact.kind for fact in kept("AWS::DRS::Job", {**DRILL, **fields})] == kinds


def test_a_drill_is_about_its_server_and_is_told_by_the_list_of_jobs() -> None:
    (fact,) = kept("AWS::DRS::Job", DRILL)
    assert (fact.about, fact.operation) == ("s-1", "drs:DescribeJobs")
