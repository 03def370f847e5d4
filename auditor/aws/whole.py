"""Refuses answers that only look as if there were nothing: cut off on their way, empty, or not AWS's at all.

botocore does not compare an answer's length with what its head promised, and takes JSON that cannot be read for an answer
without fields. Both would mean that the account has none of what was asked for.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError, IncompleteReadError
from botocore.parsers import ResponseParserError

__all__ = ["refuse_broken", "refuse_strange", "watch"]


def watch(session: Any) -> None:
    """Have every client that will be made of a botocore SESSION refuse such answers."""
    session.register("before-parse", refuse_strange)
    session.register("response-received", refuse_broken)


def refuse_strange(operation_model: Any = None, response_dict: Mapping[str, Any] | None = None, **_: Any) -> None:
    """Raise for an answer that is none to what was asked, before it is parsed: ResponseParserError.

    Raises ClientError for status 429 without a word: botocore looks for its code in XML that is not there.
    """
    if response_dict is None or not isinstance(body := response_dict.get("body"), bytes):
        return
    status = response_dict["status_code"]
    if status == 429 and not body.strip():
        error = {"Code": "TooManyRequests", "Message": "the answer says nothing but its status, 429"}
        said: Any = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(said, operation_model.name)
    if not _succeeded(status) or not body:
        return
    names, root = _names(operation_model), _root(body)
    if names is not None and root not in names:
        raise ResponseParserError(f"{root or 'no XML'} is no answer to {operation_model.name}")


def _names(operation: Any) -> frozenset[str] | None:
    """Return how the first element of OPERATION's answers may be called, empty where they are no XML; ``None``: in any way."""
    service, output = operation.service_model, operation.output_shape
    payload = output.serialization.get("payload") if output is not None else None
    if service.resolved_protocol not in ("ec2", "query", "rest-xml"):
        return None if payload else frozenset({""})
    if service.service_name in ("s3", "s3control"):
        return None  # by names that stand nowhere
    if payload:
        shape = output.members[payload]
        return frozenset({shape.name, shape.serialization.get("name", payload)})
    return frozenset({f"{operation.name}Response"})


def refuse_broken(
    event_name: str = "",
    response_dict: Mapping[str, Any] | None = None,
    parsed_response: Mapping[str, Any] | None = None,
    **_: Any,
) -> None:
    """Raise for an answer of success that is not whole, once it is parsed: IncompleteReadError, ResponseParserError."""
    if response_dict is None or not _succeeded(response_dict["status_code"]):
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


_ROOT = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:[^A-Za-z][^>]*>\s*<)*([A-Za-z][\w.:-]*)")
_EMPTY_MAPS = (b"\xa0", b"\xbf\xff")
"""As CBOR writes them."""


def _succeeded(status: int) -> bool:
    """Whether botocore parses an answer with this HTTP status as one of success."""
    return status <= 300


def _root(body: bytes) -> str:
    """Return the name of the first element of XML, without its prefix; empty where it is none."""
    root = _ROOT.match(body)
    return root[1].decode("ascii", "replace").rpartition(":")[2] if root else ""


def _says_nothing(body: bytes, kind: str) -> bool:
    """Whether a body in which no field was found is one with which AWS says that there is none of what was asked for."""
    if "cbor" in kind:
        return body in _EMPTY_MAPS
    if body.lstrip().startswith(b"<"):
        # Those of most services have been compared with what was asked; errors and others' pages are called so.
        return _root(body).lower() not in ("", "html", "error", "errorresponse", "response")
    try:
        said = json.loads(body)
    except ValueError:
        return False
    return isinstance(said, dict) and all(value is None for value in said.values())
