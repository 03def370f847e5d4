"""What of drills and shifts goes into the ledger: what proves a test, and failures that are newer than an old success."""

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
        ({"participatingServers": [{"launchStatus": "FAILED"}]}, ["drill-failed"]),
        ({"participatingServers": [{"launchStatus": "FAILED"}, {"launchStatus": "PENDING"}]}, []),
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


SHIFT: dict[str, Any] = {
    "zonalShiftId": "1",
    "resourceIdentifier": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/front/1",
    "shiftType": "PRACTICE_RUN",
    "practiceRunOutcome": "SUCCEEDED",
    "status": "EXPIRED",
    "startTime": ago(days=5),
}


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [
        ({}, ["zonal-shift"]),
        ({"practiceRunOutcome": "PENDING"}, []),
        ({"practiceRunOutcome": "FAILED"}, ["zonal-shift-failed"]),
        ({"practiceRunOutcome": "INTERRUPTED"}, ["zonal-shift-failed"]),
        ({"practiceRunOutcome": "CAPACITY_CHECK_FAILED"}, ["zonal-shift-failed"]),
        ({"practiceRunOutcome": None}, []),
        ({"shiftType": None, "practiceRunOutcome": "FAILED"}, ["zonal-shift-failed"]),
        ({"shiftType": "ZONAL_SHIFT", "practiceRunOutcome": None, "status": "ACTIVE"}, ["zonal-shift"]),
        ({"shiftType": "FIS_EXPERIMENT", "practiceRunOutcome": None}, ["zonal-shift"]),
        ({"shiftType": "ZONAL_AUTOSHIFT", "practiceRunOutcome": None}, ["zonal-shift"]),
        ({"startTime": None}, []),
    ],
)
def test_a_zonal_shift(fields: dict[str, Any], kinds: list[str]) -> None:
    facts = kept("AWS::ARCZonalShift::ZonalShift", {**SHIFT, **fields})
    assert [fact.kind for fact in facts] == kinds
    assert {fact.about for fact in facts} <= {SHIFT["resourceIdentifier"]}


SWITCH: dict[str, Any] = {
    "planArn": "arn:aws:arc-region-switch::111122223333:plan/shop:abc123",
    "executionId": "1",
    "executionAction": "activate",
    "executionState": "completed",
    "endTime": ago(days=5),
}


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [
        ({}, ["region-switch"]),
        ({"executionState": "completedMonitoringApplicationHealth"}, ["region-switch"]),
        ({"executionState": "completedWithExceptions"}, ["region-switch-failed"]),
        ({"executionState": "failed", "executionAction": "deactivate"}, ["region-switch-failed"]),
        ({"executionState": "canceled"}, []),
        ({"executionAction": "postRecovery"}, []),
        ({"endTime": None}, []),
    ],
)
def test_an_execution_of_a_region_switch_plan(fields: dict[str, Any], kinds: list[str]) -> None:
    facts = kept("AWS::ARCRegionSwitch::PlanExecution", {**SWITCH, **fields})
    assert [fact.kind for fact in facts] == kinds
    assert {(fact.about, fact.operation) for fact in facts} <= {
        (SWITCH["planArn"], "arc-region-switch:ListPlanExecutions")
    }
