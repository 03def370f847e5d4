"""Bodies of answers in AWS's protocols, made up by chance from the shapes of botocore's models."""

import json
from dataclasses import dataclass
from random import Random
from typing import Any
from xml.sax.saxutils import escape

from botocore.model import OperationModel, Shape

TEXTS = ("a", "", " a\n ", "\t", "é☃𝄞", "<a href='x'>&amp;\"", "x" * 300, "2026-06-15", "true", "None")
MOMENTS = ("2026-06-15T03:00:00Z", "2026-06-15T03:00:00.123Z", "2026-06-15T05:00:00+02:00")
SECONDS = (1781492400, 1781492400.123, 0, "2026-06-15T03:00:00Z", 1.7814924e9)
BLOBS = ("", "aGk=", "//4=", "w6k=")
_DEEPEST = 6


@dataclass(frozen=True)
class Manner:
    """How complete and how odd a body is; each a probability, but ``rows``."""

    present: float = 1.0
    rows: tuple[int, int] = (0, 3)
    unknown: float = 0.0
    repeated: float = 0.0
    odd: float = 0.0
    """Scalars that are none of their type, nulls."""


FULL = Manner(rows=(1, 3))
MANNERS = {
    "full": FULL,
    "minimal": Manner(present=0.15, rows=(0, 1)),
    "empty": Manner(present=0.0),
    "hollow": Manner(rows=(0, 0)),
    "with unknown members": Manner(present=0.8, unknown=0.3),
    "with repeated members": Manner(present=0.7, repeated=0.05),
    "odd": Manner(present=0.7, odd=0.01, unknown=0.05),
}


def answer(operation: OperationModel, manner: Manner, chance: Random) -> dict[str, Any]:
    """Return an answer to OPERATION as botocore hands it to a parser."""
    shape = operation.output_shape
    body = _body(operation, shape, manner, chance) if shape else b""
    return {
        "status_code": 200,
        "headers": _headers(shape, chance) if shape else {},
        "body": body,
        "context": {"operation_name": operation.name},
    }


def _body(operation: OperationModel, shape: Shape, manner: Manner, chance: Random) -> bytes:
    service = operation.service_model
    protocol, inner = service.resolved_protocol, shape
    if "payload" in shape.serialization:
        inner = shape.members[shape.serialization["payload"]]  # type: ignore[attr-defined]
        if inner.type_name in ("string", "blob"):
            return chance.choice(TEXTS).encode()
    if "json" in protocol:
        return json.dumps(_json(inner, manner, chance, 0), ensure_ascii=chance.random() < 0.5).encode()
    content = _members(inner, manner, chance, 0)
    tag = f"{operation.name}Response"
    if protocol == "ec2":
        content += "<requestId>r-1</requestId>"
    elif protocol == "query":
        wrapper = shape.serialization.get("resultWrapper")
        content = f"<{wrapper}>{content}</{wrapper}>" if wrapper else content
        content += "<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>"
    elif inner.serialization.get("name"):
        tag = inner.serialization["name"]
    namespace = chance.choice(("", ' xmlns="http://example.com/doc/2012-01-01/"'))
    head = chance.choice(("", '<?xml version="1.0" encoding="UTF-8"?>\n'))
    return f"{head}<{tag}{namespace}>{content}</{tag}>".encode()


def _headers(shape: Any, chance: Random) -> dict[str, str]:
    headers = {"x-amzn-requestid": "r-1", "Date": "Mon, 15 Jun 2026 03:00:00 GMT", "X-Other": "1"}
    for member, inner in shape.members.items():
        place, name = inner.serialization.get("location"), inner.serialization.get("name", member)
        if place == "header" and chance.random() < 0.7:
            headers[name] = _scalar(inner, Manner(), chance)
        elif place == "headers":
            headers[f"{name}one"] = "1"
    return headers


# ---- XML --------------------------------------------------------------------------------------------------------------


def _members(shape: Any, manner: Manner, chance: Random, depth: int) -> str:
    parts: list[str] = []
    for member, inner in shape.members.items() if depth < _DEEPEST else ():
        if chance.random() >= manner.present or inner.serialization.get("location"):
            continue
        if shape.is_tagged_union and parts and manner.odd == 0:
            break
        flat = inner.type_name in ("list", "map") and inner.serialization.get("flattened")
        tag = inner.serialization.get("name", member)
        if flat and inner.type_name == "list":
            tag = inner.member.serialization.get("name", tag)
        times = chance.randint(*manner.rows) if flat else 1 + (chance.random() < manner.repeated)
        for _ in range(times):
            of = inner.member if flat and inner.type_name == "list" else inner
            content = _pair(of, manner, chance, depth) if flat and of is inner else _xml(of, manner, chance, depth + 1)
            parts.append(_element(tag, content, chance))
        if chance.random() < manner.unknown:
            parts.append(f"<NotInTheModel>{chance.choice(('', 'x', '<y>1</y>'))}</NotInTheModel>")
    if chance.random() < 0.3:
        chance.shuffle(parts)
    return chance.choice(("", "\n  ")).join(parts)


