"""EventBridge: rules of the default bus, where AWS's own events arrive."""

from auditor.collect.declare import Call, ResourceType, Row


def _may_hear_databases(rule: Row) -> bool:
    """Return whether the rule's pattern may match events of RDS or of AWS Health: by name, by prefix, or for want of a source."""
    pattern = str(rule.get("EventPattern") or "")
    if not pattern:
        return False
    named = any(
        word in pattern for word in ("aws.rds", "aws.health", "prefix", "wildcard", "anything-but", "equals-ignore")
    )
    return named or '"source"' not in pattern


RULE = ResourceType(
    "AWS::Events::Rule",
    "A rule of the default event bus; the targets are read of rules that may hear of databases or AWS Health.",
    list=Call("events", "ListRules", "Rules"),
    id="{Arn}",
    name="{Name}",
    details={"Targets": Call("events", "ListTargetsByRule", "Targets", args={"Rule": "Name"})},
    details_when={"Targets": _may_hear_databases},
    # What a target is sent or told to do can hold anything.
    drop=tuple(
        f"Targets[].{name}"
        for name in (
            "Input",
            "InputTransformer",
            "AppSyncParameters",
            "BatchParameters",
            "EcsParameters",
            "HttpParameters",
            "RedshiftDataParameters",
            "RunCommandParameters",
            "SageMakerPipelineParameters",
        )
    ),
)
