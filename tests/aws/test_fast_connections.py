"""All clients of an account share their connections, which trust what botocore would trust, and no more."""

import logging
import resource
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.config
import botocore.session
import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import SSLError
from botocore.httpsession import URLLib3Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from misbehaving import Request, _Server, misbehaving
from urllib3.util import connection as dialling

from auditor.aws import connections
from auditor.aws.connections import SharedConnections

DAY = timedelta(days=1)
IDENTITY = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult>"
    "</GetCallerIdentityResponse>"
)


@pytest.fixture(autouse=True)
def _told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_told", set())
    monkeypatch.setattr(connections, "_contexts", {})


def client(service: str = "sts", region: str = "us-east-1", **options: Any) -> Any:
    made: Any = botocore.session.get_session()
    made.set_credentials("AKIAIOSFODNN7EXAMPLE", "none")
    verify = options.pop("verify", None)
    return made.create_client(
        service,
        region_name=region,
        verify=verify,
        config=botocore.config.Config(retries={"total_max_attempts": 1}, **options),
    )


def session_of(one: Any) -> Any:
    return one._endpoint.http_session


def shared(**options: Any) -> Any:
    one = client(**options)
    assert SharedConnections().share(one)
    return one


# ---- sharing ----------------------------------------------------------------------------------------------------------


def test_clients_of_an_account_share_a_session_and_accounts_share_only_what_they_trust() -> None:
    first, second = SharedConnections(), SharedConnections()
    here = [client("ec2"), client("rds", "eu-west-1"), client("s3")]
    there = client("ec2")
    assert all(first.share(one) for one in here)
    assert second.share(there)
    assert len({id(session_of(one)) for one in here}) == 1
    assert session_of(there) is not session_of(here[0])
    assert session_of(there)._context is session_of(here[0])._context


@pytest.mark.parametrize(
    "options", [{"read_timeout": 7}, {"max_pool_connections": 3}, {"proxies": {"https": "http://p"}}]
)
def test_clients_that_connect_otherwise_have_sessions_of_their_own(options: dict[str, Any]) -> None:
    connecting = SharedConnections()
    usual, other = client(), client(**options)
    assert connecting.share(usual)
    assert connecting.share(other)
    assert session_of(usual) is not session_of(other)


@pytest.mark.parametrize("options", [{"verify": False}, {"client_cert": "/some/file.pem"}])
def test_an_unusual_client_keeps_what_botocore_gave_it(
    options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    one = client(**options)
    own = session_of(one)
    assert not SharedConnections().share(one)
    assert session_of(one) is own
    assert not caplog.records


def test_settings_are_those_botocore_would_have_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    options: dict[str, Any] = {
        "connect_timeout": 3,
        "read_timeout": 4,
        "max_pool_connections": 17,
        "tcp_keepalive": True,
    }
    stock, ours = session_of(client(**options)), session_of(shared(**options))
    for name in ("_verify", "_max_pool_connections", "_socket_options"):
        assert getattr(ours, name) == getattr(stock, name), name
    assert ours._proxy_config._proxies == stock._proxy_config._proxies == {"https": "http://proxy.example:3128"}
    assert (ours._timeout.connect_timeout, ours._timeout.read_timeout) == (3, 4)
    mine, theirs = ours._manager.connection_pool_kw, stock._manager.connection_pool_kw
    assert {**mine, "ssl_context": 0, "timeout": 0} == {**theirs, "ssl_context": 0, "timeout": 0}
    for name in ("verify_mode", "check_hostname", "options", "minimum_version", "maximum_version", "verify_flags"):
        assert getattr(mine["ssl_context"], name) == getattr(theirs["ssl_context"], name), name


def test_the_number_of_hosts_stays_far_from_the_open_files_that_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    unlimited = resource.RLIM_INFINITY
    for soft, hosts in ((256, 64), (1024, 256), (65536, 512), (unlimited, 512), (16, 10)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, soft=soft: (soft, soft))
        assert connections._most_hosts() == hosts


@pytest.mark.parametrize("part", [*connections._PRIVATE, "client._endpoint", "context"])
def test_without_a_part_of_botocore_clients_keep_their_own_connections_and_one_line_says_so(
    part: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one, another = client(), client()
    own = session_of(one)
    with monkeypatch.context() as changed:
        if part == "client._endpoint":
            del one._endpoint, another._endpoint
        elif part == "context":
            changed.setattr(connections._Session, "_get_pool_manager_kwargs", URLLib3Session._get_pool_manager_kwargs)  # type: ignore[attr-defined]
        else:
            changed.delattr(URLLib3Session, part)
        connecting = SharedConnections()
        assert not connecting.share(one)
        assert not connecting.share(another)
    assert len(caplog.records) == 1
    assert caplog.records[0].levelno == logging.WARNING
    if part != "client._endpoint":
        assert session_of(one) is own


def test_a_bundle_that_cannot_be_read_is_botocores_to_complain_about(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "broken.pem").write_text("no certificate")
    for name in ("missing.pem", "broken.pem"):
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / name))
        one = client()
        assert not SharedConnections().share(one)
        with pytest.raises(SSLError), Tls(tmp_path, "localhost") as (url, _):
            session_of(one).send(AWSRequest("GET", url).prepare())
    assert len(caplog.records) == 2


