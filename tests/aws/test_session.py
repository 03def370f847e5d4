"""Who we are and where we may look; and one line that says what to do when we are not let in."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from misbehaving import Answer, Request, misbehaving
from moto.server import ThreadedMotoServer

from auditor.aws.session import Connection, connect
from auditor.collect.declare import Call
from auditor.errors import CredentialsError

CALLS = [Call("ec2", "DescribeVpcs", "Vpcs"), Call("iam", "ListUsers", "Users")]
ROLE = "arn:aws:iam::123456789012:role/auditor"


@pytest.fixture(scope="module")
def account() -> Iterator[str]:
    """A simulated account; yields its endpoint."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def endpoint(account: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ENDPOINT_URL", account)
    return account


def test_we_are_told_who_we_are(endpoint: str) -> None:
    identity = connect(CALLS).identify()
    assert (identity.account, identity.partition) == ("123456789012", "aws")
    assert identity.arn.startswith("arn:aws:")


def test_a_role_is_assumed_with_the_external_id_and_only_when_needed(endpoint: str) -> None:
    connection = connect(CALLS, role_arn=ROLE, external_id="secret-handshake")
    assert connection.identify().arn.startswith("arn:aws:sts::123456789012:assumed-role/auditor/aws-account-auditor")


def test_a_role_can_be_assumed_from_another_role_into_another_account(endpoint: str) -> None:
    other = "arn:aws:iam::444455556666:role/auditor"
    connection = connect(CALLS, role_arn=other, external_id="shake", via_role_arn=ROLE, account="444455556666")
    assert connection.identify().account == "444455556666"


def test_another_account_than_the_wanted_one_is_refused(endpoint: str) -> None:
    line = refusal(connect(CALLS, account="111122223333"))
    assert "are of account 123456789012, and account 111122223333 was to be read" in line


def test_an_account_of_another_partition_is_asked_in_a_region_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    china = "arn:aws-cn:iam::123456789012:role/auditor"
    assert connect(CALLS, role_arn=china).region == "cn-north-1"
    assert connect(CALLS, role_arn=china, regions=["cn-northwest-1"]).region == "cn-northwest-1"
    assert connect(CALLS, profile="", regions=["us-gov-east-1"]).region == "us-gov-east-1"
    assert connect(CALLS, role_arn=ROLE, regions=["sa-east-1"]).region == "eu-west-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "cn-northwest-1")
    assert connect(CALLS, role_arn=china).region == "cn-northwest-1"


def test_regions_are_those_the_account_can_use(endpoint: str) -> None:
    regions = connect(CALLS).enabled_regions()
    listed = boto3.client("ec2", region_name="us-east-1").describe_regions(AllRegions=True)["Regions"]
    closed = {region["RegionName"] for region in listed if region["OptInStatus"] == "not-opted-in"}
    assert closed
    assert set(regions) == {region["RegionName"] for region in listed} - closed
    assert list(regions) == sorted(regions)


def test_a_call_reaches_the_region_it_names(endpoint: str) -> None:
    boto3.client("ec2", region_name="eu-west-3").create_vpc(CidrBlock="10.99.0.0/16")
    caller = connect(CALLS).caller()
    blocks = {
        region: {vpc["CidrBlock"] for vpc in caller.call("ec2", "DescribeVpcs", {}, region).parsed["Vpcs"]}
        for region in ("eu-west-3", "eu-north-1")
    }
    assert "10.99.0.0/16" in blocks["eu-west-3"]
    assert "10.99.0.0/16" not in blocks["eu-north-1"]


def test_documents_hold_json_values_only(endpoint: str) -> None:
    boto3.client("iam", region_name="us-east-1").create_user(UserName="anna")
    answer = connect(CALLS).caller().call("iam", "ListUsers", {}, "us-east-1")
    assert json.loads(json.dumps(answer.parsed)) == answer.parsed
    created = datetime.fromisoformat(answer.parsed["Users"][0]["CreateDate"])
    assert created.utcoffset() == timedelta(0)


def test_the_region_comes_from_the_caller_the_configuration_or_is_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert connect(CALLS, region="eu-west-1").region == "eu-west-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "sa-east-1")
    assert connect(CALLS).region == "sa-east-1"
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert connect(CALLS).region == "us-east-1"


# ---- not let in ------------------------------------------------------------------------------------------------------


def refusal(connection: Connection) -> str:
    """The one line that a person sees."""
    with pytest.raises(CredentialsError) as caught:
        connection.identify()
    line = str(caught.value)
    assert "\n" not in line
    assert "AKIAIOSFODNN7EXAMPLE" not in line
    return line


