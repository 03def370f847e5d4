"""What a document of each resource type may hold, made from botocore's own models of the answers."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from auditor.collect import load_types
from auditor.collect.declare import Batch, Call, CallFailed, Collector, Now, ResourceType, Wait

SESSION = botocore.session.get_session()
MOMENT = "2026-06-15T03:00:00+00:00"
REPORT_COLUMNS = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,"
    "mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,"
    "access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,"
    "access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
    "cert_1_last_rotated,cert_2_active,cert_2_last_rotated,additional_credentials_info"
)
"""The header of IAM's credential report (IAM user guide, "Getting credential reports")."""
POLICIES = {"AssumeRolePolicyDocument", "Document", "PolicyDocument"}
"""Members that hold JSON in a text, whose own names no model knows."""


class AnyKey(dict[str, Any]):
    """A map's specimen: any key may stand in it; the value's specimen lies under ``*``."""


def operation(call: Call) -> OperationModel:
    """Return botocore's model of the operation. Raises OperationNotFoundError."""
    return SESSION.get_service_model(call.service).operation_model(call.operation)


def specimen(shape: Shape | None, text: str = "x", within: tuple[str, ...] = ()) -> Any:
    """Return a value of SHAPE with every member filled in: one item per list, TEXT in every text."""
    if shape is None or within.count(shape.name) > 1:
        return {}
    inner = (*within, shape.name)
    if isinstance(shape, StructureShape):
        return {name: specimen(member, text, inner) for name, member in shape.members.items()}
    if isinstance(shape, ListShape):
        return [specimen(shape.member, text, inner)]
    if isinstance(shape, MapShape):
        return AnyKey({"*": specimen(shape.value, text, inner)})
    if shape.type_name == "timestamp":
        return MOMENT
    return {"boolean": True, "integer": 1, "long": 1, "float": 1.0, "double": 1.0}.get(shape.type_name, text)


def walk(shape: Shape | None, path: str) -> Shape:
    """Return the shape at PATH (``Reservations[].Instances``). Raises LookupError where there is none."""
    for part in path.split(".") if path else ():
        name, many = part.removesuffix("[]"), part.endswith("[]")
        if isinstance(shape, StructureShape) and name in shape.members:
            shape = shape.members[name]
        elif isinstance(shape, MapShape):
            shape = shape.value
        else:
            raise LookupError(f"{path}: there is no {name} in {shape!r}")
        if many:
            if not isinstance(shape, ListShape):
                raise LookupError(f"{path}: {name} is no list")
            shape = shape.member
    if shape is None:
        raise LookupError("there is no answer at all")
    return shape


def values(value: Any, path: str) -> Any:
    """Return what lies at PATH of an answer; lists on the way are joined."""
    for part in path.split(".") if path else ():
        name, many = part.removesuffix("[]"), part.endswith("[]")
        found = [item.get(name) for item in value] if isinstance(value, list) else value.get(name)
        joined = isinstance(value, list) or many
        value = [inner for item in _listed(found) for inner in _listed(item)] if joined else found
    return value


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


class Answers:
    """Answers every call with a specimen of its whole output; TEXT stands in every text."""

    def __init__(self, text: str = "x") -> None:
        self.text = text

    def __call__(self, call: Call) -> Any:
        answer = specimen(operation(call).output_shape, self.text)
        if call.operation == "GetCredentialReport":
            columns = REPORT_COLUMNS.split(",")
            row = [self.text if name in ("user", "arn") else MOMENT for name in columns]
            answer = {"Content": f"{REPORT_COLUMNS}\n{','.join(row)}\n", "GeneratedTime": MOMENT}
        return values(answer, call.result)

    def rows(self, type: ResourceType) -> list[dict[str, Any]]:
        """Return the rows a type would get, shaped as it says."""
        listed = [row for call in type.lists for row in _listed(self(call))]
        rows = list(run(type.collect(), self)) if type.collect else listed
        for row in rows:
            for name in type.inherit:
                row[name] = self.rows(load_types()[type.parent])[0].get(name, self.text)
        return [dict(type.shape(row)) if type.shape else row for row in rows]

    def document(self, type: ResourceType) -> dict[str, Any]:
        """Return a document of the type with everything in it that it could ever hold."""
        made: dict[str, Any] = {}
        for row in self.rows(type):
            merge(made, row)
        for name, detail in type.details.items():
            answer = self(detail.call if isinstance(detail, Batch) else detail)
            made[name] = values(answer[0], detail.value) if isinstance(detail, Batch) else answer
        for path in type.drop:
            without(made, path)
        if type.metrics:
            series = {"Days": 14, "Period": 86400, "Timestamps": [MOMENT], "Values": [1.0]}
            made["Metrics"] = {metric.key or f"{metric.name}.{metric.statistic}": series for metric in type.metrics}
        return made