# ---- connections ------------------------------------------------------------------------------------------------------


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], Callable[[Any], None]]:
    """Every name leads to a server of ours: the addresses that were dialled, and how to say where they lead."""
    addresses: list[Any] = []
    to: list[Any] = []
    really = dialling.create_connection

    def connect(address: Any, *args: Any, **options: Any) -> Any:
        addresses.append(address)
        return really(to[0], *args, **options)

    monkeypatch.setattr(dialling, "create_connection", connect)
    return addresses, to.append


def test_connections_to_many_hosts_stay_open(dialled: Any) -> None:
    addresses, leads_to = dialled
    session = session_of(shared())
    with misbehaving(lambda r: r.reply(200, "ok")) as (url, _):
        leads_to(("127.0.0.1", int(url.rpartition(":")[2])))
        for _ in range(3):
            for region in range(40):
                assert session.send(AWSRequest("GET", f"http://ec2.{region}.example/").prepare()).content == b"ok"
        session.close()
    assert len(addresses) == 40


def test_many_threads_keep_their_connections(dialled: Any) -> None:
    addresses, leads_to = dialled
    session = session_of(shared(max_pool_connections=64))
    gate = threading.Barrier(32)

    def ask(_: int) -> bytes:
        gate.wait()
        return b"".join(session.send(AWSRequest("GET", "http://ec2.example/").prepare()).content for _ in range(5))

    with misbehaving(lambda r: r.reply(200, "ok")) as (url, _), ThreadPoolExecutor(32) as pool:
        leads_to(("127.0.0.1", int(url.rpartition(":")[2])))
        assert list(pool.map(ask, range(32))) == [b"ok" * 5] * 32
        session.close()
    assert len(addresses) <= 32


@pytest.mark.parametrize("unless", ["", "aws.example"])
def test_the_proxy_of_the_environment_is_asked_unless_told_otherwise(
    unless: str, dialled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses, leads_to = dialled
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", unless)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://aws.example:8000")
    asked: list[str] = []

    def answer(request: Request) -> None:
        asked.append(request.path)
        request.reply(200, IDENTITY)

    with misbehaving(answer) as (url, _):
        leads_to(("127.0.0.1", int(url.rpartition(":")[2])))
        one = shared()
        assert one.get_caller_identity()["Account"] == "123456789012"
        one.close()
    assert addresses == [("aws.example", 8000) if unless else ("proxy.example", 3128)]
    assert asked == ["/" if unless else "http://aws.example:8000/"]


# ---- trust ------------------------------------------------------------------------------------------------------------


