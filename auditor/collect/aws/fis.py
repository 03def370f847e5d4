"""Fault Injection Service: failures that were rehearsed."""

from auditor.collect.declare import Call, Dated, ResourceType, Row


def _completed(experiment: Row) -> bool:
    return (experiment.get("state") or {}).get("status") == "completed"


EXPERIMENT = ResourceType(
    "AWS::FIS::Experiment",
    "A Fault Injection Service experiment; what it did is read of completed ones.",
    list=Call("fis", "ListExperiments", "experiments"),
    id="{arn}",
    name="{id}",
    tags="tags",
    details={
        "Experiment": Call("fis", "GetExperiment", "experiment", args={"id": "id"}),
        "ResolvedTargets": Call("fis", "ListExperimentResolvedTargets", "resolvedTargets", args={"experimentId": "id"}),
    },
    details_when=dict.fromkeys(("Experiment", "ResolvedTargets"), _completed),
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