def _element(tag: str, content: str, chance: Random) -> str:
    tag = tag.rpartition(":")[2]
    typed = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="T"' if chance.random() < 0.05 else ""
    return f"<{tag}{typed}/>" if not content and chance.random() < 0.5 else f"<{tag}{typed}>{content}</{tag}>"


def _pair(shape: Any, manner: Manner, chance: Random, depth: int) -> str:
    key, value = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
    content = _xml(shape.value, manner, chance, depth + 1)
    return f"<{key}>{escape(chance.choice(TEXTS))}</{key}><{value}>{content}</{value}>"


def _xml(shape: Any, manner: Manner, chance: Random, depth: int) -> str:
    if shape.type_name == "structure":
        return _members(shape, manner, chance, depth)
    if depth >= _DEEPEST + 3:
        return ""
    rows = range(chance.randint(*manner.rows))
    if shape.type_name == "list":
        tag = shape.member.serialization.get("name", "member")
        return "".join(_element(tag, _xml(shape.member, manner, chance, depth + 1), chance) for _ in rows)
    if shape.type_name == "map":
        return "".join(f"<entry>{_pair(shape, manner, chance, depth)}</entry>" for _ in rows)
    text = _scalar(shape, manner, chance)
    way = chance.random()
    if way < 0.1:
        return f"<![CDATA[{text}]]>"
    if way < 0.15:
        return f"{escape(text)}<!-- {chance.randint(0, 9)} -->{' ' if shape.type_name == 'string' else ''}"
    return "".join(f"&#{ord(c)};" for c in text) if way < 0.2 else escape(text)


def _scalar(shape: Shape, manner: Manner, chance: Random) -> str:
    if chance.random() < manner.odd:
        return chance.choice(("", "x", "7.5", " "))
    known = {
        "boolean": ("true", "false"),
        "integer": ("7", "-1", " 7 ", "0"),
        "long": ("9007199254740993", "0"),
        "float": ("0.5", "1e3", "NaN", "7"),
        "double": ("0.1", "-0", "7"),
        "timestamp": MOMENTS,
        "blob": BLOBS,
    }
    if shape.type_name == "string" and shape.serialization.get("jsonvalue"):
        return "eyJhIjoxfQ=="
    return chance.choice(known.get(shape.type_name, TEXTS))


# ---- JSON -------------------------------------------------------------------------------------------------------------


def _json(shape: Any, manner: Manner, chance: Random, depth: int) -> Any:
    if chance.random() < manner.odd and depth:
        return chance.choice((None, None, "x", 7, [], {}))
    if shape.type_name == "structure":
        return _object(shape, manner, chance, depth)
    rows = range(chance.randint(*manner.rows) if depth < _DEEPEST + 3 else 0)
    if shape.type_name == "list":
        return [
            None if manner.odd and chance.random() < 0.05 else _json(shape.member, manner, chance, depth + 1)
            for _ in rows
        ]
    if shape.type_name == "map":
        return {f"{chance.choice(TEXTS)}{row}": _json(shape.value, manner, chance, depth + 1) for row in rows}
    if shape.serialization.get("jsonvalue"):
        return "eyJhIjoxfQ=="
    known: dict[str, tuple[Any, ...]] = {
        "boolean": (True, False),
        "integer": (7, -1, 0),
        "long": (9007199254740993, 2**70),
        "float": (0.5, 1000.0, 7),
        "double": (0.1, -0.0, 7),
        "timestamp": SECONDS,
        "blob": BLOBS,
    }
    return chance.choice(known.get(shape.type_name, TEXTS))


def _object(shape: Any, manner: Manner, chance: Random, depth: int) -> dict[str, Any]:
    if getattr(shape, "is_document_type", False):
        return {"any": [1, {"thing": None}]}
    found: dict[str, Any] = {}
    for member, inner in shape.members.items() if depth < _DEEPEST else ():
        if chance.random() < manner.present and not (shape.is_tagged_union and found and not manner.odd):
            found[inner.serialization.get("name", member)] = _json(inner, manner, chance, depth + 1)
        if chance.random() < manner.unknown:
            found[f"NotInTheModel{len(found)}"] = chance.choice((None, 1, {"y": [1]}))
    return found