def write_config(home: Path, text: str) -> None:
    (home / ".aws").mkdir(parents=True)
    (home / ".aws" / "config").write_text(text)


def test_a_profile_that_does_not_exist_names_the_nearest(home: Path) -> None:
    write_config(home, "[profile production]\nregion = eu-west-1\n[profile staging]\nregion = eu-west-1\n")
    with pytest.raises(CredentialsError, match=r"'prodution' does not exist; did you mean 'production'\?"):
        connect(CALLS, profile="prodution")
    with pytest.raises(CredentialsError, match="'zzz' does not exist; there are: production, staging"):
        connect(CALLS, profile="zzz", region="eu-west-1")


def test_a_profile_where_none_is_configured_says_how_to_begin() -> None:
    with pytest.raises(CredentialsError, match="no profile is configured: run `aws configure sso`"):
        connect(CALLS, profile="zzz")


def test_a_broken_configuration_is_named(home: Path) -> None:
    write_config(home, "[profile x\nregion")
    with pytest.raises(CredentialsError, match=r"config.*mend the AWS configuration file"):
        connect(CALLS)


def test_no_credentials_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "no AWS credentials found: set AWS_PROFILE" in refusal(connect(CALLS))
    assert "no AWS credentials found" in refusal(connect(CALLS, role_arn=ROLE))


def test_half_of_the_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "incomplete" in refusal(connect(CALLS))


def test_single_sign_on_says_the_command_to_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    write_config(
        home,
        "[profile work]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Audit\nregion = eu-west-1\n"
        "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n",
    )
    assert "run `aws sso login --profile work`" in refusal(connect(CALLS, profile="work"))


def test_an_endpoint_that_cannot_be_reached_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    line = refusal(connect(CALLS))
    assert "AWS cannot be reached" in line
    assert "127.0.0.1:9" in line


def test_an_endpoint_that_is_no_url_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nonsense")
    assert "nonsense" in refusal(connect(CALLS))


def says(status: int, code: str, message: str = "") -> Answer:
    return lambda request: request.error(status, code, message)


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (says(403, "ExpiredToken", "it is over"), r"have expired: get new ones.*\(ExpiredToken: it is over\)"),
        (says(403, "InvalidClientTokenId"), r"does not know this access key: it was deleted, deactivated or mistyped"),
        (says(403, "AccessDenied", "no"), r"these credentials may not call sts:GetCallerIdentity.*AccessDenied: no"),
        (
            says(403, "SignatureDoesNotMatch", "Signature expired: 2020 is now earlier than"),
            r"clock is wrong.*set the clock",
        ),
        (says(403, "RequestTimeTooSkewed"), r"clock is wrong"),
        (says(403, "SignatureDoesNotMatch", "the signature we calculated"), r"secret access key does not belong"),
        (says(500, "InternalError"), r"AWS cannot be reached.*InternalError"),
        (
            lambda request: request.reply(200, "<html>a proxy's login page</html>"),
            r"sts:GetCallerIdentity failed|cannot be",
        ),
    ],
)
def test_what_sts_refuses_is_said_in_one_line(answer: Answer, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with misbehaving(answer) as (url, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        assert re.search(line, refusal(connect(CALLS)))


def test_a_role_that_may_not_be_assumed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    denied = says(403, "AccessDenied", "User: x is not authorized to perform: sts:AssumeRole on resource")
    with misbehaving(denied) as (url, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        assert f"role {ROLE} cannot be assumed: check its trust policy" in refusal(connect(CALLS, role_arn=ROLE))


def test_credentials_of_a_role_are_refreshed_before_they_end(monkeypatch: pytest.MonkeyPatch) -> None:
    assumed = []

    def answer(request: Request) -> None:
        if "Action=AssumeRole" in request.form:
            assumed.append(request.form)
            soon = (datetime.now(UTC) + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
            key = f"<AccessKeyId>ASIA{len(assumed)}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
            given = f"<Credentials>{key}<SessionToken>t</SessionToken><Expiration>{soon}</Expiration></Credentials>"
            request.reply(200, f"<AssumeRoleResponse><AssumeRoleResult>{given}</AssumeRoleResult></AssumeRoleResponse>")
        else:
            request.reply(200, "<DescribeVpcsResponse/>")

    with misbehaving(answer) as (url, requests):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        caller = connect(CALLS, role_arn=ROLE, external_id="handshake").caller()
        for _ in range(3):
            caller.call("ec2", "DescribeVpcs", {}, "eu-west-1")
        keys = {request.key for request in requests if "DescribeVpcs" in request.form}
    assert "ExternalId=handshake" in assumed[0]
    assert len(assumed) > 1
    assert len(keys) > 1
