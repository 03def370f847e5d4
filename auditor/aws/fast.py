"""The compiled parsers in a botocore session's place for parsers, if this botocore is one they go with.

Before they are used, what they make of a few specimens is compared with what the stock parsers do; where that differs,
or a part of botocore is missing, answers are parsed by stock botocore, and a line in the log says so.
"""

import json
import logging
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from botocore import parsers
from botocore.model import ServiceModel
from botocore.parsers import ResponseParserFactory

from auditor.aws.compiled import CompiledJson, CompiledXml

__all__ = ["parser_factory"]

logger = logging.getLogger(__name__)


def parser_factory(timestamp_parser: Callable[[Any], Any], blob_parser: Callable[[Any], Any]) -> ResponseParserFactory:
    """Return what a botocore session takes as its component ``response_parser_factory``: ours, or botocore's own.

    TIMESTAMP_PARSER and BLOB_PARSER are botocore's parser defaults of the same names.
    """
    factory = _Factory() if _fault() is None else ResponseParserFactory()
    factory.set_parser_defaults(timestamp_parser=timestamp_parser, blob_parser=blob_parser)
    return factory


class _Factory(ResponseParserFactory):
    """Hands out one parser for each protocol; it keeps what it has compiled."""

    def __init__(self) -> None:
        super().__init__()
        self._defaults: dict[str, Any]
        self._parsers: dict[str, Any] = {}

    def set_parser_defaults(self, **kwargs: Any) -> None:
        super().set_parser_defaults(**kwargs)
        self._parsers.clear()

    def create_parser(self, protocol_name: str) -> Any:
        parser = self._parsers.get(protocol_name)
        if parser is None:
            kind = _classes().get(protocol_name)
            parser = super().create_parser(protocol_name) if kind is None else kind(**self._defaults)
            self._parsers[protocol_name] = parser
        return parser


def _stock_classes() -> dict[str, Any]:
    return dict(parsers.PROTOCOL_PARSERS)  # classes, whatever the stubs say


@cache
def _classes() -> dict[str, Any]:
    """Return our parser of each protocol that we have one for."""
    found = {}
    for protocol, stock in _stock_classes().items():
        for base, ours in ((parsers.BaseXMLResponseParser, CompiledXml), (parsers.BaseJSONParser, CompiledJson)):
            if issubclass(stock, base):
                found[protocol] = type(f"Fast{stock.__name__}", (ours, stock), {})
    return found


@cache
def _fault() -> str | None:
    """Return why our parsers must not be used with this botocore, and log it; ``None``: they may."""
    try:
        fault = _difference()
    except Exception as error:  # noqa: BLE001  (whatever it is that botocore no longer has)
        fault = f"{type(error).__name__}: {error}"
    if fault is not None:
        logger.warning("answers are parsed by stock botocore, which is slower: %s", fault)
    return fault


def _difference() -> str | None:
    classes = _classes()
    for name in ("ec2", "query", "json", "rest-json", "rest-xml"):
        if name not in classes:
            return f"there is no parser of the protocol {name}"
    for protocol, response, shape in _specimens():
        stock, ours = _stock_classes()[protocol](), classes[protocol]()
        ours.strict = True
        if ours.parse(response, shape) != stock.parse(response, shape):
            return f"the compiled parser of {protocol} differs from botocore's"
        if shape not in ours._made and response["status_code"] < 300:  # noqa: SLF001  (our own)
            return f"botocore's parser of {protocol} does not ask how shapes are parsed"
    return None


# ---- an imaginary service ----------------------------------------------------------------------------------------------

_SHAPES: dict[str, Any] = {
    "Answer": {
        "type": "structure",
        "members": {
            "Rows": {"shape": "Rows", "locationName": "rowSet"},
            "Flat": {"shape": "Flat"},
            "Map": {"shape": "Map"},
            "Token": {"shape": "Text", "locationName": "token"},
            "Header": {"shape": "Text", "location": "header", "locationName": "x-header"},
        },
    },
    "Rows": {"type": "list", "member": {"shape": "Row", "locationName": "item"}},
    "Flat": {"type": "list", "member": {"shape": "Number", "locationName": "FlatNumber"}, "flattened": True},
    "Map": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Row"}},
    "Row": {
        "type": "structure",
        "members": {
            "Name": {"shape": "Text", "locationName": "name"},
            "Number": {"shape": "Number"},
            "Share": {"shape": "Share"},
            "Yes": {"shape": "Flag"},
            "At": {"shape": "Moment"},
            "Bytes": {"shape": "Bytes"},
            "Rows": {"shape": "Rows", "locationName": "rowSet"},
        },
    },
    "Text": {"type": "string"},
    "Number": {"type": "integer"},
    "Share": {"type": "double"},
    "Flag": {"type": "boolean"},
    "Moment": {"type": "timestamp"},
    "Bytes": {"type": "blob"},
}
_ROW = (
    "<name> &lt;a&gt; </name><Number>7</Number><Share>0.5</Share><Yes>true</Yes><At>2026-06-15T03:00:00Z</At>"
    "<Bytes>aGk=</Bytes><Unknown><x/></Unknown>"
)
_XML = (
    f"<rowSet><item>{_ROW}<rowSet><item><name/></item></rowSet></item><item/></rowSet><FlatNumber>1</FlatNumber>"
    f"<FlatNumber>2</FlatNumber><Map><entry><key>k</key><value>{_ROW}</value></entry></Map><token>t</token>"
)
_JSON_ROW = {
    "name": " <a> ",
    "Number": 7,
    "Share": 0.5,
    "Yes": True,
    "At": 1781492400.5,
    "Bytes": "aGk=",
    "Unknown": {"x": 1},
}
_JSON = {
    "rowSet": [{**_JSON_ROW, "rowSet": [{"name": None}]}, {}],
    "Flat": [1, 2],
    "Map": {"k": _JSON_ROW},
    "token": "t",
}
_BODIES = {
    "ec2": f'<R xmlns="http://x/">{_XML}<requestId>r</requestId></R>',
    "query": f'<R xmlns="http://x/">{_XML}<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></R>',
    "rest-xml": f"<R>{_XML}</R>",
    "json": json.dumps(_JSON),
    "rest-json": json.dumps(_JSON),
}
_ERRORS = {
    "ec2": "<Response><Errors><Error><Code>C</Code><Message>m</Message></Error></Errors><RequestID>r</RequestID></Response>",
    "query": "<ErrorResponse><Error><Code>C</Code><Message>m</Message></Error><RequestId>r</RequestId></ErrorResponse>",
    "rest-xml": "<ErrorResponse><Error><Code>C</Code><Message>m</Message></Error></ErrorResponse>",
    "json": '{"__type": "x#C", "message": "m"}',
    "rest-json": '{"code": "C", "message": "m"}',
}


def _specimens() -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Yield protocol, answer (as botocore hands it to a parser) and output shape: a good and a bad answer for each protocol."""
    for protocol, body in _BODIES.items():
        model = ServiceModel(
            {
                "metadata": {"protocol": protocol, "endpointPrefix": "specimens", "serviceId": "Specimens"},
                "operations": {"List": {"name": "List", "http": {}, "output": {"shape": "Answer"}}},
                "shapes": _SHAPES,
            }
        )
        shape = model.operation_model("List").output_shape
        headers = {"x-amzn-requestid": "r", "x-header": "h"}
        yield protocol, {"status_code": 200, "headers": headers, "body": body.encode(), "context": {}}, shape
        error = _ERRORS[protocol].encode()
        yield protocol, {"status_code": 400, "headers": headers, "body": error, "context": {}}, shape
