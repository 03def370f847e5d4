"""Region switch of Application Recovery Controller: when a plan was executed, and how that ended."""

from dataclasses import replace

from auditor.collect.asking import raise_first, side_by_side
from auditor.collect.declare import Call, CallFailed, Collector, Dated, ResourceType, Row

_PLANS = Call("arc-region-switch", "ListPlans", "plans")
_EXECUTIONS = Call("arc-region-switch", "ListPlanExecutions", "items")

_COMPLETED = ("completed", "completedMonitoringApplicationHealth")
_FAILED = ("completedWithExceptions", "failed", "planExecutionTimedOut")


def _executions() -> Collector:
    """Yield the executions of each plan, asked for in both of its regions, where the service runs apart; each once."""
    plans = yield _PLANS
    answers = yield from side_by_side(
        replace(_EXECUTIONS, params={"planArn": plan["arn"]}, region=region)
        for plan in plans
        for region in plan.get("regions") or ()
    )
    seen: set[str] = set()
    for answer in answers:
        if not isinstance(answer, CallFailed):
            yield [row for row in answer if row["executionId"] not in seen]
            seen |= {row["executionId"] for row in answer}
    raise_first(answers)


def _switches(execution: Row) -> bool:
    """Whether it moves an application; ``postRecovery`` puts in order what another execution left."""
    return execution.get("executionAction") != "postRecovery"


def _switched(execution: Row) -> bool:
    return _switches(execution) and execution.get("executionState") in _COMPLETED


def _failed(execution: Row) -> bool:
    return _switches(execution) and execution.get("executionState") in _FAILED


PLAN_EXECUTION = ResourceType(
    "AWS::ARCRegionSwitch::PlanExecution",
    "An execution of a Region switch plan, which moves an application from one region to another.",
    collect=_executions,
    calls=(_PLANS, _EXECUTIONS),
    id="{planArn}/execution/{executionId}",
    name="{executionId}",
    scope="global",
    volatile=("updatedAt",),
    dated=(
        Dated(
            "region-switch",
            at="endTime",
            about="planArn",
            when=_switched,
            operation="arc-region-switch:ListPlanExecutions",
        ),
        Dated(
            "region-switch-failed",
            at="endTime",
            about="planArn",
            when=_failed,
            operation="arc-region-switch:ListPlanExecutions",
        ),
    ),
)
