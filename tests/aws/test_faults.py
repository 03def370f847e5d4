"""Errors come in families, and their messages are safe to keep."""

import json

import pytest
from botocore import exceptions
from hypothesis import given
from hypothesis import strategies as st

from auditor.aws.answer import CallError, Fault
from auditor.aws.clients import call_error
from auditor.aws.faults import by_organisation, classify, ends_session, means_gone, scrub, wrong_clock


@pytest.mark.parametrize(
    ("code", "status", "fault"),
    [
        ("AccessDenied", 403, Fault.DENIED),
        ("AccessDeniedException", 400, Fault.DENIED),
        ("UnauthorizedOperation", 403, Fault.DENIED),
        ("Client.UnauthorizedOperation", 403, Fault.DENIED),
        ("AuthorizationError", 403, Fault.DENIED),
        ("SomethingNew", 403, Fault.DENIED),
        ("OptInRequired", 403, Fault.NOT_HERE),
        ("SubscriptionRequiredException", 403, Fault.NOT_HERE),
        ("UninitializedAccountException", 400, Fault.NOT_HERE),
        ("InvalidAction", 400, Fault.NOT_HERE),
        ("com.amazon.coral.service#UnknownOperationException", 404, Fault.NOT_HERE),
        ("Throttling", 400, Fault.THROTTLED),
        ("RequestLimitExceeded", 503, Fault.THROTTLED),
        ("TooManyRequestsException", 429, Fault.THROTTLED),
        ("SomethingNew", 429, Fault.THROTTLED),
        ("RateExceededException", 400, Fault.THROTTLED),
        ("ProvisionedThroughputExceeded", 400, Fault.THROTTLED),
        ("ThrottlingException:http://internal.amazon.com/coral/", 400, Fault.THROTTLED),
        ("InternalError", 500, Fault.TRANSIENT),
        ("ServiceUnavailable", 503, Fault.TRANSIENT),
        ("SomethingNew", 502, Fault.TRANSIENT),
        ("ExpiredToken", 400, Fault.CREDENTIALS),
        ("UnrecognizedClientException", 400, Fault.CREDENTIALS),
        ("AuthFailure", 401, Fault.CREDENTIALS),
        ("RequestTimeTooSkewed", 403, Fault.CREDENTIALS),
        ("DBInstanceNotFound", 404, Fault.GONE),
        ("InvalidInstanceID.NotFound", 400, Fault.GONE),
        ("NoSuchEntity", 404, Fault.GONE),
        ("ResourceNotFoundException", 400, Fault.GONE),
        ("ValidationError", 400, Fault.PARAMETER),
        ("InvalidParameterValue", 400, Fault.PARAMETER),
        ("MissingParameter", 400, Fault.PARAMETER),
        ("NotImplemented", 501, Fault.UNSUPPORTED),
        ("SomethingElse", 400, Fault.OTHER),
    ],
)
def test_codes_have_families(code: str, status: int, fault: Fault) -> None:
    assert classify(code, status) is fault


def test_a_message_decides_where_the_code_says_too_little() -> None:
    assert classify("ValidationError", 400, "Rate exceeded") is Fault.THROTTLED
    assert classify("404", 404, "Not yet implemented") is Fault.UNSUPPORTED
    assert classify("AccessDenied", 403, "rate exceeded") is Fault.DENIED