def run(collector: Collector, answers: Answers) -> Iterator[dict[str, Any]]:
    """Run a generator to its end and yield its rows; a CallFailed among the answers is raised in it."""
    try:
        asked = next(collector)
        while True:
            sent: Any = None
            if isinstance(asked, Call):
                sent = answers(asked)
                if isinstance(sent, CallFailed):
                    asked = collector.throw(sent)
                    continue
            elif isinstance(asked, Now):
                sent = datetime.fromisoformat(MOMENT)
            elif not isinstance(asked, Wait) and asked and isinstance(asked[0], Call):
                sent = [answers(call) for call in asked if isinstance(call, Call)]
            elif not isinstance(asked, Wait):
                yield from (dict(row) for row in asked if isinstance(row, Mapping))
            asked = collector.send(sent)
    except StopIteration:
        return


def merge(into: dict[str, Any], row: Mapping[str, Any]) -> None:
    """Put ROW's fields INTO a document that gathers all that rows of a type can hold."""
    for name, value in row.items():
        into.setdefault(name, copy.deepcopy(value))


def without(document: Any, path: str) -> None:
    """Take what lies at PATH out of DOCUMENT, in every item of the lists on the way."""
    head, _, rest = path.partition(".")
    name = head.removesuffix("[]")
    if not isinstance(document, dict) or name not in document:
        return
    if not rest:
        del document[name]
        return
    for item in _listed(document[name]):
        without(item, rest)


@cache
def fields(type: str) -> Mapping[str, Any]:
    """Return a document of the type with every field it may hold, each filled in. Raises KeyError for an unknown type."""
    return Answers().document(load_types()[type])


def unknown_fields(type: str, document: Mapping[str, Any]) -> list[str]:
    """Return the paths in DOCUMENT that no answer of AWS, and no collector of ours, could ever have filled."""
    return list(_unknown(fields(type), document, ""))


def _unknown(known: Any, value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        if not isinstance(known, dict):
            if path.rpartition(".")[2].removesuffix("[]") not in POLICIES:
                yield f"{path} is no structure"
            return
        for name, inner in value.items():
            at = f"{path}.{name}" if path else name
            if isinstance(known, AnyKey):
                yield from _unknown(known["*"], inner, at)
            elif name in known:
                yield from _unknown(known[name], inner, at)
            elif not known and path:
                continue  # A structure that holds itself: its specimen ends here.
            else:
                yield at
    elif isinstance(value, (list, tuple)):
        if not isinstance(known, list):
            yield f"{path} is no list"
            return
        for item in value:
            yield from _unknown(known[0] if known else {}, item, f"{path}[]")
    elif value is not None and known != {} and _kind(value) != _kind(known):
        yield f"{path} is {_kind(known)}, not {_kind(value)}"


def _kind(value: Any) -> str:
    """Return what sort of JSON value it is; whole and broken numbers are one sort."""
    for kind, name in ((bool, "a boolean"), ((int, float), "a number"), (str, "a text"), (list, "a list")):
        if isinstance(value, kind):
            return name
    return "a structure"
