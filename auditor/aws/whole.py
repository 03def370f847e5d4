"""Refuses answers that only look as if there were nothing: cut off on their way, empty, or not AWS's at all.

botocore does not compare an answer's length with what its head promised, and takes JSON that cannot be read for an answer
without fields. Both would mean that the account has none of what was asked for.
"""

import json
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
    if not isinstance(body, bytes) or event_name.rpartition(".")[2].startswith("Head"):
        return
    headers = response_dict.get("headers") or {}
    promised = str(headers.get("content-length") or "")
    if promised.isdecimal() and int(promised) != len(body):
        raise IncompleteReadError(actual_bytes=len(body), expected_bytes=int(promised))
    fields = set(parsed_response or ()) - {"ResponseMetadata", "message", "Message"}
    if not fields and not _says_nothing(body, str(headers.get("content-type") or "")):
        raise ResponseParserError("the answer has no field that was asked for, and is none of AWS's")


def _says_nothing(body: bytes, kind: str) -> bool:
    """Whether a body in which no field was found is one with which AWS says that there is none."""
    if "cbor" in kind:
        return bool(body)  # its parser takes nothing for granted
    start = body.lstrip()[:200].lower()
    if start.startswith(b"<"):
        return b"<html" not in start and b"<!doctype" not in start
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False
