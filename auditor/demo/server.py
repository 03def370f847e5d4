"""The simulated account's server: moto's, in a process of its own, with answers of our own where moto has none."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from auditor.demo.answers import DENIED, Denied, answer_for
from auditor.errors import AuditorError

__all__ = ["Application", "Asked", "operation_of", "simulated_account"]

_START_SECONDS = 120


@contextmanager
def simulated_account() -> Iterator[str]:
    """Run the simulated account on a free port of this machine, and yield its URL once it is filled.

    Raises AuditorError when the extra ``demo`` is not installed or the account cannot be made.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",
        "AWS_EC2_METADATA_DISABLED": "true",
        # AWS's machine images would each leave a snapshot in the account.
        "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "auditor.demo.server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if "AUDITOR_DEMO_DEBUG" not in os.environ else None,
        text=True,
        env=environment,
        # Ctrl-C is for the scan; the server ends with its standard input.
        start_new_session=True,
    )
    try:
        line = process.stdout.readline().strip() if process.stdout else ""
        if not line.startswith("http://"):
            raise AuditorError(
                "the simulated account could not be made"
                + (f": {line}" if line else "; is the extra installed? pip install 'aws-account-auditor[demo]'")
            )
        yield line
    finally:
        process.terminate()
        process.wait(_START_SECONDS)
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()


def _serve() -> None:
    """Fill the account, serve it, print the URL, and end when standard input does (the parent is gone)."""
    import logging
    import threading

    try:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
        from werkzeug.serving import make_server
    except ImportError as error:
        _say(f"{error}: pip install 'aws-account-auditor[demo]'")
        raise SystemExit(1) from error
    from auditor.demo.account import REGIONS, fill

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    try:
        fill()
    except Exception as error:
        _say(f"{type(error).__name__}: {error}")
        raise
    moto = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, Application(moto, REGIONS), threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _say(f"http://127.0.0.1:{server.server_port}")
    sys.stdin.read()
    server.shutdown()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


_Start = Callable[..., Any]


class Application:
    """Answers what moto cannot; leaves the rest to it."""

    def __init__(
        self,
        moto: Callable[[dict[str, Any], _Start], Iterable[bytes]],
        regions: Iterable[str],
        denied: Collection[tuple[str, str]] = DENIED,
    ) -> None:
        """MOTO answers in WSGI; REGIONS are enabled in the account; DENIED are services and operations nobody may call."""
        self._moto = moto
        self._regions = tuple(regions)
        self._denied = denied

    def __call__(self, environ: dict[str, Any], start_response: _Start) -> Iterable[bytes]:
        """Answer a request."""
        asked = operation_of(environ)
        try:
            if (asked.service, asked.operation) in self._denied:
                raise Denied(asked.service, asked.operation)
            answer = answer_for(
                asked.service, asked.operation, environ.get("PATH_INFO", ""), asked.body, asked.region, self._regions
            )
        except Denied as denied:
            return _send(start_response, "403 Forbidden", denied.content_type, denied.body)
        if answer is not None:
            content_type, content = answer
            return _send(start_response, "200 OK", content_type, content)
        return self._moto(environ, start_response)


def _send(start_response: _Start, status: str, content_type: str, body: bytes) -> Iterable[bytes]:
    start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
    return [body]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for."""

    service: str
    """The service's signing name."""
    region: str
    """The region it was signed for."""
    operation: str
    """Empty where the protocol has it in the path."""
    body: bytes


def operation_of(environ: dict[str, Any]) -> Asked:
    """Return what a WSGI request asks for; its body can be read again afterwards."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    found = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    region, service = (found[1], found[2]) if found else ("", "")
    operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    if not operation and environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        operation = parse_qs(body.decode("utf-8", "replace")).get("Action", [""])[0]
    return Asked(service, region, operation, body)


if __name__ == "__main__":
    _serve()