@pytest.mark.parametrize(
    ("error", "fault", "code"),
    [
        (exceptions.EndpointConnectionError(endpoint_url="https://x"), Fault.TRANSIENT, "EndpointConnectionError"),
        (exceptions.ReadTimeoutError(endpoint_url="https://x"), Fault.TRANSIENT, "ReadTimeoutError"),
        (exceptions.ConnectionClosedError(endpoint_url="https://x"), Fault.TRANSIENT, "ConnectionClosedError"),
        (exceptions.NoCredentialsError(), Fault.CREDENTIALS, "NoCredentialsError"),
        (exceptions.UnauthorizedSSOTokenError(), Fault.CREDENTIALS, "UnauthorizedSSOTokenError"),
        (exceptions.ParamValidationError(report="x"), Fault.PARAMETER, "ParamValidationError"),
        (NotImplementedError("moto has no such thing"), Fault.UNSUPPORTED, "NotImplemented"),
        (KeyError("x"), Fault.OTHER, "KeyError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_botocore_raises_has_a_family(error: Exception, fault: Fault, code: str) -> None:
    found = call_error(error)
    assert (found.fault, found.code) == (fault, code)


def test_gone_is_only_what_the_error_names() -> None:
    def gone(code: str, message: str = "", fault: Fault = Fault.GONE) -> bool:
        return means_gone(CallError(fault, code, message), "AWS::RDS::DBInstance", ["db-1"])

    assert gone("DBInstanceNotFound")
    assert gone("DBInstanceNotFoundFault")
    assert gone("ResourceNotFoundException", "db-1 is not there")
    assert not gone("ResourceNotFoundException", "no lifecycle")
    assert not gone("DBParameterGroupNotFound", "db-1 uses it")
    assert not gone("DBInstanceNotFound", fault=Fault.DENIED)


@pytest.mark.parametrize(
    ("code", "type"),
    [
        ("InvalidVpcID.NotFound", "AWS::EC2::VPC"),
        ("InvalidGroup.NotFound", "AWS::EC2::SecurityGroup"),
        ("InvalidAMIID.NotFound", "AWS::EC2::Image"),
        ("LoadBalancerNotFound", "AWS::ElasticLoadBalancingV2::LoadBalancer"),
        ("AccessPointNotFound", "AWS::ElasticLoadBalancing::LoadBalancer"),
        ("TargetGroupNotFound", "AWS::ElasticLoadBalancingV2::TargetGroup"),
        ("ListenerNotFound", "AWS::ElasticLoadBalancingV2::Listener"),
        ("DBProxyNotFoundFault", "AWS::RDS::DBProxy"),
    ],
)
def test_codes_name_the_types_they_are_of(code: str, type: str) -> None:
    assert means_gone(CallError(Fault.GONE, code), type, [])


@given(st.text(max_size=2000))
def test_any_message_becomes_one_short_line_without_control_characters(message: str) -> None:
    line = scrub(message)
    assert len(line) <= 300
    assert line.isprintable()
    assert line == line.strip()


SECRETS = {
    "an access key id": ("the key AKIAIOSFODNN7EXAMPLE is unknown", "AKIAIOSFODNN7EXAMPLE"),
    "an encoded message": (
        "You are not authorized. Encoded authorization failure message: 4GIOHlTkIaWHQD0Q0m6XSnuUMCm-abcdefghijklmn",
        "4GIOHlTkIaWHQD0Q0m6XSnuUMCm",
    ),
    "a token": ("security-token=FwoGZXIvYXdzEJr more", "FwoGZXIvYXdzEJr"),
    "a signature": ("Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024", "fe5f80f7"),
    "a long blob": ("x " + "QUJD" * 40, "QUJD" * 20),
}


@pytest.mark.parametrize(("message", "secret"), SECRETS.values(), ids=SECRETS)
def test_no_secret_stays_in_a_message(message: str, secret: str) -> None:
    assert secret not in scrub(message)
    assert scrub(message)


def test_a_message_keeps_what_a_person_needs() -> None:
    said = (
        "User: arn:aws:sts::123456789012:assumed-role/auditor/x is not authorized to perform: rds:DescribeDBInstances "
        "with an explicit deny in a service control policy"
    )
    assert scrub(said) == said
    assert json.loads(json.dumps(scrub("a\x00b\u202ec\nd"))) == "a b c d"


def test_of_a_message_that_is_too_long_the_reason_at_its_end_is_kept() -> None:
    role = f"arn:aws:sts::123456789012:assumed-role/{'long-role-name-' * 10}/{'session-' * 10}"
    said = scrub(f"User: {role} is not authorized to perform: rds:X with an explicit deny in a service control policy")
    assert len(said) <= 300
    assert said.startswith("User: arn:aws:sts::123456789012")
    assert by_organisation(said)


@pytest.mark.parametrize(
    ("message", "by"),
    [
        ("is not authorized to perform: ec2:X with an explicit deny in a service control policy", True),
        ("is not authorized to perform: ec2:X because no service control policy allows the ec2:X action", True),
        ("is not authorized to perform: s3:X with an explicit deny in a resource control policy", True),
        ("is not authorized to perform: ec2:X because no identity-based policy allows the ec2:X action", False),
        ("is not authorized to perform: ec2:X with an explicit deny in an identity-based policy", False),
        ("You are not authorized to perform this operation.", False),
    ],
)
def test_a_denial_by_the_organisation_is_told_by_its_words(message: str, by: bool) -> None:
    assert by_organisation(message) is by


@pytest.mark.parametrize(
    ("code", "message", "clock", "ends"),
    [
        (
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
            True,
            True,
        ),
        ("RequestExpired", "Request has expired.", True, True),
        (
            "SignatureDoesNotMatch",
            "Signature expired: 20261128T010000Z is now earlier than 20261128T010500Z",
            True,
            True,
        ),
        ("InvalidSignatureException", "Signature not yet current: 20261128T011500Z", True, True),
        ("SignatureDoesNotMatch", "The request signature we calculated does not match", False, False),
        ("ExpiredToken", "The security token included in the request is expired", False, True),
        ("UnauthorizedSSOTokenError", "", False, True),
        ("AuthFailure", "AWS was not able to validate the provided access credentials", False, False),
        ("AccessDenied", "the clock struck", False, False),
    ],
)
def test_what_every_call_to_come_would_meet_ends_a_session(code: str, message: str, clock: bool, ends: bool) -> None:
    error = CallError(classify(code, 403, message), code, message)
    assert wrong_clock(error) is clock
    assert ends_session(error) is ends
