"""Parsers of answers compiled from the service model, to be mixed into botocore's own, of which they override private parts.

botocore looks up, for every member of every row of every answer, how that member is parsed. Here that is decided once
for each shape; everything else (headers, metadata, errors, event streams, odd shapes) stays with botocore's parser.
"""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any
from xml.parsers import expat

from botocore import parsers
from botocore.parsers import ResponseParserError
from botocore.utils import ensure_boolean, is_json_value_header

__all__ = ["Compiled", "CompiledJson", "CompiledXml"]

Parse = Callable[[Any], Any]
_MOST_UNKNOWN_TAGS = 1000
_one_at_a_time = threading.RLock()
# What to do with an element: nothing, take its text, parse its text, parse the element, parse it together with its likes.
_SKIP, _TEXT, _SCALAR, _NODE, _FLAT = range(5)


class Compiled:
    """Mixed into a stock parser: structures are parsed by a function that is made when their shape is first met."""

    strict = False
    """Whether an error is raised at once, and not left to the stock parser to find again."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._made: dict[Any, Parse] = {}

    def parse(self, response: Any, shape: Any) -> Any:
        """Parse an answer as botocore does, one at a time."""
        # Parsing never waits for anything, so two at once are no faster, and a page as a tree of elements is ten times its size.
        with _one_at_a_time:
            return super().parse(response, shape)  # type: ignore[misc]

    def _parse_shape(self, shape: Any, node: Any) -> Any:
        if shape.type_name != "structure":
            return super()._parse_shape(shape, node)  # type: ignore[misc]  # the stock parser has it
        made = self._made.get(shape)
        if made is None:
            made = self._made[shape] = self._structure(shape)
        try:
            return made(node)
        except Exception:
            if self.strict:
                raise
            # The same error again, unless the fault was ours.
            return self._handle_structure(shape, node)

    def _handle_structure(self, shape: Any, node: Any) -> Any:
        return super()._handle_structure(shape, node)  # type: ignore[misc]  # the stock parser has it

    def _structure(self, shape: Any) -> Parse:
        raise NotImplementedError

    def _stock(self, shape: Any) -> Parse:
        handler: Any = getattr(self, f"_handle_{shape.type_name}", None)
        return partial(handler or self._default_handle, shape)  # type: ignore[attr-defined]

    def _is_odd_text(self, shape: Any) -> bool:
        return isinstance(self, parsers.BaseRestParser) and is_json_value_header(shape)


class CompiledXml(Compiled):
    """query, ec2 and rest-xml."""

    _timestamp_parser: Parse
    _blob_parser: Parse
    KNOWN_LOCATIONS: tuple[str, ...]

    def _parse_xml_string_to_dom(self, xml_string: bytes) -> Any:
        # AWS declares no entities; who does so wants them to grow, or to name a file. What holds NULs is UTF-16, if XML.
        if b"<!ENTITY" in xml_string or b"\0" in xml_string:
            _refuse_entities(xml_string)
        return super()._parse_xml_string_to_dom(xml_string)  # type: ignore[misc]

    def _structure(self, shape: Any) -> Parse:
        stock: Parse = partial(self._handle_structure, shape)
        members = self._members(shape)
        if members is None:
            return stock
        known: dict[str, tuple[str, int, Any]] = {}

        def learn(tag: str) -> tuple[str, int, Any]:
            member, inner = members.get(tag.rpartition("}")[2], ("", None))
            entry = (member, *self._value(inner)) if member else ("", _SKIP, None)
            if member or len(known) < _MOST_UNKNOWN_TAGS:
                known[tag] = entry
            return entry

        def parse(node: Any) -> Any:
            if node.__class__ is list:
                return stock(node)
            parsed: dict[str, Any] = {}
            flat: dict[str, tuple[Parse, list[Any]]] = {}
            for child in node:
                tag = child.tag
                try:
                    member, kind, made = known[tag]
                except KeyError:
                    member, kind, made = learn(tag)
                if kind == _FLAT:
                    if member in flat:
                        flat[member][1].append(child)
                    else:
                        flat[member] = (made, [child])
                elif kind != _SKIP:
                    if member in parsed:  # repeated, though it is no flattened list: as botocore has it
                        return stock(node)
                    if kind == _TEXT:
                        parsed[member] = child.text or ""
                    else:
                        parsed[member] = made(child.text or "") if kind == _SCALAR else made(child)
            for member, (made, nodes) in flat.items():
                parsed[member] = made(nodes)
            return parsed

        return parse

    def _members(self, shape: Any) -> dict[str, tuple[str, Any]] | None:
        """Return member and shape by the element's name; ``None``: this shape is left to botocore."""
        if shape.metadata.get("exception") or shape.is_tagged_union:
            return None
        found: dict[str, tuple[str, Any]] = {}
        for member, inner in shape.members.items():
            if inner.serialization.get("location") in self.KNOWN_LOCATIONS or inner.serialization.get("eventheader"):
                continue
            name = self._member_key_name(inner, member)  # type: ignore[attr-defined]
            if name in found or inner.serialization.get("xmlAttribute"):
                return None
            found[name] = (member, inner)
        return found

    def _value(self, shape: Any) -> tuple[int, Any]:
        """Return how an element of this shape is parsed."""
        kind = shape.type_name
        if kind in ("string", "character") and not self._is_odd_text(shape):
            return _TEXT, None
        scalar = {
            "integer": int,
            "long": int,
            "float": float,
            "double": float,
            "boolean": "true".__eq__,
            "timestamp": self._timestamp_parser,
            "blob": self._blob_parser,
        }.get(kind)
        if scalar is not None:
            return _SCALAR, scalar
        flat = kind in ("list", "map") and _is_flat(shape)
        if kind == "structure":
            return _NODE, self._structure(shape)
        if kind == "list" and not shape.serialization.get("location"):
            return (_FLAT if flat else _NODE), self._items(shape)
        return (_FLAT if flat else _NODE), self._stock(shape)

    def _items(self, shape: Any) -> Parse:
        kind, made = self._value(shape.member)

        def parse(nodes: Any) -> Any:
            if not len(nodes):
                return self._handle_list(shape, nodes)
            if kind == _TEXT:
                return [node.text or "" for node in nodes]
            if kind == _SCALAR:
                return [made(node.text or "") for node in nodes]
            if kind == _NODE:
                return [made(node) for node in nodes]
            return [made([node]) for node in nodes]

        return parse

    def _handle_list(self, shape: Any, node: Any) -> Any:
        if not isinstance(node, (list, str)) and not len(node) and (node.text or "").strip() and not _is_flat(shape):
            raise ResponseParserError(f"{shape.name} is no list")  # and would pass for an empty one
        return super()._handle_list(shape, node)  # type: ignore[misc]  # the stock parser has it


