"""What else brings machines back: snapshot lifecycles (DLM), replicated servers (DRS), and rehearsed failures (FIS)."""

from auditor.collect.declare import Call, ResourceType

LIFECYCLE_POLICY = ResourceType(
    "AWS::DLM::LifecyclePolicy",
    "A Data Lifecycle Manager policy: which snapshots are made when, and copied where.",
    list=Call("dlm", "GetLifecyclePolicies", "Policies"),
    id="arn:{partition}:dlm:{region}:{account}:policy/{PolicyId}",
    name="{PolicyId}",
    tags="Tags",
    details={"PolicyDetails": Call("dlm", "GetLifecyclePolicy", "Policy.PolicyDetails", args={"PolicyId": "PolicyId"})},
)

SOURCE_SERVER = ResourceType(
    "AWS::DRS::SourceServer",
    "A server that Elastic Disaster Recovery replicates, and how far behind the copy is.",
    # An account that never set the service up gets UninitializedAccountException: it has no servers.
    list=Call("drs", "DescribeSourceServers", "items", absent=("UninitializedAccountException",)),
    id="{arn}",
    name="{sourceServerID}",
    tags="tags",
    volatile=("dataReplicationInfo", "lifeCycle"),
    drop=("sourceProperties.lastUpdatedDateTime",),
)

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
