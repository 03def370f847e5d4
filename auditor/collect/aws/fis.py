"""Fault Injection Service: failures that were rehearsed."""

from auditor.collect.declare import Call, Dated, ResourceType, Row


def _completed(experiment: Row) -> bool:
    return (experiment.get("state") or {}).get("status") == "completed"


def _ended(experiment: Row) -> bool:
    return (experiment.get("state") or {}).get("status") in ("completed", "failed", "stopped")


EXPERIMENT = ResourceType(
    "AWS::FIS::Experiment",
    "A Fault Injection Service experiment; what it did is read of those that ended.",
    list=Call("fis", "ListExperiments", "experiments"),
    id="{arn}",
    name="{id}",
    tags="tags",
    details={
        "Experiment": Call("fis", "GetExperiment", "experiment", args={"id": "id"}),
        "ResolvedTargets": Call("fis", "ListExperimentResolvedTargets", "resolvedTargets", args={"experimentId": "id"}),
    },
    details_when={"Experiment": _ended, "ResolvedTargets": _completed},
    dated=(
        Dated(
            "experiment",
            at="Experiment.endTime",
            when=_completed,
            keep=("id", "arn", "state", "Experiment", "ResolvedTargets"),
            operation="fis:GetExperiment",
        ),
    ),
)