class Tls:
    """A server on this machine with a certificate for NAME, whose authority's is ``<folder>/<name>-ca.pem``."""

    def __init__(self, folder: Path, name: str) -> None:
        self.bundle = folder / f"{name}-ca.pem"
        chain = folder / f"{name}.pem"
        _certificates(name, self.bundle, chain)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        self.context = context
        self.server = _Server(("127.0.0.1", 0), Request)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.server.answer, self.server.requests = (lambda r: r.reply(200, IDENTITY)), []
        self.server.over, self.server.ahead = threading.Event(), timedelta()

    def closed(self) -> tuple[ssl.SSLContext, Path]:
        """Only what it would have served with."""
        self.server.server_close()
        return self.context, self.bundle

    def __enter__(self) -> tuple[str, Path]:
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        return f"https://localhost:{self.server.server_address[1]}", self.bundle

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def _certificates(name: str, bundle: Path, chain: Path) -> None:
    def certificate(subject: str, issuer: str, signer: Any, key: Any, *, authority: bool) -> x509.Certificate:
        now = datetime.now(UTC)
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        built = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(names, critical=False)
        )
        return built.sign(signer, hashes.SHA256())

    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    root = certificate("A test's authority", "A test's authority", authority, authority, authority=True)
    leaf = certificate(name, "A test's authority", authority, own, authority=False)
    key = own.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    bundle.write_bytes(root.public_bytes(pem))
    chain.write_bytes(key + leaf.public_bytes(pem))


def test_the_bundle_of_the_environment_is_trusted_and_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Any] = []
    really = ssl.SSLContext.load_verify_locations

    def load(self: ssl.SSLContext, *args: Any, **options: Any) -> None:
        read.append(args)
        really(self, *args, **options)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", load)
    with Tls(tmp_path, "localhost") as (url, bundle):
        monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        for _ in range(3):  # each with connections of its own
            one = shared()
            assert one.get_caller_identity()["Account"] == "123456789012"
            one.close()
    assert read == [(str(bundle),)]


def test_a_changed_bundle_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "bundle.pem"
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    _certificates("elsewhere", bundle, tmp_path / "chain.pem")
    before = shared()
    with Tls(tmp_path, "localhost") as (url, new):
        bundle.write_bytes(new.read_bytes() + b"\n")
        after = shared()
        request = AWSRequest("GET", url).prepare()
        with pytest.raises(SSLError):
            session_of(before).send(request)
        assert session_of(after).send(request).status_code == 200
        session_of(after).close()


@pytest.mark.parametrize("name", ["elsewhere", "localhost"])
def test_a_server_of_another_name_or_an_unknown_authority_is_not_talked_to(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Tls(tmp_path, name) as (url, bundle):
        if name == "elsewhere":
            monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
        else:
            monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
        with pytest.raises(SSLError):
            session_of(shared()).send(AWSRequest("GET", url).prepare())


def test_a_proxy_is_a_tunnel_to_a_server_whose_certificate_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("aws.example", "elsewhere"):
        context, bundle = Tls(tmp_path, name).closed()
        with socket.create_server(("127.0.0.1", 0)) as listening:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listening.getsockname()[1]}")
            monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
            asked: list[bytes] = []
            thread = threading.Thread(target=_tunnel, args=(listening, context, asked))
            thread.start()
            one = shared()
            request = AWSRequest("GET", "https://aws.example/").prepare()
            if name == "elsewhere":
                with pytest.raises(SSLError):
                    session_of(one).send(request)
            else:
                assert session_of(one).send(request).content == b"ok"
            one.close()
            thread.join()
        assert asked[0].startswith(b"CONNECT aws.example:443 ")
        assert (len(asked) == 2) == (name == "aws.example")


def _tunnel(listening: socket.socket, context: ssl.SSLContext, asked: list[bytes]) -> None:
    connection, _ = listening.accept()
    asked.append(connection.recv(4096))
    connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    with suppress(OSError), context.wrap_socket(connection, server_side=True) as inside:
        if received := inside.recv(4096):
            asked.append(received)
            inside.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    connection.close()
