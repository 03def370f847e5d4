"""A server on this machine that answers AWS's clients as badly as a test wants, or passes on what a good one answers."""

import http.client
import itertools
import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

Answer = Callable[["Request"], None]


@dataclass(frozen=True)
class Received:
    """What a request was."""

    form: str
    headers: dict[str, str]

    @property
    def key(self) -> str:
        """The id of the access key that signed it."""
        return self.headers["Authorization"].split("Credential=")[1].split("/")[0]

    @property
    def region(self) -> str:
        """The region it was signed for."""
        return self.headers["Authorization"].split("/")[2]


class Request(BaseHTTPRequestHandler):
    """One request, and the ways of answering it."""

    protocol_version = "HTTP/1.1"
    server: Any
    late = False
    """Whether it comes after what a test called the end."""

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.form = self.body.decode("utf-8", "replace")
        self.server.requests.append(Received(self.form, dict(self.headers)))
        self.server.answer(self)

    do_GET = do_POST

    # ---- what is asked -----------------------------------------------------------------------------------------------

    @property
    def region(self) -> str:
        """The region it was signed for."""
        return str(self.headers["Authorization"]).split("/")[2]

    @property
    def service(self) -> str:
        """The signing name of the service."""
        return str(self.headers["Authorization"]).split("/")[3]

    @property
    def operation(self) -> str:
        """The operation; where the protocol has none, method and path."""
        target = str(self.headers.get("X-Amz-Target") or "").rpartition(".")[2]
        named = re.search(r"/operation/(\w+)$", self.path)
        action = parse_qs(self.form).get("Action", [""])[0] if "form-urlencoded" in self._sent_as else ""
        return target or (named[1] if named else "") or action or f"{self.command} {urlsplit(self.path).path}"

    @property
    def _sent_as(self) -> str:
        return str(self.headers.get("Content-Type") or "")

    # ---- answers -----------------------------------------------------------------------------------------------------

    def reply(self, status: int, body: str | bytes, **headers: str) -> None:
        """Answer properly."""
        content = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in ({"Content-Length": str(len(content))} | said).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Say the time by this server's clock."""
        return format_datetime(datetime.now(UTC) + self.server.ahead, usegmt=True)

    def error(self, status: int, code: str, message: str = "") -> None:
        """Answer with an error in the way of the request's protocol."""
        if "cbor" in self._sent_as:
            self.reply(status, _cbor(code, message), Content_Type="application/cbor", smithy_protocol="rpc-v2-cbor")
        elif "form-urlencoded" in self._sent_as or self.service in ("cloudfront", "route53", "s3"):
            said = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
            ec2 = f"<Response><Errors>{said}</Errors></Response>"
            self.reply(status, ec2 if self.service == "ec2" else f"<ErrorResponse>{said}</ErrorResponse>")
        else:
            said = json.dumps({"__type": code, "message": message})
            self.reply(status, said, Content_Type="application/x-amz-json-1.1", x_amzn_errortype=code)

    def nothing(self) -> None:
        """Answer that there is none of what was asked for."""
        if "form-urlencoded" in self._sent_as:
            name = self.operation
            inner = "" if self.service == "ec2" else f"<{name}Result/>"
            self.reply(200, f"<{name}Response>{inner}</{name}Response>")
        elif "cbor" in self._sent_as:
            self.reply(200, b"\xa0", Content_Type="application/cbor", smithy_protocol="rpc-v2-cbor")
        elif self.service in ("cloudfront", "route53", "s3"):
            self.reply(200, "<Nothing/>")
        else:
            self.reply(200, "{}", Content_Type="application/x-amz-json-1.1")

    def truncate(self) -> None:
        """Promise more than comes."""
        self.reply(200, "<DescribeVpcsResponse><vpcSet>", Content_Length="5000")
        self.close_connection = True

    def garbage(self) -> None:
        """Answer with what no parser understands."""
        self.reply(200, b"\x00\xff<<<{{garbage", Content_Type="application/octet-stream")

    def drip(self) -> None:
        """Answer with a body that never ends: a byte now and then, for as long as anybody reads and the server runs."""
        self.send_response(200)
        self.send_header("Content-Length", "100000000")
        self.end_headers()
        with suppress(OSError):
            while not self.server.over.wait(0.02):
                self.wfile.write(b" ")
        self.close_connection = True

    def drip_head(self) -> None:
        """Answer with a head that never ends: a byte now and then, of one header after another."""
        with suppress(OSError):
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for letter in itertools.cycle(b"X-Wait: a\r\n"):
                if self.server.over.wait(0.02):
                    break
                self.wfile.write(bytes([letter]))
        self.close_connection = True

    def portal(self) -> None:
        """Answer as a proxy does that wants to be signed in to first."""
        self.reply(200, "<!DOCTYPE html><html><body><p>Sign in</p></body></html>", Content_Type="text/html")

    def reset(self) -> None:
        """Cut the connection as a broken router does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def finish(self) -> None:
        with suppress(OSError, ValueError):  # it was cut
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _cbor(code: str, message: str) -> bytes:
    """Return an error of Smithy's CBOR protocol: a map of two texts."""

    def text(value: str) -> bytes:
        raw = value.encode()
        return b"\x79" + len(raw).to_bytes(2, "big") + raw

    return b"\xa2" + text("__type") + text(code) + text("message") + text(message)


@dataclass
class Passing:
    """Passes requests on to a good server, and gives each answer again when the same is asked: the account stands still."""

    url: str
    kept: dict[tuple[str, ...], tuple[int, str, bytes]] = field(default_factory=dict)

    def __call__(self, request: Request) -> None:
        """Answer as the good server does."""
        key = (request.service, request.region, request.command, request.path, request.operation, request.form)
        found = self.kept.get(key)
        if found is None:
            found = self.kept[key] = self._fetch(request)
        status, kind, body = found
        request.reply(status, body, Content_Type=kind)

    def _fetch(self, request: Request) -> tuple[int, str, bytes]:
        where = urlsplit(self.url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port or 80, timeout=120)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in ("host", "connection")}
        try:
            connection.request(request.command, request.path, request.body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Content-Type") or "text/xml", answer.read()
        finally:
            connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    answer: Answer
    requests: list[Received]
    over: threading.Event
    ahead: timedelta

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing."""


@contextmanager
def misbehaving(answer: Answer, *, ahead: timedelta = timedelta()) -> Iterator[tuple[str, list[Received]]]:
    """Run a server that answers every request by ANSWER; yields its URL and the requests it got. Its clock is AHEAD."""
    server = _Server(("127.0.0.1", 0), Request)
    server.answer, server.requests, server.over, server.ahead = answer, [], threading.Event(), ahead
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", server.requests
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
