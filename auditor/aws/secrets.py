"""Blanks what an answer may hold of secrets before anybody sees it: neither store nor tape nor log can then have one.

Which members those are botocore's models say (``sensitive``), and, where they do not, their names. The declarations of the
resource types drop the same members (``drop``); this is the second wall behind that one.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from auditor.aws.operations import Operations

__all__ = ["HIDDEN", "Secrets", "may_be_secret"]

HIDDEN = "(hidden)"
"""What stands in the place of a secret."""

_DEEPEST = 16
_NAMED = re.compile(
    r"(?i)^(userdata|environment|environmentvariables|.*password|(client|webhook)?secret|secret(access)?key|secretstring"
    r"|secretbinary|secretvalue|sessiontoken|authtoken|accesstoken|refreshtoken|authorizationtoken|.*privatekey"
    r"|authparameters|customheaders|headervalue|httpparameters|initquery)$"
)
_OF_SERVICE = {
    # The address of a subscriber often is a key to somewhere: a web hook's URL with its token.
    "sns": frozenset({"Endpoint"}),
    # What is sent to a target can be anything, and so can what a rehearsal's document is given.
    "events": frozenset({"Input", "InputTransformer"}),
    "fis": frozenset({"parameters"}),
    # A header that only the CDN knows keeps everybody else from a load balancer; a web ACL adds, or asks for, one.
    "elbv2": frozenset({"HttpHeaderConfig", "QueryStringConfig", "RegexValues", "AuthenticationRequestExtraParams"}),
    "wafv2": frozenset(
        {
            "InsertHeaders",
            "PostProcessFirewallManagerRuleGroups",
            "PreProcessFirewallManagerRuleGroups",
            "ResponseHeaders",
            "Rules",
        }
    ),
    # A build's commands, and the address of its sources with a token in it; where a log driver sends to, and by which token.
    "codebuild": frozenset({"source", "secondarySources"}),
    "ecs": frozenset({"options"}),
}
# Marked as sensitive, though these are the tags and names that people find their things by.
_NO_SECRETS = frozenset({("drs", "tags"), ("organizations", "Name")})
_RECORDED_CALL = "CloudTrailEvent"
_NOT_OF_A_RECORDED_CALL = ("userIdentity", "responseElements", "sourceIPAddress", "tlsDetails")

_Blank = Callable[[Any], Any]


def may_be_secret(service: str, name: str, shape: Shape) -> bool:
    """Whether the member NAME of an answer of SERVICE may hold a secret."""
    if (service, name) in _NO_SECRETS or shape.type_name == "boolean":
        return False
    return bool(shape.metadata.get("sensitive") or _NAMED.match(name) or name in _OF_SERVICE.get(service, ()))


class Secrets:
    """Knows which members of which answers may hold secrets. Any thread may use it."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._blanks: dict[tuple[str, str], _Blank | None] = {}

    def hidden(self, service: str, operation: str, parsed: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return PARSED with every secret blanked; the very same where its operation can hold none (nearly all)."""
        key = (service, operation)
        if key not in self._blanks:
            self._blanks[key] = _blank(service, self._operations.model(service, operation).output_shape, ())
        blank = self._blanks[key]
        return parsed if blank is None else blank(parsed)


def _blank(service: str, shape: Shape | None, above: tuple[str, ...]) -> _Blank | None:
    """Return what blanks a value of SHAPE; ``None``: there is nothing in it to blank."""
    if shape is None or shape.name in above or len(above) > _DEEPEST:
        # A shape that holds itself is looked at once: no such shape of AWS holds a secret, by test.
        return None
    here = (*above, shape.name)
    if isinstance(shape, StructureShape):
        return _blank_members(service, shape, here)
    inner = shape.member if isinstance(shape, ListShape) else shape.value if isinstance(shape, MapShape) else None
    if inner is None:
        return None
    each = _hide if inner.metadata.get("sensitive") else _blank(service, inner, here)
    if each is None:
        return None
    if isinstance(shape, ListShape):
        return lambda value: [each(item) for item in value] if isinstance(value, list) else value
    return lambda value: {key: each(item) for key, item in value.items()} if isinstance(value, dict) else value


def _blank_members(service: str, shape: StructureShape, here: tuple[str, ...]) -> _Blank | None:
    members: dict[str, _Blank] = {}
    for name, member in shape.members.items():
        found = _hide if may_be_secret(service, name, member) else _blank(service, member, here)
        if name == _RECORDED_CALL:
            found = _without_identity
        if found is not None:
            members[name] = found
    if not members:
        return None

    def blank(value: Any) -> Any:
        if not isinstance(value, dict) or not (members.keys() & value.keys()):
            return value
        return {name: members[name](item) if name in members else item for name, item in value.items()}

    return blank


def _hide(value: Any) -> Any:
    """Return VALUE's form without its contents: names of a map's keys stay, no value does."""
    if isinstance(value, dict):
        return {key: _hide(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hide(item) for item in value]
    return HIDDEN if isinstance(value, str | bytes | int | float) and not isinstance(value, bool) else value


def _without_identity(text: Any) -> Any:
    """Return a call that CloudTrail recorded (JSON) without who made it, from where, and what came back."""
    try:
        record = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return HIDDEN
    if not isinstance(record, dict):
        return HIDDEN
    kept = {name: value for name, value in record.items() if name not in _NOT_OF_A_RECORDED_CALL}
    return json.dumps(_named_hidden(kept))


def _named_hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _hide(item) if _NAMED.match(key) else _named_hidden(item) for key, item in value.items()}
    return [_named_hidden(item) for item in value] if isinstance(value, list) else value
