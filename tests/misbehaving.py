"""A server on this machine that answers AWS's clients as badly as a test wants."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

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

    def do_POST(self) -> None:
        self.form = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.server.requests.append(Received(self.form, dict(self.headers)))
        self.server.answer(self)

    do_GET = do_POST

    def reply(self, status: int, body: str, **headers: str) -> None:
        """Answer properly."""
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body.encode()))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body.encode())

    def error(self, status: int, code: str, message: str = "") -> None:
        """Answer with an error in the way of the query protocol; EC2's is understood too."""
        said = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        ec2 = f"<Response><Errors>{said}</Errors></Response>"
        self.reply(
            status, ec2 if "/ec2/" in self.headers["Authorization"] else f"<ErrorResponse>{said}</ErrorResponse>"
        )

    def truncate(self) -> None:
        """Promise more than comes."""
        self.reply(200, "<DescribeVpcsResponse><vpcSet>", Content_Length="5000")
        self.close_connection = True

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


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    answer: Answer
    requests: list[Received]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing."""


@contextmanager
def misbehaving(answer: Answer) -> Iterator[tuple[str, list[Received]]]:
    """Run a server that answers every request by ANSWER; yields its URL and the requests it got."""
    server = _Server(("127.0.0.1", 0), Request)
    server.answer, server.requests = answer, []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", server.requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
