"""Lambda: functions, without the values of their environment."""

from auditor.collect.declare import Call, ResourceType, Row


def _without_values(function: Row) -> Row:
    """Return the function with the names of its environment variables in place of the variables."""
    names = sorted((function.get("Environment") or {}).get("Variables") or ())
    kept = {name: value for name, value in function.items() if name != "Environment"}
    return {**kept, "EnvironmentVariableNames": names}


FUNCTION = ResourceType(
    "AWS::Lambda::Function",
    "A Lambda function. Of its environment only the variables' names are kept.",
    list=Call("lambda", "ListFunctions", "Functions"),
    shape=_without_values,
    id="{FunctionArn}",
    name="{FunctionName}",
    drop=("Environment", "ImageConfigResponse", "RuntimeVersionConfig"),
)
