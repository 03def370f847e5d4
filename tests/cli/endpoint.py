"""A small simulated account in a process of its own, whose answers a test can deny, delay, skew or replace.

Run as a program it is the server; ``Endpoint`` starts it and tells it how to behave.
"""

import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

REGIONS = ("eu-west-1", "us-east-1")
HOSTILE = {
    "markup": "<script>alert(1)</script>",
    "escape": "\x9b31mred\x9b0m\x9d0;owned\x9c",
    "mirror": "\u202egnp.exe\u2066",
    "formula": '=HYPERLINK("http://evil.example","x")',
    "lines": "one\ntwo\r\nthree\u2028four",
    "endless": "x" * 10_000,
    "padded": "\u200b\u2060@SUM(A1)",
}
"""Names of security groups that are open to everybody, by what is wrong with them: all that XML can carry."""
LOCKED = "\x1b[2Jlocked \x00\u202eout\n=1+1 \ud800"
"""What is said when something is denied."""
CLOSED = "User: x is not authorized to perform: this action with an explicit deny in a service control policy"
"""What is said when the organisation has closed a region."""


@dataclass(frozen=True)
class Endpoint:
    """A running simulated account."""

    url: str
    process: subprocess.Popen[str]

    def behave(self, **rules: Any) -> None:
        """Change how it answers, until the next call.

        ``closed``: regions that a policy of the organisation closes, but for what finds out which regions there are;
        ``denied``: ``service:Operation`` names; ``code`` and ``status``: what they are denied with; ``held``: names of calls
        that hang until the next change; ``skew``: seconds its clock is ahead; ``delay``: seconds each answer takes.
        """
        request = urllib.request.Request(f"{self.url}/behave", json.dumps(rules).encode(), method="PUT")
        urllib.request.urlopen(request, timeout=30).close()

    def waiting(self) -> bool:
        """Wait until a call hangs; returns whether one does within a minute."""
        with urllib.request.urlopen(f"{self.url}/waiting", timeout=90) as answer:
            return bool(json.load(answer))


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """Run the account."""
    command = [sys.executable, str(Path(__file__))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().strip()
            assert url.startswith("http://"), "the simulated account did not start"
            yield Endpoint(url, process)
        finally:
            process.terminate()


# ---- the server ------------------------------------------------------------------------------------------------------


class Tampered:
    """Passes requests on, the way the test wants it."""

    def __init__(self, account: Callable[..., Iterable[bytes]]) -> None:
        self.account = account
        self.rules: dict[str, Any] = {}
        self.released = threading.Event()
        self.hanging = threading.Event()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/behave":
            self.released.set()
            self.released, self.hanging = threading.Event(), threading.Event()
            self.rules = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            return self.say(start, "null")
        if path == "/waiting":
            return self.say(start, json.dumps(self.hanging.wait(60)))
        return self.answer(environ, start)

    def answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        from auditor.demo.server import operation_of

        asked = operation_of(environ)
        name, rules = f"{asked.service}:{asked.operation}", self.rules
        time.sleep(rules.get("delay", 0))
        if name in rules.get("held", ()):
            self.hanging.set()
            self.released.wait(120)
        if asked.region in rules.get("closed", ()) and asked.service != "sts" and asked.operation != "DescribeRegions":
            return self.deny(start, "AccessDenied", 403, not environ.get("HTTP_X_AMZ_TARGET"), CLOSED)
        if name in rules.get("denied", ()):
            xml = not environ.get("HTTP_X_AMZ_TARGET")
            return self.deny(start, rules.get("code", "AccessDenied"), rules.get("status", 403), xml)
        return self.account(environ, start)

    def deny(self, start: Callable[..., Any], code: str, status: int, xml: bool, said: str = LOCKED) -> Iterable[bytes]:
        if not xml:
            error = json.dumps({"__type": code, "message": said})
            return self.say(start, error, f"{status} Denied", "application/x-amz-json-1.1")
        message = escape("".join(letter for letter in said if letter.isprintable() or letter in "\u202e\n"))
        error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        return self.say(start, f"<Response>{error}<Errors>{error}</Errors></Response>", f"{status} Denied", "text/xml")

    def say(
        self, start: Callable[..., Any], text: str, status: str = "200 OK", kind: str = "application/json"
    ) -> Iterable[bytes]:
        body = text.encode()
        start(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]


def build() -> None:
    """Make the account: a VPC with groups of hostile names, a database, a load balancer, a user with a key."""
    import boto3
    from moto import mock_aws

    mock = mock_aws()
    mock.start()
    ec2 = boto3.client("ec2", region_name=REGIONS[0])
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    for kind, name in HOSTILE.items():
        group = ec2.create_security_group(GroupName=name[:255], Description=kind, VpcId=vpc)["GroupId"]
        anywhere: Any = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[anywhere])
        ec2.create_tags(Resources=[group], Tags=[{"Key": "Name", "Value": name}, {"Key": name[:127], "Value": kind}])
        if kind == "markup":
            subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
            ec2.create_network_interface(SubnetId=subnet, Groups=[group])
    rds = boto3.client("rds", region_name=REGIONS[0])
    rds.create_db_instance(
        DBInstanceIdentifier="orders",
        Engine="postgres",
        DBInstanceClass="db.m4.large",
        AllocatedStorage=500,
        MasterUsername="keeper",
        MasterUserPassword="not-a-secret",
    )
    iam = boto3.client("iam", region_name="us-east-1")
    iam.create_user(UserName="ada")
    iam.create_access_key(UserName="ada")
    iam.create_role(
        RoleName="reader",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}),
    )
    mock.stop(remove_data=False)


def serve() -> None:
    """Serve the account, print its URL, and end with standard input."""
    import logging
    import os

    os.environ |= {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
    }
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    from auditor.demo.mended import mend
    from auditor.demo.server import Application

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    mend()
    build()
    account = Application(DomainDispatcherApplication(create_backend_app), REGIONS, denied=())
    tampered = Tampered(account)

    class Handler(MotoRequestHandler):
        """Says the time the test wants."""

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(time.time() + tampered.rules.get("skew", 0), usegmt=True)

    server = make_server("127.0.0.1", 0, tampered, threaded=True, request_handler=Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201
    sys.stdin.read()


if __name__ == "__main__":
    serve()
