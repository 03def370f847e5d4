"""What calls cost over TLS: CPU of one account's clients in many regions against stock botocore making the same calls.

Run with ``python -m benchmarks connections`` or ``python benchmarks/connections.py``. A server in a process of its own answers
for every host, with a certificate of an authority that is added to botocore's bundle; only this process's CPU is counted.
"""

import multiprocessing
import os
import socket
import ssl
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import botocore.config
import botocore.session
from botocore import xform_name
from botocore.httpsession import get_cert_path
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from urllib3.util import connection

from auditor.aws.session import connect
from auditor.collect.garbage import seldom_collected
from benchmarks.collect import LISTED, REGIONS, InProcess

THREADS = 32
ROUNDS = 3
"""How often every operation is called in every region: lists, then details, then metrics."""
ROWS = 10
"""Rows of an answer."""


@dataclass(frozen=True)
class Listing:
    """An operation."""

    service: str
    operation: str


CALLS = [Listing(service, operation) for service, operation, _ in LISTED]


def _bundle(folder: Path) -> None:
    """Write the server's certificate and the bundle that trusts it, botocore's own hundred certificates in it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a benchmark")])
    hosts = [x509.DNSName(f"*.{region}.amazonaws.com") for region in REGIONS]
    hosts += [x509.DNSName(f"{service}.amazonaws.com") for service in ("sts", "sns")]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(private + pem)
    usual = Path(str(get_cert_path(True))).read_bytes()
    (folder / "bundle.pem").write_bytes(usual + b"\n" + pem)


def _serve(listening: socket.socket, certificate: str, bodies: dict[str, bytes]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    while True:
        accepted, _ = listening.accept()
        threading.Thread(target=_answer, args=(accepted, context, bodies), daemon=True).start()


def _answer(accepted: socket.socket, context: ssl.SSLContext, bodies: dict[str, bytes]) -> None:
    try:
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(accepted, server_side=True) as inside, inside.makefile("rb") as lines:
            while line := lines.readline():
                length = 0
                while (line := lines.readline()) not in (b"\r\n", b""):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                form = lines.read(length).decode()
                body = bodies[form.split("Action=")[1].split("&")[0]]
                inside.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    except OSError:
        return


def _stock() -> list[Any]:
    session = botocore.session.get_session()
    config = botocore.config.Config(retries={"mode": "standard", "total_max_attempts": 1}, max_pool_connections=64)
    made = {
        (call.service, region): session.create_client(call.service, region_name=region, config=config)
        for call in CALLS
        for region in REGIONS
    }
    return [
        getattr(made[call.service, region], xform_name(call.operation))
        for _ in range(ROUNDS)
        for call in CALLS
        for region in REGIONS
    ]


def _ours() -> list[Any]:
    caller = connect(CALLS).caller()
    for call in CALLS:
        caller.operation(call.service, call.operation)

    def method(call: Listing, region: str) -> Any:
        return lambda: caller.call(call.service, call.operation, {}, region)

    return [method(call, region) for _ in range(ROUNDS) for call in CALLS for region in REGIONS]


def _measure(name: str, calls: list[Any], dialled: list[Any]) -> float:
    dialled.clear()
    began = time.process_time()
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(call) for call in calls]:
            done.result()
    spent = time.process_time() - began
    print(f"{len(calls)} calls over TLS, {name:12}{spent:7.2f} s CPU{len(dialled):7} connections")
    return spent


def main() -> None:
    """Print the ratios."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _bundle(folder)
        answers, session = InProcess(), botocore.session.get_session()
        for call in CALLS:
            client: Any = session.create_client(call.service, region_name=REGIONS[0])
            answers.learn(client, call.operation, ROWS)
        listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        fork = multiprocessing.get_context("fork")
        arguments = (listening, str(folder / "server.pem"), answers.bodies)
        server = fork.Process(target=_serve, args=arguments, daemon=True)
        server.start()
        dialled, really, here = [], connection.create_connection, listening.getsockname()

        def dial(address: Any, *args: Any, **options: Any) -> Any:
            dialled.append(address)
            return really(here, *args, **options)

        connection.create_connection = dial
        os.environ |= {
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_CA_BUNDLE": str(folder / "bundle.pem"),
        }
        try:
            stock = _measure("stock", _stock(), dialled)
            with seldom_collected():
                ours = _measure("ours", _ours(), dialled)
        finally:
            connection.create_connection = really
            server.terminate()
    print(f"over TLS in {len(REGIONS)} regions: {ours / stock:.2f}x stock")


if __name__ == "__main__":
    main()