class CompiledJson(Compiled):
    """json and rest-json."""

    _timestamp_parser: Parse
    _blob_parser: Parse

    def _structure(self, shape: Any) -> Parse:
        if shape.is_document_type or shape.is_tagged_union:
            return partial(self._handle_structure, shape)
        plan: list[tuple[str, str, Parse | None]] | None = None

        def parse(value: Any) -> Any:
            nonlocal plan
            if value is None:
                return None
            if plan is None:  # only now: a shape may hold itself
                plan = [
                    (inner.serialization.get("name", member), member, self._value(inner))
                    for member, inner in shape.members.items()
                ]
            parsed = {}
            for name, member, made in plan:
                raw = value.get(name)
                if raw is not None:
                    parsed[member] = raw if made is None else made(raw)
            return parsed

        return parse

    def _value(self, shape: Any) -> Parse | None:
        """Return how a JSON value of this shape is parsed; ``None``: it stays what it is."""
        kind = shape.type_name
        if kind == "structure":
            return self._structure(shape)
        if kind == "list" and not shape.serialization.get("location"):
            return self._items(shape)
        if kind == "map" and self._value(shape.key) is None:
            return self._pairs(shape)
        if kind == "timestamp":
            return self._timestamp_parser
        if kind == "blob":
            return self._blob_parser
        if kind == "string" and not self._is_odd_text(shape):
            return None
        if not hasattr(self, f"_handle_{kind}"):
            return None
        plain: dict[str, Parse] = {
            "integer": int,
            "long": int,
            "float": float,
            "double": float,
            "boolean": ensure_boolean,
        }
        return plain.get(kind) or self._stock(shape)

    def _items(self, shape: Any) -> Parse:
        made = self._value(shape.member)

        def parse(value: Any) -> Any:
            if value.__class__ is not list:
                return self._handle_list(shape, value)
            return list(value) if made is None else [None if item is None else made(item) for item in value]

        return parse

    def _handle_list(self, shape: Any, node: Any) -> Any:
        # An empty map or text would pass for an empty list. In a header, a list is a text.
        if isinstance(node, (dict, str)) and shape.serialization.get("location") != "header":
            raise ResponseParserError(f"{shape.name} is no list")
        return super()._handle_list(shape, node)  # type: ignore[misc]  # the stock parser has it

    def _pairs(self, shape: Any) -> Parse:
        made = self._value(shape.value)
        if made is None:
            return lambda value: dict(value.items())
        return lambda value: {key: made(item) for key, item in value.items()}


def _is_flat(shape: Any) -> bool:
    """Whether a list's or map's elements stand beside those of other members."""
    return bool(shape.serialization.get("flattened"))


def _refuse_entities(xml: bytes) -> None:
    """Raise ResponseParserError when XML declares an entity."""

    def refuse(*_: Any) -> None:
        raise ResponseParserError("Unable to parse response: it declares entities")

    reader = expat.ParserCreate("utf-8")
    reader.EntityDeclHandler = refuse
    try:
        reader.Parse(xml, True)
    except expat.ExpatError:
        return  # the parser will say so itself
