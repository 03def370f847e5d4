"""Refuses answers that only look as if there were nothing: cut off on their way, empty, or not AWS's at all.

botocore does not compare an answer's length with what its head promised, and takes JSON that cannot be read for an answer
without fields. Both would mean that the account has none of what was asked for.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import IncompleteReadError
from botocore.parsers import ResponseParserError

__all__ = ["EVENT", "refuse_broken"]

EVENT = "response-received"
"""botocore's event: an answer came and was parsed."""


def refuse_broken(
    event_name: str = "",
    response_dict: Mapping[str, Any] | None = None,
    parsed_response: Mapping[str, Any] | None = None,
    **_: Any,
) -> None:
    """Raise for an answer of success that is not whole: IncompleteReadError, ResponseParserError. For botocore's EVENT."""
    if response_dict is None or response_dict["status_code"] not in (200, 206):
        return
    body = response_dict.get("body")
    operation = event_name.rpartition(".")[2]
    if not isinstance(body, bytes) or operation.startswith("Head"):
        return
    headers = response_dict.get("headers") or {}
    promised = str(headers.get("content-length") or "")
    if promised.isdecimal() and int(promised) != len(body):
        raise IncompleteReadError(actual_bytes=len(body), expected_bytes=int(promised))
    fields = set(parsed_response or ()) - {"ResponseMetadata", "message", "Message"}
    if not fields and not _says_nothing(body, str(headers.get("content-type") or ""), operation):
        raise ResponseParserError("the answer has no field that was asked for, and is none of AWS's")


_ROOT = re.compile(rb"<([A-Za-z][\w.:-]*)")


def _says_nothing(body: bytes, kind: str, operation: str) -> bool:
    """Whether a body in which no field was found is one with which AWS says that there is none of what OPERATION lists."""
    if "cbor" in kind:
        return bool(body)  # its parser takes nothing for granted
    if body.lstrip().startswith(b"<"):
        root = _ROOT.search(body)
        name = root[1].decode("ascii", "replace") if root else ""
        # REST answers are named in many ways; those of the other protocols by their operation, errors by these.
        refused = name.endswith("Response") and operation and name != f"{operation}Response"
        return not refused and name.lower() not in ("", "html", "error", "errorresponse", "response")
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False
