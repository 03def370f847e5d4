"""Fault Injection Service: failures that were rehearsed."""

from auditor.collect.declare import Call, ResourceType

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
    details_when={
        name: lambda experiment: (experiment.get("state") or {}).get("status") == "completed"
        for name in ("Experiment", "ResolvedTargets")
    },
)
