"""The simulated account's server: moto's, in a process of its own, with empty answers where moto knows no operation."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from auditor.demo.answers import Denied, answer_for
from auditor.errors import AuditorError

__all__ = ["Simulated", "simulated_account"]

_START_SECONDS = 120


class Simulated(str):
    """The URL of a running simulated account."""


@contextmanager
def simulated_account() -> Iterator[Simulated]:
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
    )
    try:
        line = process.stdout.readline().strip() if process.stdout else ""
        if not line.startswith("http://"):
            raise AuditorError(
                "the simulated account could not be made"
                + (f": {line}" if line else "; is the extra installed? pip install 'aws-account-auditor[demo]'")
            )
        yield Simulated(line)
    finally:
        process.terminate()
        process.wait(_START_SECONDS)


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
    server = make_server("127.0.0.1", 0, _Application(moto, REGIONS), threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _say(f"http://127.0.0.1:{server.server_port}")
    sys.stdin.read()
    server.shutdown()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


_Start = Callable[..., Any]


class _Application:
    """Answers what moto cannot; leaves the rest to it."""

    def __init__(self, moto: Callable[[dict[str, Any], _Start], Iterable[bytes]], regions: Iterable[str]) -> None:
        self._moto = moto
        self._regions = tuple(regions)

    def __call__(self, environ: dict[str, Any], start_response: _Start) -> Iterable[bytes]:
        service, region, operation, body = _operation(environ)
        try:
            answer = answer_for(service, operation, environ.get("PATH_INFO", ""), body, region, self._regions)
        except Denied as denied:
            return _send(start_response, "403 Forbidden", denied.content_type, denied.body)
        if answer is not None:
            content_type, content = answer
            return _send(start_response, "200 OK", content_type, content)
        return self._moto(environ, start_response)


def _send(start_response: _Start, status: str, content_type: str, body: bytes) -> Iterable[bytes]:
    start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
    return [body]


def _operation(environ: dict[str, Any]) -> tuple[str, str, str, bytes]:
    """Return service and region the request was signed for, the operation where the protocol names it, and the body."""
    import io
    import re
    from urllib.parse import parse_qs

    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    found = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    region, service = (found[1], found[2]) if found else ("", "")
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return service, region, target.rpartition(".")[2], body
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return service, region, parse_qs(body.decode("utf-8", "replace")).get("Action", [""])[0], body
    return service, region, "", body


if __name__ == "__main__":
    _serve()
