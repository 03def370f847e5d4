"""Says in one line why AWS does not let us in, and what to do about it."""

import difflib
from collections.abc import Iterable
from datetime import UTC, datetime

from auditor.aws.answer import CallError, Fault
from auditor.aws.faults import wrong_clock
from auditor.errors import CredentialsError

__all__ = ["no_profile", "sign_in_error"]

WHO = "sts:GetCallerIdentity"
_SINGLE_SIGN_ON = {
    "SSOTokenLoadError",
    "UnauthorizedSSOTokenError",
    "TokenRetrievalError",
    "NoAuthTokenError",
    "UnauthorizedException",
    "SSOError",
}
_LOGIN = {"LoginError", "LoginRefreshRequired", "LoginTokenLoadError", "LoginAuthorizationCodeError"}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"}
_SECONDS_ALLOWED = 60
_UNKNOWN_KEY = {"InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure"}


def no_profile(profile: str, known: Iterable[str]) -> CredentialsError:
    """Return the error for a profile that is in no AWS configuration file, with the nearest name that is."""
    names = sorted(known)
    near = difflib.get_close_matches(profile, names, n=1)
    if near:
        hint = f"did you mean {near[0]!r}?"
    elif names:
        hint = f"there are: {', '.join(names[:8])}"
    else:
        hint = "no profile is configured: run `aws configure sso` or set AWS_ACCESS_KEY_ID"
    return CredentialsError(f"AWS profile {profile!r} does not exist; {hint}")


def sign_in_error(error: CallError, operation: str, profile: str, role_arn: str) -> CredentialsError:
    """Return what a failed question about ourselves (OPERATION, ``sts:GetCallerIdentity``) means for the user."""
    return CredentialsError(_sentence(error, operation, f" --profile {profile}" if profile else "", role_arn))


def _sentence(error: CallError, operation: str, flag: str, role_arn: str) -> str:
    code, said = error.code, f" ({error.code}: {error.message})" if error.message else f" ({error.code})"
    whose = f"role {role_arn}" if role_arn else "these credentials"
    if code in _SINGLE_SIGN_ON or (error.fault is Fault.CREDENTIALS and "sso" in error.message.lower()):
        return f"the AWS sign-in session is missing or over: run `aws sso login{flag}`"
    if code in _LOGIN:
        return f"the AWS sign-in session is missing or over: run `aws login{flag}`"
    if code == "NoCredentialsError":
        return (
            "no AWS credentials found: set AWS_PROFILE or --profile, run `aws configure sso`, or use an instance role"
        )
    if code == "PartialCredentialsError":
        return f"the AWS credentials are incomplete: {error.message}"
    if code in _EXPIRED:
        return f"the AWS credentials have expired: get new ones, then run this again{said}"
    if wrong_clock(error):
        return f"this machine's clock is {_off(error)}, so AWS rejects its requests: set the clock (NTP){said}"
    if code in ("SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"):
        return f"the AWS secret access key does not belong to the key id: check both{said}"
    if code in _UNKNOWN_KEY:
        return (
            "AWS does not know this access key: it was deleted, deactivated or mistyped, or it is of another partition "
            f"(China and GovCloud: name a region of theirs with --region){said}"
        )
    if error.fault is Fault.CREDENTIALS:
        return f"AWS credentials cannot be had: {error.message or code}"
    # Who one is may be asked by everybody: what was denied with it is the role.
    if error.fault is Fault.DENIED and ("AssumeRole" in error.message or (role_arn and operation == WHO)):
        return f"{whose} cannot be assumed: check its trust policy and the external id{said}"
    if error.fault is Fault.DENIED:
        return f"{whose} may not call {operation}: allow it (see `auditor policy`){said}"
    if error.fault is Fault.TRANSIENT:
        return f"AWS cannot be reached: check network, proxy, region and AWS_ENDPOINT_URL{said}"
    return f"{operation} failed{said}"


def _off(error: CallError) -> str:
    """Return how wrong the clock is, by what AWS said the time was."""
    if error.date is None:
        return "wrong"
    seconds = (datetime.now(UTC) - error.date).total_seconds()
    if abs(seconds) < _SECONDS_ALLOWED:
        return "wrong, or was when the request was signed"
    return f"{abs(seconds) / 60:.0f} minutes {'ahead of' if seconds > 0 else 'behind'} AWS's"
