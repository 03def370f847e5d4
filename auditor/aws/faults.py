"""Sorts AWS's error codes into families, and makes their messages safe to keep."""

import re
import unicodedata
from collections.abc import Iterable

from auditor.aws.answer import CallError, Fault

__all__ = ["OVER", "by_organisation", "classify", "ends_session", "means_gone", "scrub", "wrong_clock"]

_NOT_HERE = frozenset(
    {
        "InvalidAction",
        "OptInRequired",
        "SubscriptionRequiredException",
        "SubscriptionRequired",
        "UninitializedAccountException",
        "UnknownOperationException",
    }
)
_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "Forbidden",
        "ForbiddenException",
        "NotAuthorized",
        "NotAuthorizedException",
        "UnauthorizedAccess",
        "UnauthorizedException",
        "UnauthorizedOperation",
    }
)
_THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_TRANSIENT = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "InternalServiceError",
        "InternalServiceException",
        "InternalServiceFault",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServerException",
        "ServiceException",
        "ServiceFailure",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "Unavailable",
    }
)
# A key that is not known, a session that is over, a clock that is wrong.
_CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "RequestInTheFuture",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)
OVER = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"})
"""Codes with which AWS says that a session is over."""
# Of the codes above: what holds for every call to come, whatever the region.
_SESSION_OVER = frozenset(
    {
        *OVER,
        "CredentialRetrievalError",
        "LoginError",
        "LoginRefreshRequired",
        "LoginTokenLoadError",
        "MetadataRetrievalError",
        "NoAuthTokenError",
        "NoCredentialsError",
        "SSOError",
        "SSOTokenLoadError",
        "TokenRetrievalError",
        "UnauthorizedSSOTokenError",
    }
)
_CLOCK = frozenset({"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"})
_CLOCK_SAID = re.compile(r"signature (has )?expired|not yet current|clock|too skewed", re.IGNORECASE)
# Services make up new words for it.
_RATE = re.compile(r"throttl|toomanyrequests|slowdown|rate(limit)?exceeded|throughputexceeded", re.IGNORECASE)
_PARAMETER = re.compile(
    r"^(Invalid(Parameter|Argument|Request|Input|Value)|Missing(Parameter|Required)|Malformed|Validation)"
)
_GONE = re.compile(r"NotFound|NoSuch|DoesNotExist|NonExistent")
_NOT_IMPLEMENTED = re.compile(r"not (yet |been )*implemented", re.IGNORECASE)
# EC2 calls some things by older names than CloudFormation does.
_OTHER_NAMES = {"group": "securitygroup", "ami": "image", "ami id": "image", "accesspoint": "loadbalancer"}
_LONGEST_MESSAGE = 300
_TAIL = 120
_ENCODED = re.compile(r"encoded authorization failure message:?\s*\S+", re.IGNORECASE)
_KEY_ID = re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}\b")
_NAMED_SECRET = re.compile(r"(?i)\b(signature|credential|security-?token|secret\w*|password|token)\s*[=:]\s*[^\s,&]+")
_LONG_BLOB = re.compile(r"[A-Za-z0-9+/=_-]{80,}")


def classify(code: str, status: int, message: str = "") -> Fault:
    """Return the family of an error by AWS's code, the HTTP status and, where neither tells, the message."""
    bare = code.rpartition("#")[2].partition(":")[0].removeprefix("Client.").removeprefix("Server.")
    if status == 501 or bare == "NotImplemented" or (status in (404, 400) and _NOT_IMPLEMENTED.search(message)):
        return Fault.UNSUPPORTED
    for codes, fault in (
        (_DENIED, Fault.DENIED),
        (_CREDENTIALS, Fault.CREDENTIALS),
        (_NOT_HERE, Fault.NOT_HERE),
        (_TRANSIENT, Fault.TRANSIENT),
        (_THROTTLED, Fault.THROTTLED),
    ):
        if bare in codes:
            return fault
    if status == 429 or _RATE.search(bare) or "rate exceeded" in message.lower():
        return Fault.THROTTLED
    if status >= 500:
        return Fault.TRANSIENT
    if _GONE.search(bare) or bare == "404":
        return Fault.GONE
    if _PARAMETER.match(bare):
        return Fault.PARAMETER
    return Fault.DENIED if status in (401, 403) else Fault.OTHER


def by_organisation(message: str) -> bool:
    """Whether a denial's MESSAGE says that a policy of the organisation is behind it (IAM user guide, "Troubleshoot access denied
    error messages"): an explicit deny in one, or none that allows."""
    return "service control policy" in message or "resource control policy" in message


def wrong_clock(error: CallError) -> bool:
    """Whether AWS refused a request for the time it was signed at: S3 and EC2 have codes for it, the others say it in words."""
    return error.code in _CLOCK or (error.fault is Fault.CREDENTIALS and _CLOCK_SAID.search(error.message) is not None)


def ends_session(error: CallError) -> bool:
    """Whether every call to come would fail alike: the session is over, or this machine's clock is wrong."""
    return error.code in _SESSION_OVER or wrong_clock(error)


def means_gone(error: CallError, type: str, values: Iterable[object]) -> bool:
    """Whether ERROR says that the resource itself is gone, not merely something that belongs to it.

    TYPE is its CloudFormation name; VALUES are the arguments it was asked for by. A code that names another thing
    (``LifecyclePolicyNotFoundException`` of a repository) or nothing without naming the resource in its message is no proof.
    """
    if error.fault is not Fault.GONE:
        return False
    noun = re.sub(r"(^Invalid|^NoSuch|\.?(NotFound|DoesNotExist|NonExistent).*$|ID\b|Id\b)", "", error.code).lower()
    noun = _OTHER_NAMES.get(noun, noun)
    if noun in ("", "resource", "entity"):
        return any(str(value) in error.message for value in values if value)
    return noun == type.rpartition("::")[2].lower()


def scrub(message: str) -> str:
    """Return MESSAGE on one line of at most 300 characters, without control characters, keys, tokens or encoded blobs."""
    line = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in message[:4000])
    line = _ENCODED.sub("", " ".join(line.split()))
    line = _KEY_ID.sub("(key id)", line)
    line = _NAMED_SECRET.sub(lambda match: f"{match[1]}=(hidden)", line)
    line = _LONG_BLOB.sub("(blob)", line)
    line = " ".join(line.split())
    if len(line) <= _LONGEST_MESSAGE:
        return line
    # Who may not comes first, and why not last: what is long lies between.
    return f"{line[: _LONGEST_MESSAGE - _TAIL - 1].rstrip()}…{line[-_TAIL:].lstrip()}"
